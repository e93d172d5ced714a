import MainstayReactor
import Synchronization

/// An answer that comes once: from whoever resolves it first, the deadline or a cancellation included.
final class OneShot<Value: Sendable>: Sendable {
  private enum State {
    case empty
    case waiting(CheckedContinuation<Value, any Error>)
    case resolved(Result<Value, any Error>)
    case taken
  }

  private let state = Mutex(State.empty)

  /// Whether nobody has given an answer yet.
  var isPending: Bool {
    state.withLock { state in
      switch state {
      case .empty, .waiting: true
      case .resolved, .taken: false
      }
    }
  }

  /// Gives the answer. Only the first one counts; true for it.
  @discardableResult
  func resolve(_ result: Result<Value, any Error>) -> Bool {
    let (counts, waiting): (Bool, CheckedContinuation<Value, any Error>?) = state.withLock { state in
      switch state {
      case .empty:
        state = .resolved(result)
        return (true, nil)
      case .waiting(let continuation):
        state = .taken
        return (true, continuation)
      case .resolved, .taken: return (false, nil)
      }
    }
    waiting?.resume(with: result)
    return counts
  }

  /// Waits for the answer, until the deadline, or until the task is cancelled. For one caller.
  func value(
    by deadline: MonotonicInstant, on reactor: Reactor, orThrow timeout: @escaping @Sendable () -> RedisError
  ) async throws -> Value {
    let timer = ReactorTimer { [weak self] in _ = self?.resolve(.failure(timeout())) }
    reactor.submit { reactor.set(timer, for: deadline) }
    defer { reactor.submit { reactor.cancel(timer) } }
    return try await value()
  }

  /// Waits for the answer, or until the task is cancelled. For one caller.
  func value() async throws -> Value {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let ready: Result<Value, any Error>? = state.withLock { state in
          if case .resolved(let result) = state {
            state = .taken
            return result
          }
          state = .waiting(continuation)
          return nil
        }
        if let ready { continuation.resume(with: ready) }
      }
    } onCancel: {
      resolve(.failure(CancellationError()))
    }
  }
}
