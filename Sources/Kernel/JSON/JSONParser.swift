extension JSONValue {
  /// How much a text may ask of the parser.
  public struct ParsingLimits: Sendable {
    /// The longest text, in bytes.
    public var bytes: Int
    /// How deep arrays and objects may nest.
    public var depth: Int

    /// Sixteen mebibytes, and 64 levels.
    public init(bytes: Int = 16 << 20, depth: Int = 64) {
      self.bytes = bytes
      self.depth = min(depth, 512)
    }
  }

  /// Parses JSON as RFC 8259 defines it, nothing looser. Names used twice in one object, numbers too large for a
  /// `Double` and bytes that are not UTF-8 are errors.
  public init(parsing text: String, limits: ParsingLimits = ParsingLimits()) throws(JSONError) {
    try self.init(parsing: Array(text.utf8), limits: limits)
  }

  /// Parses UTF-8 encoded JSON.
  public init(parsing bytes: [UInt8], limits: ParsingLimits = ParsingLimits()) throws(JSONError) {
    guard bytes.count <= limits.bytes else {
      throw JSONError(message: "the text is longer than \(limits.bytes) bytes", line: 1, column: 1)
    }
    var parser = JSONParser(bytes: bytes, depth: limits.depth)
    self = try parser.parseDocument()
  }
}

/// Why a text is not JSON, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong.
  public let message: String
  /// The line, from 1.
  public let line: Int
  /// The column in characters (Unicode scalars), from 1.
  public let column: Int

  /// Line, column and message.
  public var description: String { "line \(line), column \(column): \(message)" }
}

/// A recursive descent over bytes, as deep as its limit.
private struct JSONParser {
  let bytes: [UInt8]
  let depth: Int
  var position = 0
  var level = 0

  init(bytes: [UInt8], depth: Int) {
    self.bytes = bytes
    self.depth = depth
  }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    let value = try parseValue()
    skipSpace()
    if position < bytes.count { throw error("something follows the value") }
    return value
  }

  private mutating func parseValue() throws(JSONError) -> JSONValue {
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"): return .object(try parseObject())
    case UInt8(ascii: "["): return .array(try parseArray())
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parse(word: "true", .bool(true))
    case UInt8(ascii: "f"): return try parse(word: "false", .bool(false))
    case UInt8(ascii: "n"): return try parse(word: "null", .null)
    case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try parseNumber()
    case nil: throw error("the text ends where a value should stand")
    default: throw error("a value should stand here")
    }
  }

  // MARK: Containers

  private mutating func parseObject() throws(JSONError) -> JSONObject {
    try enter()
    var object = JSONObject()
    if accept("}") { return leave(object) }
    repeat {
      skipSpace()
      let start = position
      guard peek == UInt8(ascii: "\"") else { throw error("a name in double quotes should stand here") }
      let key = try parseString()
      if object[key] != nil { throw error("the name \(JSONValue.string(key)) is used twice in one object", at: start) }
      guard accept(":") else { throw error("':' should follow the name") }
      object[key] = try parseValue()
    } while accept(",")
    guard accept("}") else { throw error("',' or '}' should stand here") }
    return leave(object)
  }

  private mutating func parseArray() throws(JSONError) -> [JSONValue] {
    try enter()
    var array: [JSONValue] = []
    if accept("]") { return leave(array) }
    repeat { array.append(try parseValue()) } while accept(",")
    guard accept("]") else { throw error("',' or ']' should stand here") }
    return leave(array)
  }

  private mutating func enter() throws(JSONError) {
    if level == depth { throw error("arrays and objects nest deeper than \(depth)") }
    level += 1
    position += 1
  }

  private mutating func leave<Value>(_ value: Value) -> Value {
    level -= 1
    return value
  }

  // MARK: Strings

  private mutating func parseString() throws(JSONError) -> String {
    position += 1
    let start = position
    while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    if accept(byte: "\"") { return try decode(bytes[start..<(position - 1)], at: start) }
    return try parseEscapedString(from: start)
  }

  private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
    var content = Array(bytes[start..<position])
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return try decode(content[...], at: start)
      case UInt8(ascii: "\\"):
        try parseEscape(into: &content)
      case 0..<0x20:
        throw error("a control character in a string must be written as an escape")
      default:
        content.append(byte)
        position += 1
      }
    }
    throw error("the string that begins here does not end", at: start - 1)
  }

  private mutating func parseEscape(into content: inout [UInt8]) throws(JSONError) {
    position += 1
    guard let byte = peek else { throw error("the text ends in the middle of an escape") }
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "u"): return try parseUnicodeEscape(into: &content)
    default: throw error("this escape is not known; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u")
    }
    position += 1
  }

  private mutating func parseUnicodeEscape(into content: inout [UInt8]) throws(JSONError) {
    let start = position - 1
    var value = try parseHexDigits()
    if (0xD800..<0xDC00).contains(value), accept(byte: "\\"), peek == UInt8(ascii: "u") {
      let low = try parseHexDigits()
      guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair is missing", at: start) }
      value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(value) else { throw error("half of a surrogate pair is missing", at: start) }
    content.append(contentsOf: Character(scalar).utf8)
  }

  /// Four hexadecimal digits after the `u` at the current position.
  private mutating func parseHexDigits() throws(JSONError) -> UInt32 {
    position += 1
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = peek.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
        throw error("\\u needs four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private func decode(_ content: ArraySlice<UInt8>, at start: Int) throws(JSONError) -> String {
    guard let text = String(validating: content, as: UTF8.self) else { throw error("not valid UTF-8", at: start) }
    return text
  }

  // MARK: Numbers and words

  private mutating func parseNumber() throws(JSONError) -> JSONValue {
    let start = position
    _ = accept(byte: "-")
    let leadingZero = peek == UInt8(ascii: "0")
    let digits = try skipDigits()
    if leadingZero && digits > 1 { throw error("a number may not begin with 0", at: start) }
    let isWhole = try !skipFractionAndExponent()
    return try number(String(decoding: bytes[start..<position], as: UTF8.self), isWhole: isWhole, at: start)
  }

  private mutating func skipFractionAndExponent() throws(JSONError) -> Bool {
    let start = position
    if accept(byte: ".") { _ = try skipDigits() }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      position += 1
      if !accept(byte: "-") { _ = accept(byte: "+") }
      _ = try skipDigits()
    }
    return position > start
  }

  private func number(_ text: String, isWhole: Bool, at start: Int) throws(JSONError) -> JSONValue {
    if isWhole, text != "-0", let integer = Int64(text) { return .integer(integer) }
    guard let double = Double(text), double.isFinite else { throw error("the number is too large", at: start) }
    return .number(double)
  }

  private mutating func skipDigits() throws(JSONError) -> Int {
    let start = position
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    if position == start { throw error("a digit should stand here") }
    return position - start
  }

  private mutating func parse(word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    let matches = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
    if !matches { throw error("a value should stand here; did you mean \(word)?") }
    position += word.utf8CodeUnitCount
    return value
  }

  // MARK: Bytes

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// Takes the character if it comes next, after white space.
  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    return accept(byte: character)
  }

  private mutating func accept(byte character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private func error(_ message: String, at offset: Int? = nil) -> JSONError {
    let before = bytes[..<min(offset ?? position, bytes.count)]
    let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
    return JSONError(message: message, line: before.count { $0 == 0x0A } + 1, column: column)
  }
}
