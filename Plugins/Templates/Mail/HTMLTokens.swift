/// HTML as a row of tags and texts, for what is done to a page after it was rendered. Whatever is not changed is written
/// back as it was read.
enum HTMLToken: Equatable {
  case text(String)
  case start(HTMLTag)
  case end(name: String, source: String)
  /// Comments, declarations, and the content of `script` and `style`.
  case other(String)

  static func tokens(of html: String) -> [HTMLToken] {
    var reader = HTMLTokenReader(Array(html.utf8))
    return reader.read()
  }

  var source: String {
    switch self {
    case .text(let text), .other(let text): text
    case .start(let tag): tag.source
    case .end(_, let source): source
    }
  }
}

/// A start tag.
struct HTMLTag: Equatable {
  let name: String
  private(set) var attributes: [(name: String, value: String)]
  private(set) var source: String
  let closesItself: Bool

  init(name: String, attributes: [(name: String, value: String)], source: String, closesItself: Bool) {
    self.name = name
    self.attributes = attributes
    self.source = source
    self.closesItself = closesItself
  }

  static func == (left: HTMLTag, right: HTMLTag) -> Bool { left.source == right.source }

  static let void: Set<String> = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
  ]

  /// Whether no end tag follows.
  var isVoid: Bool { closesItself || Self.void.contains(name) }

  /// The value of an attribute, with entities resolved.
  subscript(attribute: String) -> String? {
    attributes.first { $0.name == attribute }.map { HTMLEntities.decoded($0.value) }
  }

  /// Sets an attribute and writes the tag anew. `value` is text.
  mutating func set(_ name: String, _ value: String) {
    let escaped = HTMLEntities.escaped(value)
    if let index = attributes.firstIndex(where: { $0.name == name }) {
      attributes[index].value = escaped
    } else {
      attributes.append((name, escaped))
    }
    source =
      "<\(self.name)" + attributes.map { " \($0.name)=\"\(Self.quoted($0.value))\"" }.joined()
      + (closesItself ? " />" : ">")
  }

  private static func quoted(_ value: String) -> String {
    value.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "&quot;")
  }
}

private struct HTMLTokenReader {
  private let bytes: [UInt8]
  private var position = 0
  private var tokens: [HTMLToken] = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func read() -> [HTMLToken] {
    var start = 0
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "<"), beginsTag(position) else {
        position += 1
        continue
      }
      if start < position { tokens.append(.text(text(start..<position))) }
      guard let end = tagEnd(position) else {
        // What is not finished is not shown by browsers either.
        tokens.append(.other(text(position..<bytes.count)))
        return tokens
      }
      readTag(position..<end)
      start = position
    }
    if start < bytes.count { tokens.append(.text(text(start..<bytes.count))) }
    return tokens
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  private func beginsTag(_ start: Int) -> Bool {
    guard start + 1 < bytes.count else { return false }
    let next = bytes[start + 1]
    let isLetter = (0x41...0x5A).contains(next & 0xDF)
    return isLetter || next == UInt8(ascii: "/") || next == UInt8(ascii: "!") || next == UInt8(ascii: "?")
  }

  /// Where the tag or comment that begins here ends; nil if it does not.
  private func tagEnd(_ start: Int) -> Int? {
    if bytes[start...].starts(with: "<!--".utf8) {
      var index = start + 4
      while index + 2 < bytes.count {
        if bytes[index...].starts(with: "-->".utf8) { return index + 3 }
        index += 1
      }
      return bytes.count
    }
    var quote: UInt8?
    // A quotation mark only counts where a value begins.
    var isValue = false
    for index in (start + 1)..<bytes.count {
      let byte = bytes[index]
      if let open = quote {
        if byte == open { quote = nil }
      } else if isValue, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
        isValue = false
      } else if byte == UInt8(ascii: ">") {
        return index + 1
      } else if byte != 0x20, !(0x09...0x0D).contains(byte) {
        isValue = byte == UInt8(ascii: "=")
      }
    }
    return nil
  }

  private mutating func readTag(_ range: Range<Int>) {
    position = range.upperBound
    let source = text(range)
    let second = bytes[range.lowerBound + 1]
    if second == UInt8(ascii: "!") || second == UInt8(ascii: "?") { return tokens.append(.other(source)) }
    var fields = HTMLTagReader(bytes: bytes, position: range.lowerBound + 1, end: range.upperBound - 1)
    if second == UInt8(ascii: "/") {
      fields.position += 1
      return tokens.append(.end(name: fields.name(), source: source))
    }
    let name = fields.name()
    let closes = range.count > 2 && bytes[range.upperBound - 2] == UInt8(ascii: "/")
    tokens.append(
      .start(HTMLTag(name: name, attributes: fields.attributes(), source: source, closesItself: closes)))
    if !closes && (name == "script" || name == "style") { readRaw(name) }
  }

  private mutating func readRaw(_ name: String) {
    let start = position
    let end = Array("</\(name)".utf8)
    while position < bytes.count {
      if bytes[position] == end[0],
        bytes[position...].prefix(end.count).map({ $0 | ($0 >= 0x41 && $0 <= 0x5A ? 0x20 : 0) }) == end
      {
        break
      }
      position += 1
    }
    if start < position { tokens.append(.other(text(start..<position))) }
  }
}

