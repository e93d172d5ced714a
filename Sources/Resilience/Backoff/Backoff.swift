/// How long to wait before each retry: a wait that grows up to a cap, and is then spread by chance.
///
/// The cap comes before the jitter. Spread first and capped then, most late retries would fall on the cap itself, and all
/// clients of a service that failed would come back in the same instant.
/// (The kinds of jitter: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.)
public struct Backoff: Sendable, Hashable {
  /// How a wait is spread.
  public enum Jitter: String, Sendable, Hashable, CaseIterable {
    /// Not at all: clients that failed together come back together.
    case none
    /// Evenly between nothing and the wait. Spreads most.
    case full
    /// Evenly between half the wait and the wait. Never retries at once.
    case equal
    /// Evenly between the base and three times the wait before. Grows by chance.
    case decorrelated
  }

  /// The wait before the first retry, before jitter.
  public let base: Duration
  /// By how much it grows from retry to retry; at least 1.
  public let factor: Double
  /// The longest wait.
  public let cap: Duration
  /// How it is spread.
  public let jitter: Jitter

  /// A backoff. Negative durations count as zero, a factor below 1 or no number as 1, a cap of over a century as a century.
  public init(base: Duration, factor: Double = 2, cap: Duration, jitter: Jitter = .full) {
    self.base = max(.zero, base)
    self.factor = factor >= 1 && factor.isFinite ? factor : 1
    self.cap = min(max(.zero, cap), .seconds(3_153_600_000))
    self.jitter = jitter
  }

  /// No wait.
  public static let none = Backoff(base: .zero, factor: 1, cap: .zero, jitter: .none)

  /// The least wait before retry `n`, counted from 1.
  public func floor(retry n: Int) -> Duration {
    switch jitter {
    case .none: grown(n)
    case .full: .zero
    case .equal: grown(n) * 0.5
    case .decorrelated: min(base, cap)
    }
  }

  /// The longest wait before retry `n`, counted from 1.
  public func ceiling(retry n: Int) -> Duration {
    // Each decorrelated wait is at most three times the one before, the first three times the base.
    jitter == .decorrelated ? Self.power(base, 3, n, cap: cap) : grown(n)
  }

  /// The longest time spent waiting in `attempts` attempts.
  public func longest(attempts: Int) -> Duration {
    guard attempts > 1 else { return .zero }
    var total = Duration.zero
    for n in 1..<attempts {
      let wait = ceiling(retry: n)
      // From here on every wait is the cap.
      if wait == cap { return total + cap * min(attempts - n, 1_000_000) }
      total += wait
    }
    return total
  }

  /// The wait before retry `n`, counted from 1.
  /// - Parameter previous: The wait before the retry before; decorrelated jitter grows from it.
  public func delay(
    retry n: Int, previous: Duration? = nil, using generator: inout some RandomNumberGenerator
  ) -> Duration {
    switch jitter {
    case .none: return grown(n)
    case .full, .equal: return Self.between(floor(retry: n), grown(n), using: &generator)
    case .decorrelated:
      let low = min(base, cap)
      return Self.between(low, max(low, Self.power(previous ?? base, 3, 2, cap: cap)), using: &generator)
    }
  }

  private func grown(_ n: Int) -> Duration { Self.power(base, factor, n, cap: cap) }

  /// `start · factorⁿ⁻¹`, at most the cap. Computed in floating point, where what is too large is infinite and not a trap.
  private static func power(_ start: Duration, _ factor: Double, _ n: Int, cap: Duration) -> Duration {
    guard start > .zero, start < cap else { return min(start, cap) }
    var product = start / .nanoseconds(1)
    let limit = cap / .nanoseconds(1)
    var exponent = max(1, n) - 1
    var square = factor
    // By squaring: thirteen steps for ten thousand retries.
    while exponent > 0, product < limit {
      if exponent & 1 == 1 { product *= square }
      square *= square
      exponent >>= 1
    }
    return product < limit ? .nanoseconds(Int64(product)) : cap
  }

  private static func between(
    _ low: Duration, _ high: Duration, using generator: inout some RandomNumberGenerator
  ) -> Duration {
    guard low < high else { return low }
    return low + (high - low) * Double.random(in: 0..<1, using: &generator)
  }
}
