/// Why a family was not registered, or a metric of that name not recorded. Recording through an instrument never throws.
public struct MetricsError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Code: String, Sendable {
    /// A name that no exposition format can carry.
    case invalidName
    /// The name is taken by a family of another kind, with other labels or other buckets.
    case conflict
    /// A limit of the registry is reached.
    case tooMany
    /// Bucket bounds or quantiles that cannot be used.
    case invalidOptions
    /// There is no metric of that name to record.
    case undefined
  }

  /// What kind of failure it is.
  public let code: Code
  /// What, and what to do.
  public let message: String

  /// An error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }

  /// A name from outside, fit for a message: short, and printable.
  static func shown(_ name: String) -> String {
    String(String.UnicodeScalarView(name.unicodeScalars.prefix(60).map { $0.value < 0x20 ? "?" : $0 }))
  }
}
