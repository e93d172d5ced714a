/// How an operation is repeated: how often, after which waits, for how long. A value; ``Retry`` carries it out.
public struct RetryStrategy: Sendable, Hashable {
  /// What happens when a retry runs inside another.
  public enum Nesting: String, Sendable, Hashable, CaseIterable {
    /// The outer one repeats; this one makes a single attempt. Otherwise attempts multiply.
    case suppressed
    /// Both repeat.
    case allowed
  }

  /// The name, for statistics, logs and the manifest.
  public var name: String
  /// How often it is tried in all, at least once.
  public var attempts: Int
  /// The waits between attempts.
  public var backoff: Backoff
  /// How long one attempt may take; nil for no limit.
  public var attemptTimeout: Duration?
  /// How long all attempts and waits may take together; nil for no limit.
  public var overallTimeout: Duration?
  /// The longest `Retry-After` that is waited for; a callee that asks for more is not tried again.
  public var longestRetryAfter: Duration
  /// Whether calls that a breaker or a bulkhead refused are tried again, after the time that the refusal names.
  public var retriesRejections: Bool
  /// What happens when it runs inside another retry.
  public var nesting: Nesting
  /// What happens to an attempt that ignores the end of its time.
  public var overrun: Overrun

  /// A strategy.
  public init(
    _ name: String, attempts: Int, backoff: Backoff, attemptTimeout: Duration? = nil, overallTimeout: Duration? = nil,
    longestRetryAfter: Duration = .seconds(60), retriesRejections: Bool = false, nesting: Nesting = .suppressed,
    overrun: Overrun = .wait
  ) {
    self.name = name
    self.attempts = max(1, attempts)
    self.backoff = backoff
    self.attemptTimeout = attemptTimeout
    self.overallTimeout = overallTimeout
    self.longestRetryAfter = longestRetryAfter
    self.retriesRejections = retriesRejections
    self.nesting = nesting
    self.overrun = overrun
  }

  /// The longest time that it spends waiting between attempts.
  public var longestWait: Duration { backoff.longest(attempts: attempts) }

  /// The longest time that it takes in all; nil if an attempt may take for ever.
  public var longestDuration: Duration? {
    let attempted = attemptTimeout.map { $0 * min(attempts, 1_000_000) + longestWait }
    return switch (attempted, overallTimeout) {
    case (let attempted?, let overall?): min(attempted, overall)
    case (let attempted, let overall): attempted ?? overall
    }
  }

  /// Why it does not fit into a deadline, such as that of the route it is used on; nil if it does.
  public func conflict(withDeadline deadline: Duration) -> String? {
    let needed = min(longestWait, overallTimeout ?? longestWait)
    guard needed >= deadline else { return nil }
    return "the retry strategy '\(name)' may wait \(needed.inSeconds) between its \(attempts) attempts, "
      + "but there are only \(deadline.inSeconds); its last attempts would never be made"
  }
}

extension RetryStrategy {
  /// 5 attempts, waits from 0.5 s: for work in the background that matters.
  public static let aggressive = RetryStrategy(
    "aggressive", attempts: 5, backoff: Backoff(base: .milliseconds(500), cap: .seconds(10)))
  /// 3 attempts, waits from 1 s.
  public static let standard = RetryStrategy(
    "standard", attempts: 3, backoff: Backoff(base: .seconds(1), cap: .seconds(10)))
  /// 2 attempts, a wait of up to 2 s: for callees that must be spared.
  public static let conservative = RetryStrategy(
    "conservative", attempts: 2, backoff: Backoff(base: .seconds(2), cap: .seconds(10)))
  /// 2 attempts, a wait of up to 0.2 s: fits into a request that should take less than a second.
  public static let quick = RetryStrategy(
    "quick", attempts: 2, backoff: Backoff(base: .milliseconds(200), cap: .seconds(1)))
  /// 4 attempts, short waits that are never zero: for serialization failures, deadlocks and failovers.
  public static let database = RetryStrategy(
    "database", attempts: 4, backoff: Backoff(base: .milliseconds(50), cap: .seconds(1), jitter: .equal))
  /// 3 attempts of at most 10 s: for services of one's own.
  public static let api = RetryStrategy(
    "api", attempts: 3, backoff: Backoff(base: .milliseconds(500), cap: .seconds(5)), attemptTimeout: .seconds(10))
  /// 4 attempts of at most 30 s, two minutes in all: for services of others.
  public static let external = RetryStrategy(
    "external", attempts: 4, backoff: Backoff(base: .seconds(1), cap: .seconds(30), jitter: .decorrelated),
    attemptTimeout: .seconds(30), overallTimeout: .seconds(120))
  /// 10 attempts, waits of up to 30 s: for what must not be lost.
  public static let critical = RetryStrategy(
    "critical", attempts: 10, backoff: Backoff(base: .milliseconds(500), cap: .seconds(30)))
  /// One attempt.
  public static let none = RetryStrategy("none", attempts: 1, backoff: .none)

  /// The strategies that every host has.
  public static let presets = [
    aggressive, standard, conservative, quick, database, api, external, critical, none,
  ]
}
