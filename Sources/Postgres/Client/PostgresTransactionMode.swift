public import MainstayResilience

/// What a transaction sees of others, and what it may do ("Transaction Isolation" in PostgreSQL's manual).
public struct PostgresTransactionMode: Sendable, Hashable {
  /// What it sees of others.
  public enum Isolation: String, Sendable, Hashable, CaseIterable {
    /// Each statement sees what was committed before it began. The server's usual level.
    case readCommitted = "READ COMMITTED"
    /// All statements see what was committed before the first. Concurrent changes of the same rows end in
    /// `serializationFailure`.
    case repeatableRead = "REPEATABLE READ"
    /// As if transactions ran one after the other. Where that cannot be had, one of them ends in
    /// `serializationFailure`.
    case serializable = "SERIALIZABLE"
  }

  /// What it sees of others; nil for what the server is set to.
  public var isolation: Isolation?
  /// Whether the server refuses writes.
  public var isReadOnly: Bool

  /// A mode.
  public init(isolation: Isolation? = nil, isReadOnly: Bool = false) {
    self.isolation = isolation
    self.isReadOnly = isReadOnly
  }

  /// Serializable.
  public static let serializable = PostgresTransactionMode(isolation: .serializable)
  /// Repeatable read.
  public static let repeatableRead = PostgresTransactionMode(isolation: .repeatableRead)
  /// Without writes.
  public static let readOnly = PostgresTransactionMode(isReadOnly: true)

  var begin: PostgresQuery {
    let level = isolation.map { " ISOLATION LEVEL \($0.rawValue)" } ?? ""
    return PostgresQuery(unsafe: "BEGIN\(level)\(isReadOnly ? " READ ONLY" : "")")
  }

  /// A read-only transaction has nothing to lose: how its COMMIT ended does not matter.
  var commit: PostgresQuery { isReadOnly ? .read("COMMIT") : "COMMIT" }
}

/// Whether a transaction that the server rolled back, because others were in its way, is run again: after
/// `serializationFailure`, `deadlockDetected`, and after a prepared statement turned out to be out of date.
public struct PostgresTransactionRetry: Sendable, Hashable {
  /// How often it is run at most; 1 for no retry.
  public var attempts: Int
  /// How long to wait before it is run again.
  public var backoff: Backoff

  /// A policy.
  public init(
    attempts: Int = 4, backoff: Backoff = Backoff(base: .milliseconds(10), cap: .seconds(1), jitter: .full)
  ) {
    self.attempts = max(1, attempts)
    self.backoff = backoff
  }

  /// It is run once.
  public static let never = PostgresTransactionRetry(attempts: 1, backoff: .none)

  /// How long to wait before attempt `attempt` + 1; nil if the error is to be thrown.
  /// - Parameter left: The time until the deadline; nil if there is none.
  func wait(
    after attempt: Int, _ error: PostgresError, left: Duration?, using generator: inout some RandomNumberGenerator
  ) -> Duration? {
    guard attempt < attempts, !error.isIndeterminate else { return nil }
    guard error.effect == .retryTransaction || error.effect == .dropStatementAndRetryOnce else { return nil }
    let wait = backoff.delay(retry: attempt, using: &generator)
    if let left, wait >= left { return nil }
    return wait
  }
}
