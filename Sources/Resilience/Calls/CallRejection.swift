/// A call that was refused before it was made, so it has had no effect.
public struct CallRejection: RetryClassifiable, Hashable, CustomStringConvertible {
  /// Why it was refused.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// The circuit breaker is open.
    case circuitOpen
    /// As many calls as allowed are under way, and as many as allowed wait.
    case bulkheadFull
    /// It waited for its turn as long as it may.
    case bulkheadTimedOut
    /// The adaptive limit is reached.
    case limitExceeded
    /// The deadline had passed before the call began.
    case deadlinePassed
  }

  /// Why it was refused.
  public let code: Code
  /// The layer that refused it: the name of the breaker, the bulkhead, the operation.
  public let name: String
  /// After which time it may be admitted; nil if that is not known.
  public let retryAfter: Duration?

  /// A refusal.
  public init(_ code: Code, name: String, retryAfter: Duration? = nil) {
    self.code = code
    self.name = name
    self.retryAfter = retryAfter
  }

  /// Refused calls are not repeated: the layer refuses in order to be left alone.
  public var callAdvice: CallAdvice { .permanent }
  /// They say nothing about the callee.
  public var callVerdict: CallVerdict { .neutral }

  /// What happened, and what to do.
  public var description: String {
    switch code {
    case .circuitOpen:
      "the circuit breaker '\(name)' is open after failures of what it protects; "
        + (retryAfter.map { "it is tried again in \($0.inSeconds)" } ?? "it is tried again soon, or was opened by hand")
    case .bulkheadFull: "'\(name)' is at its limit of concurrent calls and its queue is full; try again later"
    case .bulkheadTimedOut: "no place became free in '\(name)' in the time allowed; try again later"
    case .limitExceeded: "'\(name)' answers too slowly for more concurrent calls; try again later"
    case .deadlinePassed: "the deadline of '\(name)' had passed before it was called"
    }
  }
}

/// A call that was given up because its time was over. Whether it had an effect is unknown.
public struct DeadlineExceeded: RetryClassifiable, Hashable, CustomStringConvertible {
  /// Which time was over.
  public enum Scope: String, Sendable, Hashable, CaseIterable {
    /// That of one attempt.
    case attempt
    /// That of all attempts together, or of a call further out.
    case overall
  }

  /// The operation.
  public let operation: String
  /// Which time was over.
  public let scope: Scope
  /// How long it was allowed to take.
  public let limit: Duration

  /// A deadline that has passed.
  public init(operation: String, scope: Scope, limit: Duration) {
    self.operation = operation
    self.scope = scope
    self.limit = limit
  }

  /// An attempt may be quicker next time; when the whole time is over, there is none left to try again.
  public var callAdvice: CallAdvice { scope == .attempt ? .transient : .permanent }
  /// Too slow is a failure of the callee.
  public var callVerdict: CallVerdict { .failure }

  /// What happened.
  public var description: String {
    "'\(operation)' did not end within \(limit.inSeconds)" + (scope == .attempt ? " (one attempt)" : "")
  }
}

extension Duration {
  /// Seconds with three decimals at most: `1.5 s`.
  var inSeconds: String { "\((self / .milliseconds(1)).rounded() / 1000) s" }
}
