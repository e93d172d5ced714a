public import MainstayResilience

// What a failed call says about trying again, for retries and circuit breakers.
extension PostgresError: RetryClassifiable {
  /// A server that cannot be reached, starts, stops or hands over, transactions that were in each other's way, and limits
  /// of the server pass: try again. What the server refused, or did not get, had no effect; only where `isIndeterminate`
  /// says so may it have been done. Everything else is the statement's own fault.
  public var callAdvice: CallAdvice {
    guard passes else { return .permanent }
    return isIndeterminate ? .transient : .withoutEffect
  }

  /// A server that refuses a statement works; one that is gone, too slow, full or stopping does not. Nothing is learnt
  /// where the caller gave up, or did not ask.
  public var callVerdict: CallVerdict {
    switch code {
    case .server: state?.callVerdict ?? .failure
    case .connect, .connectionLost, .timedOut, .protocolViolation: .failure
    case .decoding, .resultTooLarge: .success
    default: .neutral
    }
  }

  /// Whether the same call may succeed later.
  private var passes: Bool {
    switch code {
    case .connectionLost, .protocolViolation, .timedOut, .notRun: true
    case .connect: !PostgresConnectFailure.isHopeless(self)
    case .server: effect.passes || state?.passes ?? false
    default: false
    }
  }
}

extension PostgresError.Effect {
  /// Whether what has this effect may succeed later.
  fileprivate var passes: Bool {
    switch self {
    case .retryTransaction, .dropStatementAndRetryOnce, .evictAndRediscover: true
    case .none, .evictConnection: false
    }
  }
}

extension SQLState {
  /// Whether a statement refused with this state may succeed later, beyond what the effect tells.
  ///
  /// A cancelled statement (57014) does not: it was too slow for the server's `statement_timeout` and will be again, or
  /// somebody wanted it gone.
  fileprivate var passes: Bool {
    switch self {
    case .statementCompletionUnknown, .transactionRollback, .lockNotAvailable, .objectInUse,
      .idleInTransactionTimeout, .idleSessionTimeout, .systemError, .inputOutputError:
      true
    default: stateClass == .insufficientResources
    }
  }

  /// How a statement refused with this state counts for a circuit breaker.
  fileprivate var callVerdict: CallVerdict {
    // A standby, or a transaction that its caller began without writes.
    if self == .readOnlyTransaction { return .neutral }
    switch stateClass {
    case .connectionException, .insufficientResources, .operatorIntervention, .systemError, .internalError:
      return .failure
    default: return .success
    }
  }
}
