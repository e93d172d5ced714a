/// One label of a family: its name, the values that are known beforehand, and how many it may take.
///
/// A plain string is a label without either: `labels: ["method", "route"]`.
public struct Label: Sendable, Hashable, ExpressibleByStringLiteral {
  /// The name: letters, digits and `_`, not a digit first, no `__` in front.
  public let name: String
  /// Values known beforehand. They never fall to a limit or to the guard. If every label of a family declares its values,
  /// all combinations are exported as zero from the beginning, so that the first event is seen as an increase.
  public let known: [String]
  /// Distinct values, the known ones included, before further ones count as `other`; nil for the registry's limit.
  public let limit: Int?
  /// Whether values pass the guard that keeps personal data out of labels.
  public let isGuarded: Bool

  /// A label.
  public init(_ name: String, known: [String] = [], limit: Int? = nil, isGuarded: Bool = true) {
    self.name = name
    self.known = known
    self.limit = limit
    self.isGuarded = isGuarded
  }

  /// A label with nothing known of its values.
  public init(stringLiteral value: String) { self.init(value) }

  /// What stands for values beyond the limits.
  public static let overflow = "other"
  /// What stands for values that the guard holds back.
  public static let redacted = "redacted"
}
