import CLibPQ
import MainstayReactor
import Synchronization

// What happens on the reactor's thread.
extension Session {
  /// Begins to listen to the socket.
  func start() throws(ReactorError) {
    PQsetNoticeReceiver(connection, Session.receiveNotice, Unmanaged.passUnretained(self).toOpaque())
    source = try reactor.watch(PQsocket(connection), .read, self)
    // Not weak: weak references slow down every retain of the session. `source` keeps it alive until `finish` has stopped the
    // timer.
    timer = ReactorTimer { [unowned(unsafe) self] in sweep() }
  }

  func ready(_ events: ReactorEvents) {
    locked {
      if events == .stopped { return lose(PostgresError(.closed, "the reactor has been shut down")) }
      if wantsWrite { flush() }
      if events.contains(.readable) { receive() }
    }
  }

  func tickEnded() {
    locked {
      if isUnsynced { sendSharedSync() }
      flush()
    }
  }

  /// Brings what the reactor does for the session into line with what the session needs.
  func settle() {
    let plan = lock.withLock { _ in
      Plan(
        hasEnded: failure != nil, isPaused: isPaused, wantsWrite: wantsWrite, isSweeping: isSweeping,
        hasUnread: hasUnread, wantsEndOfTick: isUnsynced || hasUnsent)
    }
    if plan.hasEnded { return finish() }
    if plan.isSweeping, let timer, !timer.isPending {
      reactor.set(timer, for: reactor.now.advanced(by: Session.sweepInterval))
    }
    if plan.wantsEndOfTick { reactor.callAtEndOfTick(self) }
    var interest: ReactorInterest = plan.isPaused ? [] : .read
    if plan.wantsWrite { interest.insert(.write) }
    do {
      try source?.watch(interest)
    } catch {
      return locked { lose(PostgresError(.connectionLost, "the socket cannot be watched", cause: error)) }
    }
    if plan.hasUnread {
      locked {
        hasUnread = false
        drain()
        if failure == nil, !isPaused, PQsslInUse(connection) == 1 { receive() }
      }
    }
  }

  private struct Plan: Sendable {
    let hasEnded: Bool
    let isPaused: Bool
    let wantsWrite: Bool
    let isSweeping: Bool
    let hasUnread: Bool
    let wantsEndOfTick: Bool
  }

  static let sweepInterval = Duration.milliseconds(10)

  /// Looks for deadlines that have passed and tasks that were cancelled. A handler for cancellation would cost each
  /// statement 200 ns; this costs a statement nothing.
  private func sweep() {
    let now = MonotonicInstant.now
    let next = locked {
      expire(now)
      isSweeping = failure == nil && !(inFlight.isEmpty && waiting.isEmpty && cancelling == nil)
      return isSweeping
    }
    if next, let timer, !reactor.isStopping { reactor.set(timer, for: now.advanced(by: Session.sweepInterval)) }
  }

  /// The end: the socket is given up before libpq closes it.
  private func finish() {
    guard let source else { return }
    self.source = nil
    source.cancel()
    if let timer { reactor.cancel(timer) }
    timer = nil
    let reason = locked {
      PQfinish(connection)
      connection = nil
      return failure
    }
    if let reason { handlers.onClosed?(reason) }
  }
}
