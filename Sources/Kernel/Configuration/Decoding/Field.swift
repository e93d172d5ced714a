/// One key of a section: its default, its line of help, and what may be written.
///
/// ```swift
/// struct PoolConfiguration: PluginConfiguration {
///   @Field("Connections kept open.", range: 0...10_000, environment: "DB_POOL_MIN") var min = 2
///   @Field("Longest wait for a connection.", environment: .milliseconds("DB_POOL_ACQUIRE_TIMEOUT"))
///   var acquireTimeout: Duration = .seconds(60)
///   @Field("Connection string.", environment: "DATABASE_URL") var url: Secret<String>?
/// }
/// ```
/// The JSON Schema, `mainstay config`, the tables of the documentation and the messages all come from it.
@propertyWrapper
public struct Field<Value: ConfigValue>: Sendable {
  /// The value.
  public var wrappedValue: Value

  let declaration: FieldDeclaration
  private let bounds: (@Sendable (Value) -> Bool)?
  private let check: (@Sendable (Value) -> String?)?

  /// A field with a default.
  /// - Parameters:
  ///   - help: One line: what it is for.
  ///   - environment: The environment variables that set it.
  ///   - unit: The unit of a plain number, for the documentation.
  ///   - pattern: A regular expression that the whole text must match.
  ///   - minLength: The least number of characters.
  ///   - example: A value to show in the documentation.
  ///   - deprecated: Why it should not be used any more, and what to use instead.
  ///   - check: A rule of its own: what is wrong with the value (`must be …`), or nil.
  public init(
    wrappedValue: Value, _ help: String, environment: EnvironmentBinding? = nil, unit: String? = nil,
    pattern: String? = nil, minLength: Int? = nil, example: String? = nil, deprecated: String? = nil,
    check: (@Sendable (Value) -> String?)? = nil
  ) {
    self.wrappedValue = wrappedValue
    declaration = FieldDeclaration(
      help: help, environment: environment, unit: unit, pattern: pattern, minLength: minLength, example: example,
      deprecated: deprecated)
    bounds = nil
    self.check = check
  }

  /// A field with a default and a range.
  public init(
    wrappedValue: Value, _ help: String, range: ClosedRange<Value>, environment: EnvironmentBinding? = nil,
    unit: String? = nil, example: String? = nil, deprecated: String? = nil,
    check: (@Sendable (Value) -> String?)? = nil
  ) where Value: Comparable {
    self.wrappedValue = wrappedValue
    declaration = FieldDeclaration(
      help: help, environment: environment, unit: unit, example: example, deprecated: deprecated,
      lower: range.lowerBound.configRendering(revealed: false), upper: range.upperBound.configRendering(revealed: false)
    )
    bounds = { range.contains($0) }
    self.check = check
  }

  /// A field with a default and a least value.
  public init(
    wrappedValue: Value, _ help: String, range: PartialRangeFrom<Value>, environment: EnvironmentBinding? = nil,
    unit: String? = nil, example: String? = nil, deprecated: String? = nil,
    check: (@Sendable (Value) -> String?)? = nil
  ) where Value: Comparable {
    self.wrappedValue = wrappedValue
    declaration = FieldDeclaration(
      help: help, environment: environment, unit: unit, example: example, deprecated: deprecated,
      lower: range.lowerBound.configRendering(revealed: false))
    bounds = { range.contains($0) }
    self.check = check
  }

  /// A field that may be absent.
  public init(
    _ help: String, environment: EnvironmentBinding? = nil, unit: String? = nil, pattern: String? = nil,
    minLength: Int? = nil, example: String? = nil, deprecated: String? = nil,
    check: (@Sendable (Value) -> String?)? = nil
  ) where Value: ExpressibleByNilLiteral {
    self.init(
      wrappedValue: nil, help, environment: environment, unit: unit, pattern: pattern, minLength: minLength,
      example: example, deprecated: deprecated, check: check)
  }

  /// A field that may be absent, with a range.
  public init<Wrapped: ConfigValue & Comparable>(
    _ help: String, range: ClosedRange<Wrapped>, environment: EnvironmentBinding? = nil, unit: String? = nil,
    example: String? = nil, deprecated: String? = nil, check: (@Sendable (Value) -> String?)? = nil
  ) where Value == Wrapped? {
    wrappedValue = nil
    declaration = FieldDeclaration(
      help: help, environment: environment, unit: unit, example: example, deprecated: deprecated,
      lower: range.lowerBound.configRendering(revealed: false), upper: range.upperBound.configRendering(revealed: false)
    )
    bounds = { $0.map { range.contains($0) } ?? true }
    self.check = check
  }

  /// A field that may be absent, with a least value.
  public init<Wrapped: ConfigValue & Comparable>(
    _ help: String, range: PartialRangeFrom<Wrapped>, environment: EnvironmentBinding? = nil, unit: String? = nil,
    example: String? = nil, deprecated: String? = nil, check: (@Sendable (Value) -> String?)? = nil
  ) where Value == Wrapped? {
    wrappedValue = nil
    declaration = FieldDeclaration(
      help: help, environment: environment, unit: unit, example: example, deprecated: deprecated,
      lower: range.lowerBound.configRendering(revealed: false))
    bounds = { $0.map { range.contains($0) } ?? true }
    self.check = check
  }
}

