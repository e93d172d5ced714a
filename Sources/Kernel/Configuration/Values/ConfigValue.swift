/// A type that a ``Field`` can have.
///
/// `String`, `Bool`, the integers, `Double`, `Duration`, ``ByteCount``, ``Secret``, ``JSONValue``, sections
/// (``PluginConfiguration``), and optionals, arrays and dictionaries of them conform. An enumeration joins by
/// declaration: `enum Level: String, CaseIterable, ConfigValue { … }`; a text with a form of its own by
/// ``ConfigTextValue``.
public protocol ConfigValue: Sendable {
  /// What can be written, for the schema, the documentation and messages.
  static var configShape: ConfigShape { get }

  /// Reads what was written. Reports through `reading` and returns nil if it cannot be used.
  /// - Parameter base: The value to lay it over, where only parts may be written.
  static func configValue(
    from node: ConfigTree, over base: Self?, at path: ConfigPath, reading: ConfigReading
  ) -> Self?

  /// The value as it would be written. Secrets are redacted unless they are revealed.
  func configRendering(revealed: Bool) -> JSONValue
}

/// What can be written for a value.
public indirect enum ConfigShape: Sendable {
  /// Any text.
  case text
  /// A whole number between two limits.
  case integer(ClosedRange<Int>)
  /// A number.
  case number
  /// `true` or `false`.
  case boolean
  /// A number with a unit of time.
  case duration
  /// A number with a unit of size.
  case bytes
  /// One of some words.
  case choice([String])
  /// Text of a form that its type checks.
  case form(String)
  /// A list.
  case list(ConfigShape)
  /// A map with keys of the user's choice.
  case dictionary(ConfigShape)
  /// A map with declared keys.
  case section(any PluginConfiguration.Type)
  /// Something that is never shown.
  case secret(ConfigShape)
  /// Something that may be absent.
  case optional(ConfigShape)
  /// Anything.
  case anything

  /// Whether absence is a value of its own.
  var isOptional: Bool {
    if case .optional = self { true } else { false }
  }

  /// Whether it is, or holds, a section, whose fields are reported one by one.
  var holdsSections: Bool {
    switch self {
    case .section: true
    case .list(let inner), .dictionary(let inner), .secret(let inner), .optional(let inner): inner.holdsSections
    default: false
    }
  }

  /// Whether it is a section itself, which is there even if nobody writes it.
  var isSection: Bool {
    if case .section = self { true } else { false }
  }
}

/// A value that is written as text of a certain form: a URL, a host and port, a pattern.
public protocol ConfigTextValue: ConfigValue {
  /// The form, after "must be": `a URL such as https://example.com`.
  static var configForm: String { get }
  /// Reads the text. Nil if it has not the form.
  init?(configText: String)
  /// The text.
  var configText: String { get }
}

extension ConfigTextValue {
  /// Text of the type's form.
  public static var configShape: ConfigShape { .form(configForm) }

  /// Reads text of the type's form.
  public static func configValue(
    from node: ConfigTree, over base: Self?, at path: ConfigPath, reading: ConfigReading
  ) -> Self? {
    guard let scalar = reading.scalar(node, at: path, expected: configForm) else { return nil }
    guard let value = Self(configText: scalar.text) else {
      return reading.mismatch(node, at: path, expected: configForm)
    }
    return value
  }

  /// The text.
  public func configRendering(revealed: Bool) -> JSONValue { .string(configText) }
}

extension ConfigValue where Self: RawRepresentable & CaseIterable, RawValue == String {
  /// One of the cases.
  public static var configShape: ConfigShape { .choice(allCases.map(\.rawValue)) }

  /// Reads the name of a case.
  public static func configValue(
    from node: ConfigTree, over base: Self?, at path: ConfigPath, reading: ConfigReading
  ) -> Self? {
    let names = allCases.map(\.rawValue)
    let expected = names.count == 1 ? "'\(names.joined())'" : "one of \(names.joined(separator: ", "))"
    guard let scalar = reading.scalar(node, at: path, expected: expected) else { return nil }
    if let value = Self(rawValue: scalar.text) { return value }
    let similar = Spelling.closest(to: scalar.text, among: names)
    return reading.mismatch(node, at: path, expected: expected, remedy: similar.map { "did you mean '\($0)'?" })
  }

  /// The name of the case.
  public func configRendering(revealed: Bool) -> JSONValue { .string(rawValue) }
}
