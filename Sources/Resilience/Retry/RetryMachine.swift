/// Decides after each failed attempt whether there is another, and after which wait. A value: it knows neither time nor
/// tasks.
///
/// The checks, in this order: what the error says, attempts left, idempotency, nesting, `Retry-After`, the deadline.
/// ``Retry`` then asks the budget and the limit of concurrent retries, which are shared by many operations.
public struct RetryMachine: Sendable {
  /// Why there is no further attempt.
  public enum Stop: String, Sendable, Hashable, CaseIterable {
    /// The error is permanent.
    case notRetryable
    /// All attempts are spent.
    case attemptsExhausted
    /// Repeating it might carry it out twice.
    case nonIdempotent
    /// A retry further out repeats it.
    case nested
    /// The callee asks for more time than is waited for.
    case retryAfterTooLong
    /// The next attempt would begin after the deadline.
    case deadlineWouldPass
    /// Too many calls fail: the budget of retries is spent.
    case budgetExhausted
    /// Too many operations are being retried.
    case tooManyRetries
    /// The caller has given up.
    case cancelled
  }

  /// What follows a failed attempt.
  public enum Decision: Sendable, Hashable {
    /// Another attempt after a wait.
    case retry(after: Duration)
    /// None.
    case stop(Stop)
  }

  /// How it is repeated.
  public let strategy: RetryStrategy
  /// What happens if it is carried out twice.
  public let idempotency: Idempotency
  /// Whether a retry further out owns the repeating.
  public let isNested: Bool
  /// Until when it must be done.
  public let deadline: ContinuousClock.Instant?
  /// The attempt that runs or ran last, counted from 1.
  public private(set) var attempt = 1
  private var previous: Duration?

  /// The state before the first attempt.
  public init(
    _ strategy: RetryStrategy, idempotency: Idempotency, isNested: Bool = false,
    deadline: ContinuousClock.Instant? = nil
  ) {
    self.strategy = strategy
    self.idempotency = idempotency
    self.isNested = isNested && strategy.nesting == .suppressed
    self.deadline = deadline
  }

  /// The attempt has failed.
  /// - Parameter hasArrived: Whether it may have reached the callee.
  public mutating func failed(
    _ advice: CallAdvice, hasArrived: Bool = true, at now: ContinuousClock.Instant,
    using generator: inout some RandomNumberGenerator
  ) -> Decision {
    if advice == .permanent { return .stop(.notRetryable) }
    if isNested { return .stop(.nested) }
    if attempt >= strategy.attempts { return .stop(.attemptsExhausted) }
    if hasArrived, advice != .withoutEffect, !idempotency.allowsRepetition { return .stop(.nonIdempotent) }
    guard let wait = wait(advice, using: &generator) else { return .stop(.retryAfterTooLong) }
    if let deadline, now.advanced(by: wait) >= deadline { return .stop(.deadlineWouldPass) }
    previous = wait
    attempt += 1
    return .retry(after: wait)
  }

  /// The wait before the next attempt; nil if the callee asks for too long a wait.
  private func wait(_ advice: CallAdvice, using generator: inout some RandomNumberGenerator) -> Duration? {
    guard case .throttled(let after?) = advice else {
      return strategy.backoff.delay(retry: attempt, previous: previous, using: &generator)
    }
    guard after <= strategy.longestRetryAfter else { return nil }
    // Not before the time that was asked for, and spread after it: all that were turned away were told the same.
    let spread = min(.seconds(5), strategy.backoff.ceiling(retry: attempt))
    return max(.zero, after) + spread * Double.random(in: 0..<1, using: &generator)
  }
}
