import Synchronization

/// Runs `body`, and stops waiting for it when the budget is spent.
///
/// A task group always waits for its children, so it cannot hold a deadline against a child that ignores its
/// cancellation. Here the work is a task of its own that is cancelled and left behind; whoever comes first resumes.
func withDeadline<Value: Sendable>(
  _ budget: Duration, clock: any HostClock, body: @escaping @Sendable () async throws -> Value,
  orThrow overrun: @escaping @Sendable () -> any Error
) async throws -> Value {
  let first = FirstResult<Value>()
  return try await withTaskCancellationHandler {
    try await withCheckedThrowingContinuation { continuation in
      first.wait(continuation)
      let work = Task(priority: .medium) {
        do { first.resume(.success(try await body())) } catch { first.resume(.failure(error)) }
      }
      let timer = Task(priority: .high) {
        guard (try? await clock.sleep(for: budget)) != nil else { return }
        first.resume(.failure(overrun()))
      }
      first.onEnd {
        work.cancel()
        timer.cancel()
      }
    }
  } onCancel: {
    first.resume(.failure(CancellationError()))
  }
}

/// A continuation that the first of several results resumes.
private final class FirstResult<Value: Sendable>: Sendable {
  private struct State {
    var continuation: CheckedContinuation<Value, any Error>?
    var result: Result<Value, any Error>?
    var end: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())

  func wait(_ continuation: CheckedContinuation<Value, any Error>) {
    let result = state.withLock { state in
      if state.result == nil { state.continuation = continuation }
      return state.result
    }
    if let result { continuation.resume(with: result) }
  }

  /// Calls `end` when there is a result, at once if there is one already.
  func onEnd(_ end: @escaping @Sendable () -> Void) {
    let isOver = state.withLock { state in
      if state.result == nil { state.end = end }
      return state.result != nil
    }
    if isOver { end() }
  }

  func resume(_ result: Result<Value, any Error>) {
    let (continuation, end) = state.withLock { state in
      guard state.result == nil else {
        return (CheckedContinuation<Value, any Error>?.none, (@Sendable () -> Void)?.none)
      }
      state.result = result
      defer {
        state.continuation = nil
        state.end = nil
      }
      return (state.continuation, state.end)
    }
    continuation?.resume(with: result)
    end?()
  }
}
