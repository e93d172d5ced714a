import Glibc

/// A moment on the machine's monotonic clock, in nanoseconds: what deadlines of the reactor are kept in. It is not a
/// date, and it means nothing in another process or after a restart of the machine.
public struct MonotonicInstant: Sendable, Hashable, Comparable {
  /// Nanoseconds since an arbitrary moment before the process started.
  public let nanoseconds: UInt64

  /// A moment by its nanoseconds.
  @inlinable
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// The moment at which a deadline of a host's clock falls. What lies in the past becomes now.
  public init(_ instant: ContinuousClock.Instant) {
    self = MonotonicInstant.now.advanced(by: ContinuousClock.now.duration(to: instant))
  }

  /// Later than every moment that will be.
  public static let distantFuture = MonotonicInstant(nanoseconds: .max)

  /// Now. Costs about as much as a function call into the kernel's page of clocks (20–40 ns).
  public static var now: MonotonicInstant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicInstant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
  }

  /// This moment moved by a duration; a negative one leaves it as it is, an endless one gives `distantFuture`.
  public func advanced(by duration: Duration) -> MonotonicInstant {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(Self.nanoseconds(of: duration))
    return overflow ? .distantFuture : MonotonicInstant(nanoseconds: sum)
  }

  /// Time from this moment to another, zero if the other has passed.
  public func duration(to other: MonotonicInstant) -> Duration {
    guard other > self else { return .zero }
    return .nanoseconds(Int64(clamping: other.nanoseconds - nanoseconds))
  }

  /// Whether this moment comes before the other.
  @inlinable
  public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  private static func nanoseconds(of duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return .max }
    let (sum, carry) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return carry ? .max : sum
  }
}
