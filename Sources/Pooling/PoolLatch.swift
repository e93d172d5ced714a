import Synchronization

/// Something waited for by one task and told by whoever comes first.
final class PoolLatch: Sendable {
  enum Result: Sendable {
    case done, timedOut, cancelled
    case hopeless(any Error)
  }

  private enum State: Sendable {
    case closed
    case waiting(UnsafeContinuation<Result, Never>)
    case open(Result)
  }

  private let state = Mutex(State.closed)

  func wait() async -> Result {
    await withUnsafeContinuation { continuation in
      let result: Result? = state.withLock { state in
        if case .open(let result) = state { return result }
        state = .waiting(continuation)
        return nil
      }
      if let result { continuation.resume(returning: result) }
    }
  }

  /// Only the first call counts.
  func open(_ result: Result) {
    let continuation: UnsafeContinuation<Result, Never>? = state.withLock { state in
      defer { if case .open = state {} else { state = .open(result) } }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume(returning: result)
  }
}
