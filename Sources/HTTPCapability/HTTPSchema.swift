public import MainstayKernel

/// What a value looks like, as JSON Schema 2020-12, which OpenAPI 3.1 uses.
public struct HTTPSchema: Sendable, Hashable {
  /// The schema itself.
  public let value: JSONValue

  /// A schema as it stands.
  public init(_ value: JSONValue) { self.value = value }

  /// Any text.
  public static let string = HTTPSchema(["type": "string"])
  /// A whole number.
  public static let integer = HTTPSchema(["type": "integer"])
  /// Any number.
  public static let number = HTTPSchema(["type": "number"])
  /// `true` or `false`.
  public static let boolean = HTTPSchema(["type": "boolean"])
  /// An instant: `2026-01-31T12:00:00Z`.
  public static let dateTime = HTTPSchema(["type": "string", "format": "date-time"])
  /// Any JSON value.
  public static let any = HTTPSchema([:])

  /// One of these words.
  public static func oneOf(_ words: String...) -> HTTPSchema {
    HTTPSchema(["type": "string", "enum": .array(words.map { .string($0) })])
  }

  /// A list.
  public static func array(of element: HTTPSchema) -> HTTPSchema {
    HTTPSchema(["type": "array", "items": element.value])
  }

  /// An object whose members have any names and values of one kind.
  public static func dictionary(of element: HTTPSchema) -> HTTPSchema {
    HTTPSchema(["type": "object", "additionalProperties": element.value])
  }

  /// An object. Members whose names end in `?` may be absent.
  public static func object(_ members: KeyValuePairs<String, HTTPSchema>) -> HTTPSchema {
    var properties = JSONObject()
    var required: [JSONValue] = []
    for (name, schema) in members {
      let isOptional = name.hasSuffix("?")
      let name = isOptional ? String(name.dropLast()) : name
      properties[name] = schema.value
      if !isOptional { required.append(.string(name)) }
    }
    return HTTPSchema(["type": "object", "properties": .object(properties), "required": .array(required)])
  }

  /// What values like this one look like, with the value as the example. Members that are nil in it are not seen:
  /// show a full one.
  public static func example(_ value: some Encodable) -> HTTPSchema {
    guard let json = try? JSONValue(encoding: value) else { return .any }
    guard case .object(var schema) = inferred(json) else { return .any }
    schema["examples"] = [json]
    return HTTPSchema(.object(schema))
  }

  /// The same schema, with a line of explanation.
  public func described(_ text: String) -> HTTPSchema {
    guard case .object(var object) = value else { return self }
    object["description"] = .string(text)
    return HTTPSchema(.object(object))
  }

  private static func inferred(_ json: JSONValue) -> JSONValue {
    switch json {
    case .null: [:]
    case .bool: boolean.value
    case .integer: integer.value
    case .number: number.value
    case .string: string.value
    case .array(let elements): ["type": "array", "items": elements.first.map(inferred) ?? [:]]
    case .object(let members):
      [
        "type": "object",
        "properties": .object(JSONObject(members.map { ($0.key, inferred($0.value)) })),
        "required": .array(members.filter { $0.value != .null }.map { .string($0.key) }),
      ]
    }
  }
}
