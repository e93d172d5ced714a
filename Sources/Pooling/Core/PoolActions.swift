/// What the core asks the runner to do.
enum PoolAction: Sendable, Equatable {
  /// Open a connection; answer with `connected` or `connectFailed`.
  case connect(ConnectionRef, deadline: PoolInstant)
  /// Try a connection; answer with `validated`.
  case validate(ConnectionRef, deadline: PoolInstant)
  /// Close a connection; answer with `closed`. Its last user may still have it, when it was reclaimed.
  case close(ConnectionRef, PoolCloseReason)
  /// Give a connection to a waiter.
  case grant(PoolGrant)
  /// Tell a waiter that it gets none.
  case refuse(WaiterRef, PoolRefusal)
  /// A connection has been in use for too long; `reclaimed`: and is taken away.
  case leak(PoolHolder, reclaimed: Bool)
  /// More or less of the pool is in use.
  case pressure(PoolPressureLevel)
  /// More or fewer connections may be opened.
  case scaled(from: Int, to: Int)
  /// There is no connection, and none can be opened.
  case down
  /// There is one again.
  case recovered(after: Duration)
  /// The pool is closed, and every connection with it.
  case drained
}

/// A waiter and the connection it gets.
@usableFromInline
struct PoolGrant: Sendable, Equatable {
  let waiter: WaiterRef
  let lease: LeaseRef
}

/// Why a caller gets no connection.
struct PoolRefusal: Sendable, Equatable {
  enum Reason: Sendable, Equatable {
    case timedOut, queueFull, displaced, tenantQueueFull, unavailable, shutDown, cancelled
    /// Somebody else saw to it that the caller needs none any more (`PoolWithdrawal`).
    case withdrawn
    /// The caller holds a connection, taken at this place.
    case nested(outer: PoolSite)
  }

  let reason: Reason
  let waited: Duration

  init(_ reason: Reason, waited: Duration = .zero) {
    self.reason = reason
    self.waited = waited
  }
}

/// Who asks for a connection.
struct PoolRequest: Sendable {
  var priority = PoolPriority.normal
  var tenant: String?
  var site: PoolSite
  var deadline: PoolInstant
  /// Which connections are nearest to the caller; see `PoolSlot.affinity`.
  var affinity: Int32 = -1
  /// The connections of this pool that the caller holds, as far as it knows, the one taken last first.
  var holding: [LeaseRef] = []
}

/// The answer to a request.
enum PoolAcquisition: Sendable, Equatable {
  case granted(LeaseRef)
  case waiting(WaiterRef)
  case refused(PoolRefusal)
}

/// In what state a connection comes back.
@usableFromInline
enum PoolReturn: Sendable {
  /// The next one may use it.
  case reusable
  /// Nobody else may.
  case broken
}
