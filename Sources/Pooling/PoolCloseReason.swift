/// Why a connection was closed.
public enum PoolCloseReason: Int, Sendable, Hashable, CaseIterable {
  /// Idle for longer than `idleTimeout`.
  case idleTimeout
  /// Older than `maxLifetime`.
  case lifetime
  /// Older than the present generation: the server has changed its role or its place.
  case generation
  /// The other side closed it while it was idle or in use.
  case died
  /// Its user left it in a state in which nobody else can use it.
  case broken
  /// It did not answer when it was tried after a long idle time.
  case validationFailed
  /// The pool was made smaller.
  case scaledDown
  /// `optimize` found it superfluous.
  case pruned
  /// In use for longer than `leakReclaimAfter`.
  case reclaimed
  /// The pool was closed.
  case shutDown
  /// Opened only after it was not waited for any more.
  case late

  /// The name in statistics: `idle_timeout`.
  public var name: String {
    switch self {
    case .idleTimeout: "idle_timeout"
    case .lifetime: "lifetime"
    case .generation: "generation"
    case .died: "died"
    case .broken: "broken"
    case .validationFailed: "validation_failed"
    case .scaledDown: "scaled_down"
    case .pruned: "pruned"
    case .reclaimed: "reclaimed"
    case .shutDown: "shut_down"
    case .late: "late"
    }
  }
}
