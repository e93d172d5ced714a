/// The layers around a call, in the one order in which they make sense. Leave out what is not needed; each layer also works
/// by itself.
///
/// ```
/// fallback › overall deadline › retry › hedge › breaker › bulkhead › adaptive limit › attempt deadline › the call
/// ```
/// * The fallback is outermost, so that it answers whatever went wrong, unless the caller has given up.
/// * The overall deadline holds for all attempts and the waits between them.
/// * Retry and hedge are outside the breaker: each attempt asks it and counts for it, and an open breaker ends the retrying.
/// * The breaker is outside the bulkhead: what it refuses takes no place.
/// * The attempt's deadline is innermost, so that the breaker and the limit see what was too slow, and a wait for a place does not
///   eat into it.
public struct CallPipeline: Sendable {
  /// Serves every deadline.
  public var timer: DeadlineTimer
  /// The time for everything together but the fallback; nil for no limit.
  public var overallTimeout: Duration?
  /// Repeats what fails.
  public var retry: Retry?
  /// Makes a second call when the first takes long.
  public var hedge: Hedge?
  /// Refuses calls to what is down.
  public var breaker: CircuitBreaker?
  /// Limits calls at a time.
  public var bulkhead: Bulkhead?
  /// Limits calls at a time by what the callee bears.
  public var limiter: AdaptiveLimiter?
  /// The time for one attempt, if the retry's strategy names none; nil for no limit.
  public var attemptTimeout: Duration?
  /// What happens to a call that ignores the end of its time.
  public var overrun: Overrun

  /// A pipeline.
  public init(
    timer: DeadlineTimer, overallTimeout: Duration? = nil, retry: Retry? = nil, hedge: Hedge? = nil,
    breaker: CircuitBreaker? = nil, bulkhead: Bulkhead? = nil, limiter: AdaptiveLimiter? = nil,
    attemptTimeout: Duration? = nil, overrun: Overrun = .wait
  ) {
    self.timer = timer
    self.overallTimeout = overallTimeout
    self.retry = retry
    self.hedge = hedge
    self.breaker = breaker
    self.bulkhead = bulkhead
    self.limiter = limiter
    self.attemptTimeout = attemptTimeout
    self.overrun = overrun
  }

  /// Calls through all layers.
  /// - Throws: What the call throws; ``CallRejection`` and ``DeadlineExceeded`` of the layers.
  public func run<Value: Sendable>(
    _ operation: String, _ idempotency: Idempotency, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await run(RetryCall(operation, idempotency: idempotency), body)
  }

  /// Calls through all layers, as the call says.
  public func run<Value: Sendable>(
    _ call: RetryCall, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let overallTimeout else { return try await repeated(call, body) }
    return try await withDeadline(overallTimeout, timer: timer, operation: call.operation, overrun: overrun) {
      try await repeated(call, body)
    }
  }

  /// Calls through all layers, and answers with the fallback if that fails.
  /// - Parameter fallback: Answers in place of the call, from its error. Not asked if the caller has given up.
  public func run<Value: Sendable>(
    _ call: RetryCall, fallback: @Sendable (any Error) async throws -> Value,
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    do {
      return try await run(call, body)
    } catch {
      if Task.isCancelled { throw error }
      return try await fallback(error)
    }
  }

  /// What does not fit together, a sentence each.
  public var warnings: [String] {
    var warnings: [String] = []
    let attempt = retry?.strategy.attemptTimeout ?? attemptTimeout
    let overall = [overallTimeout, retry?.strategy.overallTimeout].compactMap { $0 }.min()
    if let attempt, let overall, attempt >= overall {
      warnings.append(
        "one attempt may take \(attempt.inSeconds), as long as all together (\(overall.inSeconds)): none is repeated")
    }
    if let overall, let conflict = retry?.strategy.conflict(withDeadline: overall) { warnings.append(conflict) }
    if let retry, let hedge, hedge.copies > 0, retry.budget == nil {
      warnings.append("retries and hedges have no budget: they multiply what goes to a target that is down")
    }
    if let breaker, let attempt, attempt > breaker.settings.probeTimeout {
      warnings.append(
        "an attempt may take \(attempt.inSeconds), longer than a probe of the breaker '\(breaker.name)' counts "
          + "(\(breaker.settings.probeTimeout.inSeconds)): slow probes cannot close it")
    }
    return warnings
  }

  private func repeated<Value: Sendable>(
    _ call: RetryCall, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let retry else { return try await hedged(call, attemptTimeout, body) }
    var call = call
    var strategy = call.strategy ?? retry.strategy
    // The retry would set it outside the breaker, which would take it for a caller who gave up.
    let limit = strategy.attemptTimeout ?? attemptTimeout
    guard limit != nil || layers > 0 else { return try await retry.run(call, body) }
    if strategy.attemptTimeout != nil {
      strategy.attemptTimeout = nil
      call.strategy = strategy
    }
    let copy = call
    return try await retry.run(call) { try await hedged(copy, limit, body) }
  }

  private var layers: Int {
    (hedge == nil ? 0 : 1) + (breaker == nil ? 0 : 1) + (bulkhead == nil ? 0 : 1) + (limiter == nil ? 0 : 1)
  }

  private func hedged<Value: Sendable>(
    _ call: RetryCall, _ limit: Duration?, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let hedge else { return try await protected(call, limit, body) }
    // A success earns the budget that both share once.
    guard let budget = retry?.budget, budget === hedge.budget else {
      return try await hedge.run(call.idempotency, classifiedBy: call.classifier) {
        try await protected(call, limit, body)
      }
    }
    return try await hedge.answer(call.idempotency, classifiedBy: call.classifier) {
      try await protected(call, limit, body)
    }
  }

  private func protected<Value: Sendable>(
    _ call: RetryCall, _ limit: Duration?, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let breaker else { return try await limited(call, limit, body) }
    return try await breaker.run(classifiedBy: call.classifier) { try await limited(call, limit, body) }
  }

  private func limited<Value: Sendable>(
    _ call: RetryCall, _ limit: Duration?, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let bulkhead else { return try await adapted(call, limit, body) }
    return try await bulkhead.run { try await adapted(call, limit, body) }
  }

  private func adapted<Value: Sendable>(
    _ call: RetryCall, _ limit: Duration?, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let limiter else { return try await timed(call, limit, body) }
    return try await limiter.run(classifiedBy: call.classifier) { try await timed(call, limit, body) }
  }

  private func timed<Value: Sendable>(
    _ call: RetryCall, _ limit: Duration?, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let limit else { return try await body() }
    return try await withDeadline(
      limit, timer: timer, operation: call.operation, scope: .attempt, overrun: overrun, body)
  }
}
