import MainstayKernel

/// Repeats operations that fail, as a ``RetryStrategy`` says and as far as the budget reaches.
///
/// ```swift
/// let retry = Retry(.api, timer: timer, budget: budget)
/// let invoice = try await retry.run("create-invoice", .keyed(order.id)) { try await client.create(order) }
/// ```
/// What is thrown in the end is the last attempt's own error. Only one retry in a call tree repeats: the outermost
/// that may make more than one attempt.
public final class Retry: Sendable {
  /// How calls are repeated that bring no strategy of their own.
  public let strategy: RetryStrategy
  /// The deadlines' timer, and the clock.
  public let timer: DeadlineTimer
  /// How many retries the target can bear; nil for any number.
  public let budget: RetryBudget?
  /// How many operations may be in their retries at a time; nil for any number.
  public let limit: RetryLimit?
  /// Where calls are recorded that failed at least once.
  public let executions: RetryExecutions?
  private let classifier: CallClassifier
  private let generator: SharedGenerator
  private let observer: (@Sendable (RetryNotice) -> Void)?
  private let statistics = RetryStatistics()

  /// A retry. Only the strategy and the timer are needed.
  /// - Parameter observer: Told of each failed attempt and of the end of calls that failed at least once, at once, in the
  ///   task of the call.
  public init(
    _ strategy: RetryStrategy, timer: DeadlineTimer, budget: RetryBudget? = nil, limit: RetryLimit? = nil,
    executions: RetryExecutions? = nil, classifier: CallClassifier = .standard,
    generator: SharedGenerator = SharedGenerator(), observer: (@Sendable (RetryNotice) -> Void)? = nil
  ) {
    self.strategy = strategy
    self.timer = timer
    self.budget = budget
    self.limit = limit
    self.executions = executions
    self.classifier = classifier
    self.generator = generator
    self.observer = observer
  }

  /// What has become of its calls.
  public var counts: RetryCounts { statistics.counts }

  /// Begins to count anew.
  public func resetCounts() { statistics.reset() }

  /// Runs an operation, and again if it fails.
  /// - Throws: The last attempt's error; ``DeadlineExceeded`` if its time was over; `CancellationError` if the caller
  ///   gave up during a wait.
  public func run<Value: Sendable>(
    _ operation: String, _ idempotency: Idempotency, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await outcome(of: RetryCall(operation, idempotency: idempotency), body).result.get()
  }

  /// Runs an operation, and again if it fails, as the call says.
  public func run<Value: Sendable>(
    _ call: RetryCall, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await outcome(of: call, body).result.get()
  }

  /// Runs an operation, and again if it fails, and tells how that went.
  public func outcome<Value: Sendable>(
    of call: RetryCall, _ body: @escaping @Sendable () async throws -> Value
  ) async -> RetryOutcome<Value> {
    let strategy = call.strategy ?? strategy
    let started = timer.clock.now
    var context = CallContext.current ?? CallContext()
    let isNested = context.retryOwner != nil && strategy.nesting == .suppressed
    if let overall = strategy.overallTimeout { context = context.limited(to: started.advanced(by: overall)) }
    if let key = call.idempotency.key { context.idempotencyKey = key }
    if !isNested {
      context.attempt = 1
      if strategy.attempts > 1 { context.retryOwner = call.operation }
    }
    let executionID = call.isTracked ? record(call, strategy, started) : nil
    do {
      let value = try await attempt(strategy, call.operation, started, context, body)
      // Most calls end here, so nothing that only a retry needs is made before.
      return succeededAtOnce(value, call, started, executionID)
    } catch {
      var run = RetryRun(
        call: call, started: started, executionID: executionID,
        machine: RetryMachine(
          strategy, idempotency: call.idempotency, isNested: isNested, deadline: context.deadline))
      return await retry(&run, after: error, context, body)
    }
  }

  private func retry<Value: Sendable>(
    _ run: inout RetryRun, after failure: any Error, _ context: CallContext,
    _ body: @escaping @Sendable () async throws -> Value
  ) async -> RetryOutcome<Value> {
    var (context, failure) = (context, failure)
    var place: RetryLimit.Place?
    while true {
      run.attempts += 1
      let wait: Duration
      switch decide(&run, failure) {
      case .stop(let stop): return end(&run, .failure(failure), stop: stop)
      case .retry(let after): wait = after
      }
      if let limit, run.attempts == 1 {
        place = limit.enter()
        guard place != nil else { return end(&run, .failure(failure), stop: .tooManyRetries) }
      }
      var token: RetryBudget.Reservation?
      if let budget {
        token = budget.reserve()
        guard token != nil else { return end(&run, .failure(failure), stop: .budgetExhausted) }
      }
      willRetry(&run, failure, after: wait)
      do {
        try await timer.clock.sleep(for: wait)
        try Task.checkCancellation()
      } catch {
        return end(&run, .failure(error), stop: .cancelled)
      }
      token.take()?.spend()
      context.attempt = run.attempts + 1
      do {
        let value = try await attempt(run.machine.strategy, run.call.operation, run.started, context, body)
        return end(&run, .success(value), stop: nil)
      } catch {
        failure = error
      }
    }
  }

