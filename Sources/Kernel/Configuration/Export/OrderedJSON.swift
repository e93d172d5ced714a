/// JSON whose members keep their order, for documents that people read.
indirect enum OrderedJSON {
  case string(String)
  case raw(String)
  case array([OrderedJSON])
  case object([(String, OrderedJSON)])

  init(_ value: JSONValue) {
    switch value {
    case .null: self = .raw("null")
    case .bool(let value): self = .raw("\(value)")
    case .integer(let value): self = .raw("\(value)")
    case .number(let value): self = .raw("\(value)")
    case .string(let text): self = .string(text)
    case .array(let values): self = .array(values.map { OrderedJSON($0) })
    case .object: self = .object(value.members.map { ($0.key, OrderedJSON($0.value)) })
    }
  }

  static func strings(_ texts: [String]) -> OrderedJSON { .array(texts.map { .string($0) }) }

  /// Indented text.
  func text(indent: String = "") -> String {
    let inner = indent + "  "
    switch self {
    case .string(let text): return JSONText.quoted(text)
    case .raw(let text): return text
    case .array(let items):
      if items.isEmpty { return "[]" }
      return "[\n" + items.map { inner + $0.text(indent: inner) }.joined(separator: ",\n") + "\n" + indent + "]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map { "\(inner)\(JSONText.quoted($0)): \($1.text(indent: inner))" }
      return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
    }
  }
}
