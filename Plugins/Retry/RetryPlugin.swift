import MainstayCapabilities
import MainstayHTTP
import MainstayInstruments
public import MainstayKernel
import MainstayResilience
import ServiceContextModule

/// Gives the host its retry strategies, circuit breakers and its client for services outside.
public struct RetryPlugin: Plugin {
  /// `retry`
  public static let manifest = PluginManifest(
    name: "retry", version: "1.1.0", summary: "Retry strategies, circuit breakers, outbound HTTP.",
    provides: [.capability(.resilience), .capability(.outboundHTTP)],
    contributes: [.point(.httpRoutes), .point(.healthChecks), .point(.metrics)],
    events: [RetryAttempted.self, RetrySucceeded.self, RetryFailed.self, BreakerChanged.self])

  /// Provides the registry and the client.
  public init(configuration: RetryConfiguration, context: PluginContext) async throws {
    let bus = context.bus
    let timer = DeadlineTimer(clock: context.clock)
    let metrics = try RetryMetrics(clock: context.clock, services: configuration.breakers.keys.sorted())
    let known = configuration.known
    let standard = known[configuration.defaultStrategy] ?? .standard
    let services = configuration.breakers.mapValues { service in
      service.settings(service.strategy.flatMap { known[$0] } ?? standard, open: configuration.breakerTimeout)
    }
    let resilience = Resilience(
      timer: timer, standard: ServiceConfiguration().settings(standard, open: configuration.breakerTimeout),
      services: services,
      strategies: Array(known.values),
      budget: BudgetSettings(
        ratio: configuration.budget.ratio, perSecond: configuration.budget.perSecond,
        burst: configuration.budget.burst),
      limit: RetryLimit(configuration.maxConcurrent),
      executions: configuration.metrics ? RetryExecutions(capacity: configuration.executions) : nil,
      observer: .init(
        retry: { notice in
          metrics.note(notice)
          Self.publish(notice, on: bus)
        },
        breaker: { service, change in
          Self.publish(service, change, on: bus)
        }))
    try metrics.watch(resilience)
    let transport = AsyncHTTPTransport()
    context.onStop { await transport.stop() }
    let client = OutboundClient(
      configuration.breakers.compactMapValues(\.endpoint), resilience: resilience, transport: transport,
      context: { Self.requestHeaders })
    try context.provide(resilience, as: .resilience)
    try context.provide(client, as: .outboundHTTP)
    try context.contribute(metrics.registry, to: .metrics)
    try context.contribute(Self.breakersCheck(resilience), to: .healthChecks)
    try context.contribute(Self.clientCheck(client), to: .healthChecks)
    try context.contribute(
      RetryRoutes(
        resilience: resilience, access: RouteAccess(retry: configuration.access),
        operateAccess: RouteAccess(retry: configuration.operateAccess), trial: RetryTrial(resilience)
      ).routes)
  }

  /// To which request of this host a call belongs.
  private static var requestHeaders: [(name: String, value: String)] {
    guard let context = ServiceContext.current else { return [] }
    var headers: [(name: String, value: String)] = []
    if let id = context.requestID { headers.append(("x-request-id", id)) }
    if let trace = context.traceContext {
      headers.append(("traceparent", trace.child().traceparent))
      if let state = trace.state { headers.append(("tracestate", state)) }
    }
    return headers
  }

  /// An open breaker makes the host degraded: some of its work fails.
  private static func breakersCheck(_ resilience: Resilience) -> HealthCheck {
    HealthCheck("breakers", in: []) {
      let open = resilience.breakers.filter { $0.state.gauge == 1 }.map(\.name)
      let details: JSONObject = [
        "abandonedCalls": .integer(Int64(resilience.timer.abandoned)),
        "retrying": .integer(Int64(resilience.limit.current)),
      ]
      guard !open.isEmpty else { return .healthy(details: details) }
      return .degraded("open: \(open.joined(separator: ", "))", details: details)
    }
  }

  /// Services that have not answered several times in a row make the host degraded before their breakers open.
  private static func clientCheck(_ client: OutboundClient) -> HealthCheck {
    HealthCheck("http_client", about: .dependency, in: []) {
      let counts = client.counts
      let silent = counts.filter { $0.value.failuresInARow >= 3 }.keys.sorted()
      let details: JSONObject = [
        "services": .integer(Int64(counts.count)),
        "requests": .integer(Int64(clamping: counts.values.reduce(0) { $0 &+ $1.requests })),
        "failures": .integer(Int64(clamping: counts.values.reduce(0) { $0 &+ $1.failures })),
        "inFlight": .integer(Int64(counts.values.reduce(0) { $0 + $1.inFlight })),
      ]
      guard !silent.isEmpty else { return .healthy(details: details) }
      return .degraded("three failures in a row or more: \(silent.joined(separator: ", "))", details: details)
    }
  }

  private static func publish(_ notice: RetryNotice, on bus: EventBus) {
    switch notice.kind {
    case .willRetry(let wait):
      bus.publish(
        RetryAttempted(
          operation: notice.operation, service: notice.service, strategy: notice.strategy, attempts: notice.attempts,
          waitMilliseconds: wait / .milliseconds(1), error: notice.errorType, execution: notice.executionID))
    case .succeeded:
      bus.publish(
        RetrySucceeded(
          operation: notice.operation, service: notice.service, strategy: notice.strategy, attempts: notice.attempts,
          execution: notice.executionID))
    case .failed(let stop):
      bus.publish(
        RetryFailed(
          operation: notice.operation, service: notice.service, strategy: notice.strategy, attempts: notice.attempts,
          reason: stop.rawValue, error: notice.errorType, execution: notice.executionID))
    }
  }

  private static func publish(_ service: String, _ change: CircuitBreakerMachine.Transition, on bus: EventBus) {
    bus.publish(
      BreakerChanged(
        service: service, from: change.from.rawValue, to: change.to.rawValue, reason: change.reason.rawValue,
        failures: change.failures))
  }
}

extension RouteAccess {
  /// Reads `open`, `authenticated`, or the name of a role.
  init(retry text: String) {
    switch text {
    case "open": self = .open
    case "authenticated": self = .authenticated
    default: self = .role(text)
    }
  }
}
