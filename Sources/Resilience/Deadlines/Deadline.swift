import Synchronization

/// What happens to a call that goes on after its deadline, ignoring its cancellation.
public enum Overrun: String, Sendable, Hashable, CaseIterable {
  /// It is waited for. Its answer, should it succeed after all, counts.
  case wait
  /// It is left behind, and counted in ``DeadlineTimer/abandoned`` until it ends. Only for operations that own everything
  /// they touch: what the caller lends them may be in other hands by then.
  case abandon
}

/// Runs an operation and cancels it when its time is over. Its time is `limit`, or less if a deadline further out
/// (``CallContext/deadline``) comes before.
///
/// Swift's cancellation is a request. An operation that ignores it is waited for, or left behind, as `overrun` says.
/// - Throws: ``DeadlineExceeded`` when the time was over, ``CallRejection`` when it was over before the operation began,
///   what the operation throws otherwise. A success that comes together with the deadline is a success.
public func withDeadline<Value: Sendable>(
  _ limit: Duration, timer: DeadlineTimer, operation name: String = "the call",
  scope: DeadlineExceeded.Scope = .overall,
  overrun: Overrun = .wait, _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  let now = timer.clock.now
  let outer = CallContext.current ?? CallContext()
  let own = now.advanced(by: limit)
  let context = outer.limited(to: own)
  let due = context.deadline ?? own
  guard due > now else { throw CallRejection(.deadlinePassed, name: name) }
  let exceeded = DeadlineExceeded(operation: name, scope: due < own ? .overall : scope, limit: now.duration(to: due))
  return try await CallContext.$current.withValue(context) {
    try await DeadlineCall(timer: timer, exceeded: exceeded, overrun: overrun).run(until: due, operation)
  }
}

/// One call with a deadline: a task for the operation, a timer, and whichever comes first.
private struct DeadlineCall<Value: Sendable>: Sendable {
  private final class Flag: Sendable { let isSet = Atomic(false) }

  let timer: DeadlineTimer
  let exceeded: DeadlineExceeded
  let overrun: Overrun
  private let isOver = Flag()

  init(timer: DeadlineTimer, exceeded: DeadlineExceeded, overrun: Overrun) {
    self.timer = timer
    self.exceeded = exceeded
    self.overrun = overrun
  }

  func run(
    until due: ContinuousClock.Instant, _ operation: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    switch overrun {
    case .wait: try await waiting(until: due, operation)
    case .abandon: try await abandoning(until: due, operation)
    }
  }

  private func waiting(
    until due: ContinuousClock.Instant, _ operation: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let work = Task { try await operation() }
    let id = timer.set(due) { [isOver] in
      isOver.isSet.store(true, ordering: .relaxed)
      work.cancel()
    }
    let result = await withTaskCancellationHandler {
      await work.result
    } onCancel: {
      work.cancel()
    }
    timer.cancel(id)
    if case .success(let value) = result { return value }
    // A caller who gave up is not told of a deadline.
    if isOver.isSet.load(ordering: .relaxed), !Task.isCancelled { throw exceeded }
    return try result.get()
  }

  private func abandoning(
    until due: ContinuousClock.Instant, _ operation: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let first = OneShot<Result<Value, any Error>>()
    let work = Task { [timer] in
      let result: Result<Value, any Error>
      do { result = .success(try await operation()) } catch { result = .failure(error) }
      if !first.resume(result) { timer.abandonedCalls.wrappingSubtract(1, ordering: .relaxed) }
    }
    let giveUp: @Sendable (any Error) -> Void = { [timer] error in
      // Counted in before it is known to have lost, because it may end, and count itself out, at once.
      timer.abandonedCalls.wrappingAdd(1, ordering: .relaxed)
      if first.resume(.failure(error)) {
        work.cancel()
      } else {
        timer.abandonedCalls.wrappingSubtract(1, ordering: .relaxed)
      }
    }
    let id = timer.set(due) { [exceeded] in giveUp(exceeded) }
    let result = await withTaskCancellationHandler {
      await first.wait()
    } onCancel: {
      giveUp(CancellationError())
    }
    timer.cancel(id)
    return try result.get()
  }
}
