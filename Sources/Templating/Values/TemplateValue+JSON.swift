public import MainstayKernel

extension TemplateValue {
  /// The same value for templates.
  public init(_ json: JSONValue) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .string(value)
    case .array(let elements): self = .array(elements.map { TemplateValue($0) })
    case .object(let object): self = .object(TemplateObject(object.lazy.map { ($0.key, TemplateValue($0.value)) }))
    }
  }

  /// What the value's `Encodable` conformance describes; nothing else can be reached from a template.
  /// Throws what `encode(to:)` throws, and `EncodingError` if the value nests deeper than 64 levels.
  public init(encoding value: some Encodable) throws {
    self.init(try JSONValue(encoding: value))
  }
}

extension JSONValue {
  /// The same value as JSON; what JSON has no form for becomes null.
  public init(_ value: TemplateValue) {
    switch value {
    case .undefined, .null, .lambda: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .string(let text), .markup(let text), .json(let text): self = .string(text)
    case .array(let elements): self = .array(elements.map { JSONValue($0) })
    case .object(let object): self = .object(JSONObject(object.lazy.map { ($0.key, JSONValue($0.value)) }))
    }
  }
}
