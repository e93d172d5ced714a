extension JSONValue: ConfigValue {
  /// Anything.
  public static var configShape: ConfigShape { .anything }

  /// Reads anything; plain scalars become what YAML's core schema says they are.
  public static func configValue(
    from node: ConfigTree, over base: JSONValue?, at path: ConfigPath, reading: ConfigReading
  ) -> JSONValue? {
    if reading.isHidden(node) { reading.hide(node) }
    return JSONValue(node)
  }

  /// Itself.
  public func configRendering(revealed: Bool) -> JSONValue { self }
}

extension JSONValue {
  /// What a part of the configuration says, without any declaration.
  public init(_ node: ConfigTree) {
    switch node.content {
    case .list(let items): self = .array(items.map { JSONValue($0) })
    case .map(let entries): self = .object(JSONObject(entries.map { ($0.key, JSONValue($0.value)) }))
    case .scalar(let scalar): self = scalar.json
    }
  }
}

extension ConfigScalar {
  /// What YAML's core schema makes of the text.
  fileprivate var json: JSONValue {
    switch text {
    case _ where style != .plain: .string(text)
    case "", "~", "null", "Null", "NULL": .null
    case "true", "True", "TRUE": true
    case "false", "False", "FALSE": false
    default: number ?? .string(text)
    }
  }

  private var number: JSONValue? {
    guard text.unicodeScalars.allSatisfy({ "0123456789+-.eE".unicodeScalars.contains($0) }) else { return nil }
    return Int64(text).map { .integer($0) } ?? Double(text).flatMap { $0.isFinite ? .number($0) : nil }
  }
}

extension JSONValue {
  /// On one line, as YAML shows it: `[a, b]`, `{min: 2}`, text quoted only where YAML needs it.
  var yamlText: String {
    switch self {
    case .string(let text): YAMLText.scalar(text)
    case .array(let values): "[" + values.map(\.yamlText).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\(YAMLText.scalar($0.key)): \($0.value.yamlText)" }.joined(separator: ", ") + "}"
    case .null, .bool, .integer, .number: compact
    }
  }

  /// Whether it holds nothing.
  var isEmpty: Bool {
    switch self {
    case .null: true
    case .array(let values): values.isEmpty
    case .object(let members): members.isEmpty
    default: false
    }
  }
}

/// How text is written in YAML on one line.
enum YAMLText {
  /// Plain where YAML reads it back as the same text, else in double quotes.
  static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

  /// In double quotes.
  static func quoted(_ text: String) -> String { JSONValue.string(text).compact }

  private static func isPlain(_ text: String) -> Bool {
    let scalars = text.unicodeScalars
    guard let first = scalars.first, scalars.last != " ", scalars.last != ":" else { return false }
    let isDash = first == "-" && scalars.count > 1 && !text.hasPrefix("- ")
    guard isDash || !"-?:,[]{}#&*!|>'\"%@` ".unicodeScalars.contains(first) else { return false }
    guard !scalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || ",[]{}#".unicodeScalars.contains($0) })
    else { return false }
    return !text.contains(": ") && !["true", "false", "null", "~"].contains(text)
  }
}