private struct HTMLTagReader {
  let bytes: [UInt8]
  var position: Int
  let end: Int

  private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  mutating func name() -> String {
    let start = position
    while position < end, !isSpace(bytes[position]), bytes[position] != UInt8(ascii: "/") { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self).lowercased()
  }

  mutating func attributes() -> [(name: String, value: String)] {
    var result: [(name: String, value: String)] = []
    while true {
      while position < end, isSpace(bytes[position]) || bytes[position] == UInt8(ascii: "/") { position += 1 }
      guard position < end else { return result }
      let start = position
      while position < end, !isSpace(bytes[position]), bytes[position] != UInt8(ascii: "="),
        bytes[position] != UInt8(ascii: "/") || position == start
      {
        position += 1
      }
      let name = String(decoding: bytes[start..<position], as: UTF8.self).lowercased()
      while position < end, isSpace(bytes[position]) { position += 1 }
      if position < end, bytes[position] == UInt8(ascii: "=") {
        position += 1
        result.append((name, value()))
      } else {
        result.append((name, ""))
      }
      if position == start { position += 1 }
    }
  }

  private mutating func value() -> String {
    while position < end, isSpace(bytes[position]) { position += 1 }
    guard position < end else { return "" }
    let quote = bytes[position]
    if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      position += 1
      let start = position
      while position < end, bytes[position] != quote { position += 1 }
      defer { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    let start = position
    while position < end, !isSpace(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }
}

/// Characters that HTML writes by name or number.
enum HTMLEntities {
  private static let names: [String: String] = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{A0}", "ndash": "–", "mdash": "—",
    "hellip": "…",
    "euro": "€", "copy": "©", "reg": "®", "trade": "™", "laquo": "«", "raquo": "»", "bull": "•", "middot": "·",
    "deg": "°",
    "times": "×", "shy": "", "zwnj": "", "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”", "sect": "§",
    "para": "¶",
  ]

  static func decoded(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
    var result = ""
    var rest = Substring(text)
    while let ampersand = rest.firstIndex(of: "&") {
      result += rest[..<ampersand]
      rest = rest[ampersand...]
      let body = rest.dropFirst().prefix(12)
      if let end = body.firstIndex(of: ";"), let character = character(String(body[..<end])) {
        result += character
        rest = rest[rest.index(after: end)...]
      } else {
        result += "&"
        rest = rest.dropFirst()
      }
    }
    return result + rest
  }

  private static func character(_ name: String) -> String? {
    guard name.hasPrefix("#") else { return names[name] }
    let digits = name.dropFirst()
    let isHexadecimal = digits.hasPrefix("x") || digits.hasPrefix("X")
    let code = isHexadecimal ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    return code.flatMap { Unicode.Scalar($0) }.map { String(Character($0)) }
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}
