extension JSONValue {
  /// On one line, as YAML shows it: `[a, b]`, `{min: 2}`, text quoted only where YAML needs it.
  var yamlText: String {
    switch self {
    case .null, .bool, .integer, .number: compact
    case .string(let text): YAMLText.scalar(text)
    case .array(let values): "[" + values.map(\.yamlText).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\(YAMLText.scalar($0.key)): \($0.value.yamlText)" }.joined(separator: ", ") + "}"
    }
  }
}

/// How text is written in YAML on one line.
enum YAMLText {
  /// Plain where YAML reads it back as the same text, else in double quotes.
  static func scalar(_ text: String) -> String {
    isPlain(text) ? text : JSONValue.string(text).compact
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
