extension HandlebarsParser {
  /// The beginning of a tag.
  struct Tag {
    enum Kind {
      case value, ampersand, unescaped, comment, decorator
      case block, inverted, rawBlock, inlineBlock, partialBlock, partial
      case close, inverse, elseChain

      var endsBody: Bool { self == .close || self == .inverse || self == .elseChain }
    }

    let kind: Kind
    /// Where its first brace stands.
    let start: Int
    /// Whether it begins with `{{~`.
    let strips: Bool
  }

  /// Reads `{{`, `~` and the sigil; what follows is the expression.
  mutating func readTag() throws(TemplateError) -> Tag {
    let start = position
    if accept("{{{{") {
      if peek == UInt8(ascii: "/") { throw error("this closes a raw block that is not open", at: start) }
      return Tag(kind: .rawBlock, start: start, strips: false)
    }
    position += 2
    let strips = accept("~")
    return Tag(kind: readSigil(), start: start, strips: strips)
  }

  private mutating func readSigil() -> Tag.Kind {
    switch peek {
    case UInt8(ascii: "!"): return take(1, .comment)
    case UInt8(ascii: ">"): return take(1, .partial)
    case UInt8(ascii: "/"): return take(1, .close)
    case UInt8(ascii: "&"): return take(1, .ampersand)
    case UInt8(ascii: "{"): return take(1, .unescaped)
    case UInt8(ascii: "*"): return take(1, .decorator)
    case UInt8(ascii: "#"):
      if accept("#>") { return .partialBlock }
      if accept("#*") { return .inlineBlock }
      return take(1, .block)
    case UInt8(ascii: "^"):
      position += 1
      return closesNext(from: position) ? .inverse : .inverted
    default: return readElse()
    }
  }

  private mutating func take(_ count: Int, _ kind: Tag.Kind) -> Tag.Kind {
    position += count
    return kind
  }

  /// `else` alone, `else` before another block, or an ordinary value.
  private mutating func readElse() -> Tag.Kind {
    var index = position
    while index < bytes.count && bytes[index].isSpace { index += 1 }
    guard bytes[index...].starts(with: "else".utf8) else { return .value }
    let after = index + 4
    if closesNext(from: after) {
      position = after
      return .inverse
    }
    guard after < bytes.count, bytes[after].isSpace else { return .value }
    position = after
    return .elseChain
  }

  /// Whether nothing but white space stands before the end of the tag.
  private func closesNext(from start: Int) -> Bool {
    var index = start
    while index < bytes.count && bytes[index].isSpace { index += 1 }
    if index < bytes.count && bytes[index] == ASCII.tilde { index += 1 }
    return bytes[min(index, bytes.count)...].starts(with: "}}".utf8)
  }

  /// Reads the end of a tag; whether it begins with `~`.
  mutating func expectClose(_ text: String, of tag: Tag) throws(TemplateError) -> Bool {
    skipSpace()
    if text == "}}}" {
      guard accept("}") else { throw unexpected(in: tag, closing: text) }
      let strips = accept("~")
      guard accept("}}") else { throw unexpected(in: tag, closing: text) }
      return strips
    }
    let strips = accept("~")
    guard accept(text) else { throw unexpected(in: tag, closing: text) }
    return strips
  }

  private func unexpected(in tag: Tag, closing text: String) -> TemplateError {
    if position >= bytes.count {
      return error("the tag that begins here does not end; close it with \(text)", at: tag.start)
    }
    return error("this is not expected here; a value, name=value or \(text) could stand here")
  }

  // MARK: Characters

  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func skipSpace() {
    while position < bytes.count && bytes[position].isSpace { position += 1 }
  }

  mutating func accept(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { expected in
      guard position + expected.count <= bytes.count else { return false }
      for (offset, byte) in expected.enumerated() where bytes[position + offset] != byte { return false }
      position += expected.count
      return true
    }
  }

  mutating func accept(_ text: String) -> Bool {
    guard bytes[position...].starts(with: text.utf8) else { return false }
    position += text.utf8.count
    return true
  }
}
