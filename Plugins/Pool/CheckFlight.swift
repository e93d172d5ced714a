import MainstayCapabilities
import MainstayKernel
import Synchronization

/// One check of all targets at a time, however many ask for one: each takes a connection from those who need them.
///
/// The check has a task of its own, so that it ends for the others when the first who asked has gone.
final class CheckFlight: Sendable {
  private struct State {
    var running: Task<[ConnectionPoolHealth], Never>?
    var isClosing = false
  }

  private let state = Mutex(State())

  /// Whether the targets are being closed, so that one that does not answer any more is no news.
  var isClosing: Bool { state.withLock { $0.isClosing } }

  /// The targets are about to be closed.
  func close() { state.withLock { $0.isClosing = true } }

  /// What the check that is under way finds, or else a new one.
  func run(_ check: @escaping @Sendable () async -> [ConnectionPoolHealth]) async -> [ConnectionPoolHealth] {
    let task = state.withLock { state in
      if let running = state.running { return running }
      let task = Task {
        defer { self.state.withLock { $0.running = nil } }
        return await check()
      }
      state.running = task
      return task
    }
    return await task.value
  }
}
