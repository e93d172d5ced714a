/// How calls to one service are made.
public struct ServiceSettings: Sendable {
  /// How they are repeated.
  public var strategy: RetryStrategy
  /// When its breaker opens, and how it closes.
  public var breaker: CircuitBreakerSettings
  /// The most calls at a time; nil for any number.
  public var concurrency: Int?
  /// The most calls that wait for their turn.
  public var queue: Int
  /// The longest wait for a turn; nil for as long as it takes.
  public var queueTimeout: Duration?
  /// The time for one attempt, if the strategy names none.
  public var attemptTimeout: Duration?
  /// The time for all attempts together.
  public var overallTimeout: Duration?
  /// After which time a second call is made beside the first; nil for never.
  public var hedge: Hedge.Delay?
  /// Whether the calls at a time are limited by how quickly they are answered.
  public var adaptsConcurrency: Bool

  /// The settings; by default the strategy and a breaker.
  public init(
    strategy: RetryStrategy = .standard, breaker: CircuitBreakerSettings = CircuitBreakerSettings(),
    concurrency: Int? = nil, queue: Int = 0, queueTimeout: Duration? = nil, attemptTimeout: Duration? = nil,
    overallTimeout: Duration? = nil, hedge: Hedge.Delay? = nil, adaptsConcurrency: Bool = false
  ) {
    self.strategy = strategy
    self.breaker = breaker
    self.concurrency = concurrency
    self.queue = queue
    self.queueTimeout = queueTimeout
    self.attemptTimeout = attemptTimeout
    self.overallTimeout = overallTimeout
    self.hedge = hedge
    self.adaptsConcurrency = adaptsConcurrency
  }
}

/// The tokens of each service's ``RetryBudget``.
public struct BudgetSettings: Sendable, Hashable {
  /// Tokens earned by a success.
  public var ratio: Double
  /// Tokens that come with time.
  public var perSecond: Double
  /// The most tokens there are.
  public var burst: Double

  /// The settings.
  public init(ratio: Double = 0.2, perSecond: Double = 0.5, burst: Double = 50) {
    self.ratio = ratio
    self.perSecond = perSecond
    self.burst = burst
  }
}

/// What the registry cannot give.
public struct ResilienceError: Error, Hashable, CustomStringConvertible {
  /// What is wrong.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// No strategy has this name.
    case unknownStrategy
    /// There are too many services.
    case tooManyServices
  }

  /// What is wrong.
  public let code: Code
  /// What happened, and what to do.
  public let message: String

  /// The message.
  public var description: String { message }
}
