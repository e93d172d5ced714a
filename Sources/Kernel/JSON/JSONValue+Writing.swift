extension JSONValue {
  /// The value as JSON on one line, without spaces.
  public var compact: String { String(decoding: utf8(), as: UTF8.self) }

  /// The value as JSON for people: two spaces of indentation, one member a line.
  public var pretty: String { String(decoding: utf8(pretty: true), as: UTF8.self) }

  /// The value as UTF-8 encoded JSON.
  public func utf8(pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(indents: pretty)
    writer.write(self)
    return writer.output
  }
}

/// Writes JSON into a byte buffer. A log handler writes its lines with it, member by member.
struct JSONWriter {
  private(set) var output: [UInt8] = []
  private let indents: Bool
  private var depth = 0

  init(indents: Bool = false) { self.indents = indents }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append(value.description)
    case .number(let value): write(value)
    case .string(let value): write(value)
    case .array(let elements): write(elements)
    case .object(let object): write(object)
    }
  }

  private mutating func write(_ number: Double) {
    number.isFinite ? append(number.description) : write(number.jsonName)
  }

  private mutating func write(_ elements: [JSONValue]) {
    block("[", "]", isEmpty: elements.isEmpty) { writer in
      for (index, element) in elements.enumerated() {
        writer.beginItem(isFirst: index == 0)
        writer.write(element)
      }
    }
  }

  private mutating func write(_ object: JSONObject) {
    block("{", "}", isEmpty: object.isEmpty) { writer in
      for (index, member) in object.enumerated() {
        writer.beginItem(isFirst: index == 0)
        writer.write(member.key)
        writer.append(writer.indents ? ": " : ":")
        writer.write(member.value)
      }
    }
  }

  private mutating func block(
    _ open: StaticString, _ close: StaticString, isEmpty: Bool, _ body: (inout JSONWriter) -> Void
  ) {
    append(open)
    depth += 1
    body(&self)
    depth -= 1
    if !isEmpty { newLine() }
    append(close)
  }

  private mutating func beginItem(isFirst: Bool) {
    if !isFirst { output.append(UInt8(ascii: ",")) }
    newLine()
  }

  private mutating func newLine() {
    guard indents else { return }
    output.append(UInt8(ascii: "\n"))
    output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
  }

  mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

  mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { output.append(contentsOf: $0) }
  }

  /// A string in quotes. Beyond what JSON asks for, DEL, C1 controls, line separators and marks of writing direction are escaped,
  /// so that no viewer takes them for the end of a line, a terminal command or a change of order.
  mutating func write(_ text: String) {
    output.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { bytes in
      if bytes.allSatisfy(JSONWriter.isPlain) {
        output.append(contentsOf: bytes)
      } else {
        writeEscaped(bytes)
      }
    }
    output.append(UInt8(ascii: "\""))
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private mutating func writeEscaped(_ bytes: UnsafeBufferPointer<UInt8>) {
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      switch scalar.value {
      case 0x22: append(#"\""#)
      case 0x5C: append(#"\\"#)
      case 0x0A: append(#"\n"#)
      case 0x0D: append(#"\r"#)
      case 0x09: append(#"\t"#)
      case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: writeCode(scalar.value)
      default: output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
  }

  private mutating func writeCode(_ value: UInt32) {
    let digits = String(value, radix: 16)
    append(#"\u"#)
    output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, 4 - digits.utf8.count)))
    append(digits)
  }
}

extension Double {
  /// What stands for a number that JSON cannot express.
  var jsonName: String { isNaN ? "NaN" : self > 0 ? "Infinity" : "-Infinity" }
}
