extension HandlebarsParser {
  /// How deep subexpressions may nest.
  private static let expressionDepth = 32

  /// A callee, its arguments and its hash.
  mutating func parseCall(level: Int = 0) throws(TemplateError) -> CallExpression {
    skipSpace()
    let start = position
    let callee = try parseExpression(level: level)
    var arguments: [Expression] = []
    var hash: [HashPair] = []
    while true {
      let before = position
      skipSpace()
      guard let byte = peek, !endsExpression(byte), !startsBlockParameters else { break }
      guard position > before || byte == UInt8(ascii: "(") || bytes[position - 1] == UInt8(ascii: ")") else {
        throw error("white space should stand here")
      }
      if let name = hashName() {
        hash.append(HashPair(name: name, value: try parseExpression(level: level)))
      } else if hash.isEmpty {
        arguments.append(try parseExpression(level: level))
      } else {
        throw error("arguments without a name come before those with one")
      }
    }
    return CallExpression(callee: callee, arguments: arguments, hash: hash, position: start)
  }

  private func endsExpression(_ byte: UInt8) -> Bool {
    byte == ASCII.close || byte == ASCII.tilde || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "|")
  }

  private var startsBlockParameters: Bool {
    guard bytes[position...].starts(with: "as".utf8) else { return false }
    var index = position + 2
    while index < bytes.count && bytes[index].isSpace { index += 1 }
    return index > position + 2 && index < bytes.count && bytes[index] == UInt8(ascii: "|")
  }

  /// `as |a b|`, or nothing.
  mutating func parseBlockParameters() throws(TemplateError) -> [String] {
    skipSpace()
    guard startsBlockParameters else { return [] }
    while peek != UInt8(ascii: "|") { position += 1 }
    position += 1
    var names: [String] = []
    while true {
      skipSpace()
      if accept("|") { break }
      guard let name = readName() else { throw error("block parameters are written as |a b|") }
      names.append(name)
    }
    if names.isEmpty { throw error("block parameters are written as |a b|") }
    return names
  }

  /// The name that a closing tag names.
  mutating func parseCalleeName() throws(TemplateError) -> String {
    skipSpace()
    let callee = try parseExpression(level: 0)
    return CallExpression(callee: callee, position: position).name
  }

  mutating func parseExpression(level: Int) throws(TemplateError) -> Expression {
    skipSpace()
    let start = position
    switch peek {
    case UInt8(ascii: "("):
      guard level < Self.expressionDepth else {
        throw TemplateError(
          .depthExceeded, "subexpressions nest deeper than \(Self.expressionDepth)", in: source, at: start)
      }
      position += 1
      let call = try parseCall(level: level + 1)
      skipSpace()
      guard accept(")") else { throw error("the subexpression needs a closing ')'") }
      return .call(call)
    case ASCII.quote: return try parseString(ASCII.quote)
    case ASCII.apostrophe: return try parseString(ASCII.apostrophe)
    default:
      if let literal = try parseLiteral() { return literal }
      return .path(try parsePath())
    }
  }

  // MARK: Literals

  private mutating func parseString(_ quote: UInt8) throws(TemplateError) -> Expression {
    let start = position
    position += 1
    var content: [UInt8] = []
    while position < bytes.count, bytes[position] != quote {
      if bytes[position] == ASCII.backslash, position + 1 < bytes.count, bytes[position + 1] == quote { position += 1 }
      content.append(bytes[position])
      position += 1
    }
    guard position < bytes.count else { throw error("the text that begins here does not end", at: start) }
    position += 1
    let text = String(decoding: content, as: UTF8.self)
    return .literal(.string(text), text: text, position: start)
  }

  /// A number or one of the words; nil, with nothing read, if it is something else.
  private mutating func parseLiteral() throws(TemplateError) -> Expression? {
    let start = position
    var index = position
    if index < bytes.count && bytes[index] == ASCII.dash { index += 1 }
    let digits = index
    while index < bytes.count && bytes[index].isDigit { index += 1 }
    if index > digits {
      if index + 1 < bytes.count, bytes[index] == UInt8(ascii: "."), bytes[index + 1].isDigit {
        index += 1
        while index < bytes.count && bytes[index].isDigit { index += 1 }
      }
      guard endsLiteral(at: index) else { return nil }
      position = index
      return number(source.text(start..<index), at: start)
    }
    for (word, value) in Self.words
    where bytes[start...].starts(with: word.utf8) && endsLiteral(at: start + word.utf8.count) {
      position = start + word.utf8.count
      return .literal(value, text: word, position: start)
    }
    return nil
  }

  private static let words: [(String, TemplateValue)] = [
    ("true", .bool(true)), ("false", .bool(false)), ("null", .null), ("undefined", .undefined),
  ]

  private func number(_ text: String, at start: Int) -> Expression {
    let value = Int64(text).map { TemplateValue.integer($0) } ?? Double(text).map { .number($0) } ?? .undefined
    return .literal(value, text: text, position: start)
  }

  private func endsLiteral(at index: Int) -> Bool {
    guard index < bytes.count else { return true }
    return bytes[index].isSpace || bytes[index] == ASCII.close || bytes[index] == ASCII.tilde
      || bytes[index] == UInt8(ascii: ")")
  }

  // MARK: Paths

  private mutating func parsePath() throws(TemplateError) -> PathExpression {
    let start = position
    var path = PathBuilder(isData: accept("@"))
    while true {
      let at = position
      if accept("..") {
        guard path.climb() else { throw error("Invalid path: \(path.original); '..' can only stand first", at: at) }
      } else if accept("[") {
        path.append(try readBracketed(from: at))
      } else if accept(".") {
        guard path.stay(".") else { throw error("Invalid path: \(path.original); '.' can only stand first", at: at) }
      } else if let name = readName() {
        if name == "this" {
          guard path.stay(name) else {
            throw error("Invalid path: \(path.original); 'this' can only stand first", at: at)
          }
        } else {
          path.append(name)
        }
      } else {
        throw error(
          start == position ? "a name or a value should stand here" : "a name should follow here", at: position)
      }
      guard acceptSeparator(in: &path) else { break }
    }
    if let byte = peek, !byte.isSpace, !endsExpression(byte), byte != UInt8(ascii: "="), byte != UInt8(ascii: "(") {
      throw error("a name cannot contain this character; write [the name] in brackets")
    }
    return path.finish(at: start)
  }

  private mutating func acceptSeparator(in path: inout PathBuilder) -> Bool {
    guard let byte = peek, byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/") else { return false }
    position += 1
    path.original.append(byte == UInt8(ascii: ".") ? "." : "/")
    return true
  }

  private mutating func readBracketed(from start: Int) throws(TemplateError) -> String {
    let begin = position
    while let byte = peek, byte != UInt8(ascii: "]") { position += byte == ASCII.backslash ? 2 : 1 }
    guard position < bytes.count else { throw error("the name that begins here needs a closing ']'", at: start) }
    defer { position += 1 }
    return source.text(begin..<position).split(separator: "\\]", omittingEmptySubsequences: false).joined(
      separator: "]")
  }

  mutating func readName() -> String? {
    let start = position
    while let byte = peek, byte.isHandlebarsName { position += 1 }
    return position > start ? source.text(start..<position) : nil
  }

  /// `name=`, read; nil, with nothing read, if this is not the name of a hash argument.
  private mutating func hashName() -> String? {
    let start = position
    var name: String?
    if accept("[") { name = try? readBracketed(from: start) } else { name = readName() }
    if let name, accept("=") { return name }
    position = start
    return nil
  }
}

/// A path while it is read.
private struct PathBuilder {
  var original = ""
  var segments: [String] = []
  var depth = 0
  var isScoped = false
  let isData: Bool

  init(isData: Bool) {
    self.isData = isData
    if isData { original = "@" }
  }

  mutating func append(_ name: String) {
    original += name
    segments.append(name)
  }

  /// `..`; false where a name precedes it.
  mutating func climb() -> Bool {
    original += ".."
    depth += 1
    isScoped = true
    return segments.isEmpty
  }

  /// `.` or `this`; false where a name precedes it.
  mutating func stay(_ word: String) -> Bool {
    original += word
    isScoped = true
    return segments.isEmpty
  }

  func finish(at position: Int) -> PathExpression {
    PathExpression(
      original: original, depth: depth, segments: segments, isData: isData, isScoped: isScoped, position: position)
  }
}
