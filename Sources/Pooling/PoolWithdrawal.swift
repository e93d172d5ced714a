import Synchronization

/// Takes a caller out of the pool's line who needs no connection of its own any more. That is no cancellation: its task goes
/// on, and nothing is counted.
@usableFromInline
package final class PoolWithdrawal: Sendable {
  private enum State: Sendable {
    case notWaiting
    case waiting(@Sendable () -> Void)
    case withdrawn
  }

  private let state = Mutex(State.notWaiting)

  package init() {}

  /// The caller leaves the line, or does not enter it. Does nothing if it has been answered.
  package func withdraw() {
    let leave = state.withLock { state -> (@Sendable () -> Void)? in
      defer { state = .withdrawn }
      if case .waiting(let leave) = state { return leave }
      return nil
    }
    leave?()
  }

  /// The caller stands in the line.
  func begin(_ leave: @escaping @Sendable () -> Void) {
    let isWithdrawn = state.withLock { state in
      if case .withdrawn = state { return true }
      state = .waiting(leave)
      return false
    }
    if isWithdrawn { leave() }
  }
}
