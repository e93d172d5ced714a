public import MainstayKernel
import Synchronization

/// The strategies, breakers and budgets of a host: one of each for every service it calls, whoever calls it.
///
/// ```swift
/// let resilience = try context.require(.resilience)
/// let stripe = try resilience.service("stripe")
/// try await stripe.run("charge", .keyed(order.id)) { try await client.charge(order) }
/// ```
/// A service that nobody declared gets the default settings when it is first asked for.
public final class Resilience: Sendable {
  /// What is told of calls and breakers, at once, in the task of the call.
  public struct Observer: Sendable {
    /// A call failed, or ended after it had failed.
    public var retry: @Sendable (RetryNotice) -> Void
    /// A breaker changed its state.
    public var breaker: @Sendable (_ service: String, CircuitBreakerMachine.Transition) -> Void

    /// By default nobody listens.
    public init(
      retry: @escaping @Sendable (RetryNotice) -> Void = { _ in },
      breaker: @escaping @Sendable (_ service: String, CircuitBreakerMachine.Transition) -> Void = { _, _ in }
    ) {
      self.retry = retry
      self.breaker = breaker
    }
  }

  /// One service: the layers around calls to it, in their fixed order.
  public struct Service: Sendable {
    /// Its name.
    public let name: String
    /// The layers.
    public let pipeline: CallPipeline
    /// What stops calling it when it fails.
    public let breaker: CircuitBreaker
    /// What repeats calls to it.
    public let retry: Retry
    /// How many repetitions it can bear.
    public let budget: RetryBudget

    /// Calls it through all layers.
    public func run<Value: Sendable>(
      _ operation: String, _ idempotency: Idempotency, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
      try await run(RetryCall(operation, idempotency: idempotency), body)
    }

    /// Calls it through all layers, as the call says.
    public func run<Value: Sendable>(
      _ call: RetryCall, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
      try await pipeline.run(named(call), body)
    }

    /// Calls it through all layers, and answers with the fallback if that fails.
    /// - Parameter fallback: Answers in place of the service, from the error. Not asked if the caller has given up.
    public func run<Value: Sendable>(
      _ call: RetryCall, fallback: @Sendable (any Error) async throws -> Value,
      _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
      try await pipeline.run(named(call), fallback: fallback, body)
    }

    private func named(_ call: RetryCall) -> RetryCall {
      var call = call
      call.service = call.service ?? name
      return call
    }
  }

  /// Serves every deadline.
  public let timer: DeadlineTimer
  /// How many operations may be in their retries at a time.
  public let limit: RetryLimit
  /// The calls that failed at least once; nil if none are recorded.
  public let executions: RetryExecutions?
  /// Every strategy, by name: the presets and those of the host.
  public let strategies: [String: RetryStrategy]

  private let standard: ServiceSettings
  private let declared: [String: ServiceSettings]
  private let budget: BudgetSettings
  private let longest: Int
  private let observer: Observer
  private let all = Mutex<[String: Service]>([:])
  /// Before the names of retries that belong to no service.
  private static let loose = "strategy:"

  /// A registry.
  /// - Parameters:
  ///   - standard: How services are called that are not declared.
  ///   - strategies: Strategies beside the presets; one of the same name replaces a preset.
  ///   - mostServices: The most services there may be.
  public init(
    timer: DeadlineTimer, standard: ServiceSettings = ServiceSettings(), services: [String: ServiceSettings] = [:],
    strategies: [RetryStrategy] = [], budget: BudgetSettings = BudgetSettings(), limit: RetryLimit = RetryLimit(),
    executions: RetryExecutions? = RetryExecutions(), mostServices: Int = 1000, observer: Observer = Observer()
  ) {
    self.timer = timer
    self.standard = standard
    declared = services
    self.strategies = Dictionary(
      (RetryStrategy.presets + strategies).map { ($0.name, $0) }, uniquingKeysWith: { _, own in own })
    self.budget = budget
    self.limit = limit
    self.executions = executions
    longest = max(mostServices, services.count)
    self.observer = observer
    for (name, settings) in services { _ = add(name, settings) }
  }

  /// The strategy of a name.
  public func strategy(_ name: String) throws(ResilienceError) -> RetryStrategy {
    if let strategy = strategies[name] { return strategy }
    throw ResilienceError(
      code: .unknownStrategy,
      message: "there is no retry strategy '\(name)'; there are: \(strategies.keys.sorted().joined(separator: ", "))")
  }

  /// The service of a name.
  public func service(_ name: String) throws(ResilienceError) -> Service {
    if let service = all.withLock({ $0[name] }) ?? add(name, standard) { return service }
    throw ResilienceError(
      code: .tooManyServices,
      message: "there are \(longest) services already; '\(name)' would be one more: are names made of data?")
  }

  /// The service of a name, if it was declared or asked for.
  public func known(_ name: String) -> Service? { all.withLock { $0[name] } }

  /// Every service that was declared or asked for, by name.
  public var known: [Service] { all.withLock { $0.values.sorted { $0.name < $1.name } } }

  /// The services among them: not the retries that belong to none.
  public var services: [Service] { known.filter { !$0.name.hasPrefix(Self.loose) } }

  /// The breakers of the services, by name.
  public var breakers: [CircuitBreaker] { services.map(\.breaker) }

  /// A retry that belongs to no service, for work such as a database transaction; with a budget of its own.
  public func retry(_ strategy: String) throws(ResilienceError) -> Retry {
    let name = Self.loose + strategy
    let settings = ServiceSettings(strategy: try self.strategy(strategy))
    guard let service = all.withLock({ $0[name] }) ?? add(name, settings) else {
      return try service(name).retry
    }
    return service.retry
  }

  /// Begins to count anew, and forgets the calls that are over.
  public func resetCounts() {
    for service in known { service.retry.resetCounts() }
    executions?.removeAll()
  }

  private func add(_ name: String, _ settings: ServiceSettings) -> Service? {
    let service = make(name, settings)
    return all.withLock { services in
      if let known = services[name] { return known }
      guard services.count < longest || declared[name] != nil else { return nil }
      services[name] = service
      return service
    }
  }

  private func make(_ name: String, _ settings: ServiceSettings) -> Service {
    let (clock, observer) = (timer.clock, observer)
    let budget = RetryBudget(
      ratio: budget.ratio, perSecond: budget.perSecond, burst: budget.burst, clock: clock)
    let retry = Retry(
      settings.strategy, timer: timer, budget: budget, limit: limit, executions: executions, observer: observer.retry)
    let breaker = CircuitBreaker(name, settings.breaker, clock: clock) { observer.breaker(name, $0) }
    let pipeline = CallPipeline(
      timer: timer, overallTimeout: settings.overallTimeout, retry: retry,
      hedge: settings.hedge.map { Hedge(after: $0, timer: timer, budget: budget) }, breaker: breaker,
      bulkhead: settings.concurrency.map {
        Bulkhead(name, limit: $0, queue: settings.queue, wait: settings.queueTimeout, timer: timer)
      },
      limiter: settings.adaptsConcurrency ? AdaptiveLimiter(name, clock: clock) : nil,
      attemptTimeout: settings.attemptTimeout)
    return Service(name: name, pipeline: pipeline, breaker: breaker, retry: retry, budget: budget)
  }
}

extension Capability where Value == Resilience {
  /// The strategies, breakers and budgets of the host.
  public static var resilience: Self { Self("resilience") }
}
