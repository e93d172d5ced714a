/// A point in time as the pool counts it: nanoseconds since an origin that only its clock knows.
///
/// One word instead of the two of `ContinuousClock.Instant`: a pool compares instants on every acquire and release.
/// Arithmetic saturates, so no duration from outside can overflow it.
public struct PoolInstant: Sendable, Hashable, Comparable {
  /// Nanoseconds since the clock's origin.
  public let nanoseconds: Int64

  /// An instant.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Later than every other.
  public static let never = PoolInstant(nanoseconds: .max)

  /// The instant after so much time.
  public func advanced(by duration: Duration) -> PoolInstant { self + duration.poolNanoseconds }

  /// How much time lies between this instant and a later one; negative if the other is earlier.
  public func duration(to other: PoolInstant) -> Duration { .nanoseconds(other - self) }

  /// Whether the left one is earlier.
  public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  static func + (left: Self, nanoseconds: Int64) -> Self {
    let (sum, overflow) = left.nanoseconds.addingReportingOverflow(nanoseconds)
    return overflow ? (nanoseconds > 0 ? .never : PoolInstant(nanoseconds: .min)) : PoolInstant(nanoseconds: sum)
  }

  static func - (left: Self, right: Self) -> Int64 {
    let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
    return overflow ? (left.nanoseconds > 0 ? .max : .min) : difference
  }
}

extension Duration {
  /// Whole nanoseconds, saturating.
  var poolNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds > 0 ? .max : .min }
    let (sum, tooMuch) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return tooMuch ? (seconds > 0 ? .max : .min) : sum
  }
}
