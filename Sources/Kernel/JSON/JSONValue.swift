/// A JSON value. Objects keep the order of their keys; equality does not depend on it.
public enum JSONValue: Sendable, Hashable {
  /// `null`
  case null
  /// `true` or `false`
  case bool(Bool)
  /// A number without fraction or exponent.
  case integer(Int64)
  /// Any other number. Not finite ones are written as strings.
  case number(Double)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object.
  case object(JSONObject)
}

extension JSONValue {
  /// The member of that name, or nil if this is not an object or has no such member.
  public subscript(key: String) -> JSONValue? {
    if case .object(let object) = self { object[key] } else { nil }
  }

  /// The element at that position, or nil if this is not an array or is shorter.
  public subscript(index: Int) -> JSONValue? {
    if case .array(let array) = self, array.indices.contains(index) { array[index] } else { nil }
  }

  /// The string, or nil if it is something else.
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  /// The Boolean, or nil if it is something else.
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The integer, or nil if it is something else.
  public var integerValue: Int64? { if case .integer(let value) = self { value } else { nil } }
  /// The elements, or nil if it is something else.
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  /// The object, or nil if it is something else.
  public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// The number, whole or not, or nil if it is something else.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// `null`
  public init(nilLiteral: ()) { self = .null }
  /// A Boolean.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object. Of two members of one name the later one counts.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

extension JSONValue: CustomStringConvertible {
  /// The value as compact JSON.
  public var description: String { compact }
}
