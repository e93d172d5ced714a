import Synchronization

/// A continuation that the first of several results resumes, whichever comes first: the waiting or the result.
final class OneShot<Value: Sendable>: Sendable {
  private enum State {
    case empty
    case waiting(UnsafeContinuation<Value, Never>)
    case known(Value)
    case over
  }

  private let state = Mutex(State.empty)

  init() {}

  /// Gives the result. False if there was one before.
  @discardableResult
  func resume(_ value: Value) -> Bool {
    let (isFirst, continuation) = state.withLock { state -> (Bool, UnsafeContinuation<Value, Never>?) in
      switch state {
      case .empty:
        state = .known(value)
        return (true, nil)
      case .waiting(let continuation):
        state = .over
        return (true, continuation)
      case .known, .over: return (false, nil)
      }
    }
    continuation?.resume(returning: value)
    return isFirst
  }

  /// Waits for the result. To be called once.
  func wait() async -> Value {
    await withUnsafeContinuation { continuation in
      let known = state.withLock { state -> Value? in
        if case .known(let value) = state {
          state = .over
          return value
        }
        state = .waiting(continuation)
        return nil
      }
      if let known { continuation.resume(returning: known) }
    }
  }
}
