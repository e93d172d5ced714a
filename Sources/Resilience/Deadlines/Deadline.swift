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
  switch overrun {
  case .wait: return try await waiting(until: due, timer, context, exceeded, operation)
  case .abandon: return try await abandoning(until: due, timer, context, exceeded, operation)
  }
}

@inline(__always)
private func waiting<Value: Sendable>(
  until due: ContinuousClock.Instant, _ timer: DeadlineTimer, _ context: CallContext, _ exceeded: DeadlineExceeded,
  _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  let call = DeadlineCall()
  let id = timer.set(due) { call.cancel(isLate: true) }
  defer { timer.cancel(id) }
  do {
    return try await withTaskCancellationHandler {
      let work = CallContext.$current.withValue(context) {
        // Begins in this thread: an answer that is there at once costs no switch to another.
        Task.immediate {
          call.begin()
          return try await operation()
        }
      }
      defer { call.end(work) }
      return try await work.value
    } onCancel: {
      call.cancel(isLate: false)
    }
  } catch {
    // A caller who gave up is not told of a deadline.
    throw call.isLate && !Task.isCancelled ? exceeded : error
  }
}

private func abandoning<Value: Sendable>(
  until due: ContinuousClock.Instant, _ timer: DeadlineTimer, _ context: CallContext, _ exceeded: DeadlineExceeded,
  _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  let first = OneShot<Result<Value, any Error>>()
  // Not in this thread: it may block, and is left behind all the same.
  let work = Task {
    let result: Result<Value, any Error>
    do {
      result = .success(try await CallContext.$current.withValue(context, operation: operation))
    } catch {
      result = .failure(error)
    }
    if !first.resume(result) { timer.abandonedCalls.wrappingSubtract(1, ordering: .relaxed) }
  }
  let giveUp: @Sendable (any Error) -> Void = { error in
    // Counted in before it is known to have lost, because it may end, and count itself out, at once.
    timer.abandonedCalls.wrappingAdd(1, ordering: .relaxed)
    if first.resume(.failure(error)) {
      work.cancel()
    } else {
      timer.abandonedCalls.wrappingSubtract(1, ordering: .relaxed)
    }
  }
  let id = timer.set(due) { giveUp(exceeded) }
  let result = await withTaskCancellationHandler {
    await first.wait()
  } onCancel: {
    giveUp(CancellationError())
  }
  timer.cancel(id)
  return try result.get()
}