  /// One attempt, within what is left of its time and of all attempts' time.
  private func attempt<Value: Sendable>(
    _ strategy: RetryStrategy, _ operation: String, _ started: ContinuousClock.Instant, _ context: CallContext,
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard strategy.attemptTimeout != nil || strategy.overallTimeout != nil else {
      return try await CallContext.$current.withValue(context, operation: body)
    }
    // Only what this strategy limits is enforced here; a deadline further out is enforced by whoever set it.
    let now = timer.clock.now
    let overall = strategy.overallTimeout.map { now.duration(to: started.advanced(by: $0)) }
    let isLast = overall.map { $0 <= strategy.attemptTimeout ?? $0 } ?? false
    let limit = isLast ? overall : strategy.attemptTimeout
    return try await CallContext.$current.withValue(context) {
      try await withDeadline(
        limit ?? .zero, timer: timer, operation: operation, scope: isLast ? .overall : .attempt,
        overrun: strategy.overrun, body)
    }
  }

  private func decide(_ run: inout RetryRun, _ error: any Error) -> RetryMachine.Decision {
    // A caller who gave up is no verdict on the callee.
    if Task.isCancelled { return .stop(.cancelled) }
    var generator = generator
    var advice = (run.call.classifier ?? classifier).advice(error)
    let rejection = error as? CallRejection
    if let rejection, run.machine.strategy.retriesRejections, rejection.code != .deadlinePassed {
      advice = .throttled(after: rejection.retryAfter)
    }
    return run.machine.failed(advice, hasArrived: rejection == nil, at: timer.clock.now, using: &generator)
  }
}

/// One call that has failed at least once, on its way through its attempts.
private struct RetryRun {
  let call: RetryCall
  let started: ContinuousClock.Instant
  var executionID: Int?
  var machine: RetryMachine
  /// Attempts that have failed.
  var attempts = 0
  /// Attempts that are in the record.
  var noted = 0
}

// What is told and recorded of a call.
extension Retry {
  private func succeededAtOnce<Value: Sendable>(
    _ value: Value, _ call: RetryCall, _ started: ContinuousClock.Instant, _ executionID: Int?
  ) -> RetryOutcome<Value> {
    let duration = started.duration(to: timer.clock.now)
    budget?.recordSuccess()
    statistics.succeededAtOnce()
    if let executions, let executionID {
      executions.update(executionID) { execution in
        execution.attempts.append(.init(ended: duration, errorType: nil, wait: nil))
        execution.end(nil, after: duration)
      }
    }
    return RetryOutcome(
      result: .success(value), attempts: 1, stop: nil, duration: duration, executionID: executionID)
  }

  private func willRetry(_ run: inout RetryRun, _ error: any Error, after wait: Duration) {
    note(&run, error: error, wait: wait)
    statistics.retried(after: wait)
    tell(run, .willRetry(after: wait), error)
  }

  private func end<Value: Sendable>(
    _ run: inout RetryRun, _ result: Result<Value, any Error>, stop: RetryMachine.Stop?
  ) -> RetryOutcome<Value> {
    let duration = run.started.duration(to: timer.clock.now)
    var error: (any Error)?
    if case .failure(let failure) = result { error = failure } else { run.attempts += 1 }
    if stop == nil { budget?.recordSuccess() }
    statistics.ended(stop)
    // Given up while waiting: the attempt before is in the record already.
    if run.attempts > run.noted { note(&run, error: error, wait: nil) }
    if let executions, let id = run.executionID {
      executions.update(id) { $0.end(stop, after: duration) }
    }
    tell(run, stop.map { .failed($0) } ?? .succeeded, error)
    return RetryOutcome(
      result: result, attempts: run.attempts, stop: stop, duration: duration, executionID: run.executionID)
  }

  private func record(
    _ call: RetryCall, _ strategy: RetryStrategy, _ started: ContinuousClock.Instant
  ) -> Int? {
    let clock = timer.clock
    return executions?.begin(
      RetryExecution(
        id: 0, operation: call.operation, service: call.service, strategy: strategy.name,
        metadata: RetryExecution.bounded(call.metadata),
        startedAt: clock.timeSinceEpoch - started.duration(to: clock.now)))
  }

  private func note(_ run: inout RetryRun, error: (any Error)?, wait: Duration?) {
    run.noted += 1
    if run.executionID == nil { run.executionID = record(run.call, run.machine.strategy, run.started) }
    guard let executions, let id = run.executionID else { return }
    let ended = run.started.duration(to: timer.clock.now)
    executions.update(id) { execution in
      guard execution.attempts.count < RetryExecution.longestList else { return }
      execution.attempts.append(.init(ended: ended, errorType: error.map { "\(type(of: $0))" }, wait: wait))
    }
  }

  private func tell(_ run: RetryRun, _ kind: RetryNotice.Kind, _ error: (any Error)?) {
    guard observer != nil || run.call.onNotice != nil else { return }
    let notice = RetryNotice(
      kind: kind, operation: run.call.operation, service: run.call.service, strategy: run.machine.strategy.name,
      attempts: run.attempts, errorType: error.map { "\(type(of: $0))" }, executionID: run.executionID)
    observer?(notice)
    run.call.onNotice?(notice)
  }
}
