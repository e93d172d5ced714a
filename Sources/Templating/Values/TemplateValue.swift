/// What a template sees of the host's data. There is nothing behind it: no reflection, no methods, no access to
/// anything that is not in the value.
public enum TemplateValue: Sendable {
  /// Nothing was there. Written as nothing; an error in strict templates.
  case undefined
  /// Present, and empty.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A whole number.
  case integer(Int64)
  /// Any other number.
  case number(Double)
  /// Text, escaped where it is written.
  case string(String)
  /// HTML that the host vouches for: not escaped in HTML text, escaped everywhere else.
  case markup(String)
  /// JSON that can stand in a script: written as it is there, escaped everywhere else.
  case json(String)
  /// A list.
  case array([TemplateValue])
  /// Named values.
  case object(TemplateObject)
  /// A function of the host. Never comes out of decoded data.
  case lambda(TemplateLambda)
}

/// A function of the host inside the data; called where a template uses its name.
public struct TemplateLambda: Sendable {
  let body: Helper.Body

  /// A function that is called with what the template passes; its result is used in its place.
  public init(_ body: @escaping Helper.Body) { self.body = body }
}

extension TemplateValue {
  /// Whether `if` takes the first branch: not nothing, false, zero, an empty text or an empty list.
  public var isTruthy: Bool {
    switch self {
    case .undefined, .null: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .number(let value): value != 0 && !value.isNaN
    case .string(let value), .markup(let value), .json(let value): !value.isEmpty
    case .array(let elements): !elements.isEmpty
    case .object, .lambda: true
    }
  }

  /// Whether there is nothing in it: nothing, false, an empty text or an empty list. Zero is something.
  var isEmpty: Bool {
    switch self {
    case .integer: false
    case .number(let value): value.isNaN
    default: !isTruthy
    }
  }

  /// Whether it is `undefined` or `null`.
  public var isNothing: Bool {
    switch self {
    case .undefined, .null: true
    default: false
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }

  /// The text, or nil if it is something else.
  public var stringValue: String? {
    switch self {
    case .string(let value), .markup(let value), .json(let value): value
    default: nil
    }
  }

  /// The number, or nil if it is something else. Text is not converted.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The whole number, or nil if it is something else.
  public var integerValue: Int64? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int64(exactly: value)
    default: nil
    }
  }

  /// The elements, or nil if it is something else.
  public var arrayValue: [TemplateValue]? { if case .array(let value) = self { value } else { nil } }

  /// The members, or nil if it is something else.
  public var objectValue: TemplateObject? { if case .object(let value) = self { value } else { nil } }

  /// The member of that name, or `undefined`.
  public subscript(name: String) -> TemplateValue {
    if case .object(let object) = self { object[name] ?? .undefined } else { .undefined }
  }

  /// What kind of value it is, for messages. Never the value itself.
  public var kind: String {
    switch self {
    case .undefined: "nothing"
    case .null: "null"
    case .bool: "a truth value"
    case .integer, .number: "a number"
    case .string, .markup, .json: "text"
    case .array: "a list"
    case .object: "an object"
    case .lambda: "a function"
    }
  }

  /// Whether two values are one and the same, judged without looking inside lists.
  func isSame(as other: TemplateValue) -> Bool {
    switch (self, other) {
    case (.undefined, .undefined), (.null, .null): true
    case (.object(let left), .object(let right)): left.isSame(as: right)
    case (.string(let left), .string(let right)): left == right
    case (.integer(let left), .integer(let right)): left == right
    case (.bool(let left), .bool(let right)): left == right
    default: false
    }
  }
}

// Not by `nil`: where an optional value is asked for, `nil` would be taken for null.
extension TemplateValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A whole number.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A text.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A list.
  public init(arrayLiteral elements: TemplateValue...) { self = .array(elements) }
  /// An object. Of two members of one name the later one counts.
  public init(dictionaryLiteral elements: (String, TemplateValue)...) { self = .object(TemplateObject(elements)) }
}