extension Field: Decodable {
  /// Fields are filled by the kernel's own decoder, which takes them from the section's defaults; any other decoder
  /// would lose the declaration.
  public init(from decoder: any Decoder) throws {
    throw DecodingError.dataCorrupted(
      DecodingError.Context(
        codingPath: decoder.codingPath, debugDescription: "a @Field is decoded by ConfigDecoder only"))
  }
}

/// What a field declares besides its type and default.
struct FieldDeclaration: Sendable {
  var help: String
  var environment: EnvironmentBinding?
  var unit: String?
  var pattern: String?
  var minLength: Int?
  var example: String?
  var deprecated: String?
  var lower: JSONValue?
  var upper: JSONValue?

  /// `between 1 and 10000`, `at least 1`, `at most 5`; nil without a range.
  var rangeText: String? {
    switch (lower, upper) {
    case (let lower?, let upper?): "between \(lower.yamlText) and \(upper.yamlText)"
    case (let lower?, nil): "at least \(lower.yamlText)"
    case (nil, let upper?): "at most \(upper.yamlText)"
    case (nil, nil): nil
    }
  }
}

/// A field whose type is erased: what the decoder, the schema and the documentation work with.
protocol AnyField: Sendable {
  var declaration: FieldDeclaration { get }
  var shape: ConfigShape { get }
  var value: any Sendable { get }
  func rendering(revealed: Bool) -> JSONValue
  /// The same field with the value that was written laid over its default.
  func laid(over node: ConfigTree?, at path: ConfigPath, reading: ConfigReading) -> any AnyField
}

extension Field: AnyField {
  var shape: ConfigShape { Value.configShape }
  var value: any Sendable { wrappedValue }
  func rendering(revealed: Bool) -> JSONValue { wrappedValue.configRendering(revealed: revealed) }

  func laid(over written: ConfigTree?, at path: ConfigPath, reading: ConfigReading) -> any AnyField {
    // Also one that does not count must not be shown.
    if shape.isSecret, let written { reading.hide(written) }
    let node = reading.outranked(written, by: declaration.environment, at: path)
    guard let node, !isAbsent(node) else { return absent(written, at: path, reading) }
    if let reason = declaration.deprecated {
      reading.report(.warning, .deprecated, node, path, "is deprecated: \(reason)")
    }
    var field = self
    let errors = reading.errorCount
    if let value = Value.configValue(from: node, over: wrappedValue, at: path, reading: reading),
      errors == reading.errorCount, isValid(value, node, path, reading)
    {
      field.wrappedValue = value
      field.reportValue(node, at: path, reading)
    }
    return field
  }

  /// Null counts as absent; so does an empty substitution (`${X:-}`) where absence is possible.
  private func isAbsent(_ node: ConfigTree) -> Bool {
    guard let scalar = node.scalar else { return false }
    return scalar.isNull || (scalar.style == .foreign && scalar.text.isEmpty && shape.isOptional)
  }

  /// Keeps the default. The fields of a section may still be set by environment variables.
  private func absent(_ node: ConfigTree?, at path: ConfigPath, _ reading: ConfigReading) -> any AnyField {
    var field = self
    if shape.isSection {
      let empty = ConfigTree(.map([]), origin: node?.origin ?? .standard)
      field.wrappedValue =
        Value.configValue(from: empty, over: wrappedValue, at: path, reading: reading) ?? wrappedValue
    } else {
      reportValue(nil, at: path, reading)
    }
    return field
  }

  private func isValid(_ value: Value, _ node: ConfigTree, _ path: ConfigPath, _ reading: ConfigReading) -> Bool {
    if let bounds, !bounds(value), let range = declaration.rangeText {
      reading.mismatch(node, at: path, code: .invalidValue, expected: range, shape: shape)
      return false
    }
    if let problem = textProblem(node) ?? check?(value) {
      reading.inSecret(if: shape.isSecret) { reading.report(.error, .invalidValue, node, path, problem) }
      return false
    }
    return true
  }

  private func textProblem(_ node: ConfigTree) -> String? {
    guard let text = node.scalar?.text else { return nil }
    if let least = declaration.minLength, text.count < least {
      return "must have at least \(least) characters, has \(text.count)"
    }
    guard let pattern = declaration.pattern else { return nil }
    guard let expression = try? Regex(pattern) else {
      return "cannot be checked: the pattern \(pattern) in the field's declaration is no regular expression"
    }
    return (try? expression.wholeMatch(in: text)) == nil ? "must match \(pattern)" : nil
  }

  /// Adds the value to the effective configuration. What holds sections reports their fields instead.
  private func reportValue(_ node: ConfigTree?, at path: ConfigPath, _ reading: ConfigReading) {
    let content = wrappedValue.configRendering(revealed: true)
    guard !shape.holdsSections || content.isEmpty else { return }
    let isSecret = shape.isSecret || (node.map { reading.isHidden($0) } ?? false)
    let isUnset = content == .null
    reading.values.append(
      ConfigValueReport(
        path: path, rendered: isSecret && !isUnset ? "<redacted>" : rendering(revealed: false).yamlText,
        origin: node?.origin ?? .standard, help: declaration.help, isDefault: node == nil, isSecret: isSecret,
        content: Secret(content)))
  }
}

extension ConfigShape {
  /// Whether nothing of it may be shown.
  var isSecret: Bool {
    switch self {
    case .secret: true
    case .optional(let inner), .list(let inner), .dictionary(let inner): inner.isSecret
    default: false
    }
  }
}
