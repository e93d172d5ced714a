extension ASCII {
  static let less = UInt8(ascii: "<")
  static let greater = UInt8(ascii: ">")
  static let percent = UInt8(ascii: "%")
  static let underscore = UInt8(ascii: "_")
}

extension UInt8 {
  /// Space or tab.
  var isBlank: Bool { self == ASCII.space || self == ASCII.tab }
  /// Whether a name may begin with it.
  var startsWord: Bool { isLetter || self == ASCII.underscore || self == UInt8(ascii: "$") || self >= 0x80 }
}

extension EJSParser {
  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// Passes white space and comments `/* */` and `//`.
  mutating func skipSpace() {
    while position < bytes.count {
      if bytes[position].isSpace {
        position += 1
      } else if accept("/*") {
        while position < bytes.count, !startsClose, !accept("*/") { position += 1 }
      } else if accept("//") {
        while position < bytes.count, bytes[position] != ASCII.lineFeed, !startsClose { position += 1 }
      } else {
        return
      }
    }
  }

  mutating func accept(_ text: StaticString) -> Bool {
    guard starts(with: text) else { return false }
    position += text.utf8CodeUnitCount
    return true
  }

  func starts(with text: StaticString) -> Bool {
    text.withUTF8Buffer { expected in
      guard position + expected.count <= bytes.count else { return false }
      for (offset, byte) in expected.enumerated() where bytes[position + offset] != byte { return false }
      return true
    }
  }

  /// White space, then the text; if that does not follow, nothing is read.
  mutating func acceptToken(_ text: StaticString) -> Bool {
    let start = position
    skipSpace()
    if accept(text) { return true }
    position = start
    return false
  }

  /// White space, then the whole word; if that does not follow, nothing is read.
  mutating func acceptWord(_ word: String) -> Bool {
    let start = position
    skipSpace()
    if readWord() == word { return true }
    position = start
    return false
  }

  /// A name, or nil. A `_` that belongs to the end of the tag does not belong to the name.
  mutating func readWord() -> String? {
    guard let first = peek, first.startsWord, !startsClose else { return nil }
    let start = position
    while let byte = peek, byte.startsWord || byte.isDigit, !startsClose { position += 1 }
    return source.text(start..<position)
  }

  mutating func expect(_ text: StaticString, _ message: String) throws(TemplateError) {
    guard acceptToken(text) else {
      skipSpace()
      throw error(message)
    }
  }

  // MARK: Errors

  func error(_ message: String, at offset: Int? = nil) -> TemplateError {
    TemplateError(.syntax, message, in: source, at: offset ?? position)
  }

  /// What is said of something that cannot stand here.
  func unexpected() -> TemplateError {
    if position >= bytes.count {
      return error("the tag that begins here does not end; close it with %>", at: tagStart)
    }
    if starts(with: ".forEach") { return error("forEach begins a block; it cannot stand in an expression") }
    switch peek {
    case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"):
      return error("values cannot be changed here; compute them in the host or with a helper")
    case UInt8(ascii: "`"): return error("texts stand in single or double quotes here; join them with +")
    default:
      return error("this is not expected here; templates know expressions, if, for, forEach and include, no JavaScript")
    }
  }
}
