public import MainstayKernel

/// An attempt failed; there will be another.
public struct RetryAttempted: Event {
  /// `retry.retry-attempt`
  public static let topic: Topic = "retry.retry-attempt"
  /// What is done.
  public let operation: String
  /// Where it goes.
  public let service: String?
  /// The name of the strategy.
  public let strategy: String
  /// Attempts that have failed.
  public let attempts: Int
  /// The wait before the next.
  public let waitMilliseconds: Double
  /// The type of the error.
  public let error: String?
  /// The record: `/retry/executions/{id}`.
  public let execution: Int?
}

/// A call succeeded, though not at once.
public struct RetrySucceeded: Event {
  /// `retry.retry-success`
  public static let topic: Topic = "retry.retry-success"
  /// What is done.
  public let operation: String
  /// Where it goes.
  public let service: String?
  /// The name of the strategy.
  public let strategy: String
  /// Attempts in all.
  public let attempts: Int
  /// The record: `/retry/executions/{id}`.
  public let execution: Int?
}

/// A call failed for good.
public struct RetryFailed: Event {
  /// `retry.retry-failure`
  public static let topic: Topic = "retry.retry-failure"
  /// What is done.
  public let operation: String
  /// Where it goes.
  public let service: String?
  /// The name of the strategy.
  public let strategy: String
  /// Attempts in all.
  public let attempts: Int
  /// Why it was not tried again: `attemptsExhausted`, `nonIdempotent` …
  public let reason: String
  /// The type of the error.
  public let error: String?
  /// The record: `/retry/executions/{id}`.
  public let execution: Int?
}

/// A circuit breaker changed its state.
public struct BreakerChanged: Event {
  /// `retry.breaker-changed`
  public static let topic: Topic = "retry.breaker-changed"
  /// The service.
  public let service: String
  /// The state before: `closed`, `open`, `halfOpen`, `forcedOpen`, `disabled`.
  public let from: String
  /// The state now.
  public let to: String
  /// Why: `thresholdReached`, `timeToProbe`, `probeFailed`, `probesSucceeded`, `manual`.
  public let reason: String
  /// Failures that were counted.
  public let failures: Int
}
