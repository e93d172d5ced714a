/// The keys of a section as a table for the documentation.
public struct FieldTable: Sendable {
  /// One key.
  public struct Row: Sendable, Hashable {
    /// The key, from the section downwards: `postgres.max`, `databases[].url`.
    public let key: String
    /// What can be written: `whole number`, `duration`, `auto, json or text`.
    public let type: String
    /// The default; empty if the key is absent by default.
    public let standard: String
    /// The range, if there is one.
    public let range: String
    /// The unit of a plain number.
    public let unit: String
    /// The environment variables that set it.
    public let environment: String
    /// The line of help.
    public let help: String
  }

  /// The rows, in the order of declaration.
  public let rows: [Row]

  /// The table of a section.
  public init(_ type: any PluginConfiguration.Type) {
    rows = Self.rows(of: type.init(), prefix: "", depth: 0)
  }

  /// As a Markdown table.
  public var markdown: String {
    let head = [
      "| key | type | default | range | unit | environment | meaning |", "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    let lines = rows.map { row in
      let cells = [
        Self.code(row.key), row.type, Self.code(row.standard), row.range, row.unit, Self.code(row.environment),
        row.help,
      ]
      return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    return (head + lines).joined(separator: "\n") + "\n"
  }

  private static func code(_ text: String) -> String { text.isEmpty ? "" : "`\(text)`" }

  private static func rows(
    of section: any PluginConfiguration, prefix: String, depth: Int, isItem: Bool = false
  ) -> [Row] {
    // A section that holds itself would never end.
    guard depth < 6 else { return [] }
    return DeclaredField.fields(of: section).flatMap { declared -> [Row] in
      let key = prefix + declared.key
      let field = declared.field
      if field.shape.isSection, let section = field.section {
        return rows(of: section, prefix: key + ".", depth: depth + 1, isItem: isItem)
      }
      return [row(field, key, isItem: isItem)] + items(of: field.shape, key: key, depth: depth)
    }
  }

  private static func row(_ field: any AnyField, _ key: String, isItem: Bool) -> Row {
    let standard = field.rendering(revealed: false)
    return Row(
      key: key, type: field.shape.title, standard: standard.isEmpty ? "" : standard.yamlText,
      range: field.declaration.rangeText ?? "", unit: field.declaration.unit ?? "",
      // Environment variables do not reach into lists and free maps.
      environment: isItem ? "" : field.declaration.environment?.summary ?? "",
      help: field.declaration.help + (field.declaration.deprecated.map { " Deprecated: \($0)" } ?? ""))
  }

  /// The keys of the sections inside a list or a free map.
  private static func items(of shape: ConfigShape, key: String, depth: Int) -> [Row] {
    switch shape {
    case .section(let type): rows(of: type.init(), prefix: key + ".", depth: depth + 1, isItem: true)
    case .list(let inner): items(of: inner, key: key + "[]", depth: depth)
    case .dictionary(let inner): items(of: inner, key: key + ".<name>", depth: depth)
    case .optional(let inner), .secret(let inner): items(of: inner, key: key, depth: depth)
    default: []
    }
  }
}

extension ConfigShape {
  /// In words, for the documentation.
  var title: String {
    switch self {
    case .text: "text"
    case .integer: "whole number"
    case .number: "number"
    case .boolean: "true or false"
    case .duration: "duration"
    case .bytes: "size"
    case .choice(let words): words.joined(separator: ", ")
    case .form(let form): form
    case .list(let inner): "list of \(inner.title)"
    case .dictionary(let inner): "map of \(inner.title)"
    case .section: "section"
    case .secret(let inner): "secret \(inner.title)"
    case .optional(let inner): inner.title
    case .anything: "anything"
    }
  }
}

extension AnyField {
  /// The section it holds, if it is one.
  var section: (any PluginConfiguration)? { value as? any PluginConfiguration }
}
