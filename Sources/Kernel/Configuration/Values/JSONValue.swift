/// Any JSON: what a free-form part of the configuration decodes into, and how a value of the configuration is rendered.
public enum JSONValue: Sendable, Hashable {
  /// `null`
  case null
  /// `true`, `false`
  case bool(Bool)
  /// A whole number.
  case integer(Int)
  /// A number with a fraction.
  case number(Double)
  /// Text.
  case string(String)
  /// Values in order.
  case array([JSONValue])
  /// Values by key. Rendered in the order of the keys.
  case object([String: JSONValue])
}

extension JSONValue: Codable {
  /// Reads any JSON.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Writes itself.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }
}

extension JSONValue {
  /// The members in the order of their keys.
  var members: [(key: String, value: JSONValue)] {
    guard case .object(let values) = self else { return [] }
    return values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
  }

  /// On one line, as YAML shows it: `[a, b]`, `{min: 2}`, text quoted only where YAML needs it.
  var yamlText: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let text): YAMLText.scalar(text)
    case .array(let values): "[" + values.map(\.yamlText).joined(separator: ", ") + "]"
    case .object:
      "{" + members.map { "\(YAMLText.scalar($0.key)): \($0.value.yamlText)" }.joined(separator: ", ") + "}"
    }
  }
}

/// How text is written in YAML on one line.
enum YAMLText {
  /// Plain where YAML reads it back as the same text, else in double quotes.
  static func scalar(_ text: String) -> String {
    isPlain(text) ? text : JSONText.quoted(text)
  }

  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, text.last != " ", text.last != ":" else { return false }
    let special = "-?:,[]{}#&*!|>'\"%@` "
    guard !special.unicodeScalars.contains(first) || (first == "-" && text.count > 1 && !text.hasPrefix("- "))
    else { return false }
    return !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F || ",[]{}#".unicodeScalars.contains($0) }
      && !text.contains(": ") && !["true", "false", "null", "~"].contains(text)
  }
}

/// How text is written in JSON.
enum JSONText {
  /// In double quotes, with the escapes JSON demands.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F || (0x80...0x9F).contains(scalar.value):
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
