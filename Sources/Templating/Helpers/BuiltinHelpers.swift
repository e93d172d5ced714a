/// Helpers that are part of the language. `if`, `unless`, `each` and `with` are instructions.
enum BuiltinHelpers {
  /// `lookup object name`: the member or element that a value names.
  static let lookup = Helper(arguments: 2...2) { call in
    let name: String
    switch call[1] {
    case .string(let text): name = text
    case .integer(let number): name = String(number)
    default: return .undefined
    }
    return Renderer.element(of: call[0], name)
  }

  /// `log value …`: hands the values to the host's log.
  static let log = Helper { call in
    guard let log = call.settings.log else { return .undefined }
    log(call.arguments.map { TemplateText.text(of: $0) }.joined(separator: " "))
    return .undefined
  }
}

/// Values as texts, for helpers.
enum TemplateText {
  /// What would be written in plain text. Lists deeper than three are left out: they can be exponentially large.
  static func text(of value: TemplateValue, depth: Int = 0) -> String {
    switch value {
    case .undefined, .null, .lambda: ""
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .number(let value): NumberText.text(of: value)
    case .string(let text), .markup(let text), .json(let text): text
    case .array(let elements):
      depth > 2 ? "" : elements.map { text(of: $0, depth: depth + 1) }.joined(separator: ",")
    case .object: "[object Object]"
    }
  }
}
