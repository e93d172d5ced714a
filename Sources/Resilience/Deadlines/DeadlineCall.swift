import Synchronization

/// The way to a call that runs, for its deadline and for a caller who gives up.
///
/// A call begins in its caller's thread, before anybody holds its task, and may compute for a long time there. So it
/// introduces itself as its first step, and can be cancelled from then on.
final class DeadlineCall: Sendable {
  private struct Running: @unchecked Sendable {
    // because only `cancel()` is called on it, which any thread may do while the task exists.
    let task: UnsafeCurrentTask
  }

  private struct State {
    var isCancelled = false
    var isLate = false
    /// The task from its beginning to its end.
    var running: Running?
    /// How many are cancelling it at this moment.
    var visitors = 0
    /// Keeps the task in existence for them if it ends meanwhile.
    var kept: (any Sendable)?
  }

  private let state = Mutex(State())

  init() {}

  /// Whether its deadline passed while it ran.
  var isLate: Bool { state.withLock { $0.isLate } }

  /// The call begins: to be told in its task.
  func begin() {
    withUnsafeCurrentTask { current in
      let running = current.map { Running(task: $0) }
      let isCancelled = state.withLock { state in
        state.running = running
        return state.isCancelled
      }
      if isCancelled { current?.cancel() }
    }
  }

  /// The call has ended: to be told by whoever holds its task.
  func end(_ task: some Sendable) {
    state.withLock { state in
      state.running = nil
      if state.visitors > 0 { state.kept = task }
    }
  }

  /// Cancels it, now or when it begins.
  func cancel(isLate: Bool) {
    let running = state.withLock { state -> Running? in
      state.isCancelled = true
      if isLate { state.isLate = true }
      if state.running != nil { state.visitors += 1 }
      return state.running
    }
    guard let running else { return }
    // Outside the lock: this runs the cancellation handlers of the call.
    running.task.cancel()
    let kept = state.withLock { state in
      state.visitors -= 1
      return state.visitors == 0 ? state.kept.take() : nil
    }
    _ = consume kept
  }
}
