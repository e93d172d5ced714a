public import MainstayKernel
import Synchronization

/// How many retries and hedges a target can bear: tokens that successes earn and repetitions spend.
///
/// While the target works, a fifth of its calls may be repeated. While it is down nothing succeeds, so nothing is earned: once
/// the stock is spent, clients send it hardly more than without retries, and it can come up again. A budget that calls earn,
/// instead of successes, feeds the very storm it should end.
///
/// One per target, shared by every retry and hedge that goes there.
public final class RetryBudget: Sendable {
  /// How many tokens there are, and what has become of them.
  public struct Status: Sendable, Hashable {
    /// Tokens to spend.
    public let tokens: Double
    /// Repetitions that were let through.
    public let granted: UInt64
    /// Repetitions that were refused.
    public let refused: UInt64
    /// Repetitions that were let through and then not made.
    public let returned: UInt64
  }

  private let clock: any HostClock
  private let state: Mutex<RetryTokens>

  /// A full budget.
  /// - Parameters:
  ///   - ratio: Tokens earned by a success.
  ///   - perSecond: Tokens that come with time, so that a target that is hardly called can be tried again.
  ///   - burst: The most tokens there are; the stock at the beginning.
  public init(ratio: Double = 0.2, perSecond: Double = 0.5, burst: Double = 50, clock: any HostClock) {
    self.clock = clock
    state = Mutex(RetryTokens(ratio: ratio, perSecond: perSecond, burst: burst, at: clock.now))
  }

  /// A call has succeeded.
  public func recordSuccess() { state.withLock { $0.earn() } }

  /// Takes a token for a repetition, when it is planned and not when it is made: retries that wait count too, or they would
  /// all set out together. Nil if there is none.
  public func reserve() -> Reservation? {
    let now = clock.now
    return state.withLock { $0.take(at: now) } ? Reservation(budget: self) : nil
  }

  /// How many tokens there are, and what has become of them.
  public var status: Status {
    let now = clock.now
    return state.withLock { tokens in
      tokens.refill(at: now)
      return Status(
        tokens: tokens.stock, granted: tokens.granted, refused: tokens.refused, returned: tokens.returned)
    }
  }

  fileprivate func giveBack() { state.withLock { $0.giveBack() } }

  /// A token that was taken. It goes back unless it is spent.
  public struct Reservation: ~Copyable, Sendable {
    private let budget: RetryBudget
    private var isSpent = false

    fileprivate init(budget: RetryBudget) { self.budget = budget }

    /// The repetition is made.
    public consuming func spend() { isSpent = true }

    deinit { if !isSpent { budget.giveBack() } }
  }
}

/// The tokens of a budget: a value.
struct RetryTokens: Sendable {
  let ratio: Double
  let perSecond: Double
  let burst: Double
  private(set) var stock: Double
  private(set) var granted: UInt64 = 0
  private(set) var refused: UInt64 = 0
  private(set) var returned: UInt64 = 0
  private var at: ContinuousClock.Instant

  init(ratio: Double, perSecond: Double, burst: Double, at now: ContinuousClock.Instant) {
    self.ratio = Self.sane(ratio)
    self.perSecond = Self.sane(perSecond)
    self.burst = Self.sane(burst)
    stock = self.burst
    at = now
  }

  mutating func earn() { stock = min(burst, stock + ratio) }

  mutating func refill(at now: ContinuousClock.Instant) {
    guard now > at else { return }
    stock = min(burst, stock + at.duration(to: now) / .seconds(1) * perSecond)
    at = now
  }

  mutating func take(at now: ContinuousClock.Instant) -> Bool {
    refill(at: now)
    guard stock >= 1 else {
      refused &+= 1
      return false
    }
    stock -= 1
    granted &+= 1
    return true
  }

  mutating func giveBack() {
    stock = min(burst, stock + 1)
    returned &+= 1
  }

  private static func sane(_ number: Double) -> Double { number.isFinite ? max(0, number) : 0 }
}
