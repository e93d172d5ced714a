public import MainstayResilience

// What a failed call says about trying again, for retries and circuit breakers.
extension RedisError: RetryClassifiable {
  /// A server that cannot be reached, reads its data, runs a script or hands over to another passes: try again. A command
  /// that the server refused, or did not get, had no effect; only where `isIndeterminate` says so may it have been
  /// executed. Out of memory and everything else stays as it is until somebody does something about it.
  public var callAdvice: CallAdvice {
    guard passes else { return .permanent }
    return isIndeterminate ? .transient : .withoutEffect
  }

  /// A server that refuses a command works, unless it says that it cannot serve. Nothing is learnt where the caller gave
  /// up, or did not ask.
  public var callVerdict: CallVerdict {
    switch code {
    case .server: serverCode.map { Self.outOfService.contains($0) } ?? false ? .failure : .success
    case .timedOut, .connectionLost, .notConnected, .protocolViolation: .failure
    case .decoding, .transactionAborted: .success
    default: .neutral
    }
  }

  private var passes: Bool {
    switch code {
    case .timedOut, .connectionLost, .notConnected, .protocolViolation: true
    // Each attempt was undone because somebody else was quicker.
    case .transactionAborted: true
    case .server: serverCode.map { Self.passing.contains($0) } ?? false
    default: false
    }
  }

  /// What a server says that cannot serve now.
  private static let outOfService: Set<String> = [
    "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "READONLY", "NOREPLICAS", "MISCONF",
  ]

  /// What passes by itself. `MISCONF`, a disk that takes nothing, does not; `TRYAGAIN` is a server that works.
  private static let passing: Set<String> = [
    "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "READONLY", "NOREPLICAS", "TRYAGAIN",
  ]
}
