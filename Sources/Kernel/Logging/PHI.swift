/// A value that tells something about a patient: it prints and encodes as `<redacted>`, wherever it ends up.
public struct PHI<Value: Sendable>: Sendable {
  private let value: Value

  /// Hides a value.
  public init(_ value: Value) { self.value = value }

  /// The value, for the code that has a right to it.
  public func reveal() -> Value { value }
}

extension PHI: Equatable where Value: Equatable {}
extension PHI: Hashable where Value: Hashable {}

extension PHI: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `<redacted>`
  public var description: String { "<redacted>" }
  /// `<redacted>`
  public var debugDescription: String { "<redacted>" }
  /// Shows nothing.
  public var customMirror: Mirror { Mirror(self, children: []) }
}

extension PHI: Decodable where Value: Decodable {
  /// Reads the value.
  public init(from decoder: any Decoder) throws { value = try Value(from: decoder) }
}

extension PHI: Encodable {
  /// Writes `<redacted>`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode("<redacted>")
  }
}
