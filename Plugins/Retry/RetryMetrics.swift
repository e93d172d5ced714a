import MainstayInstruments
import MainstayKernel
import MainstayResilience

/// What the plugin exports: how each breaker is, and what is repeated, refused and hedged.
struct RetryMetrics: Sendable {
  let registry: MetricsRegistry
  private let service: Label
  private let retries: Family<Counter>
  private let failures: Family<Counter>

  /// - Parameter services: The declared services.
  init(clock: any HostClock, services: [String]) throws {
    registry = MetricsRegistry(clock: clock)
    service = Label("service", known: services, isGuarded: false)
    retries = try registry.counter("retry_attempts_total", help: "Attempts beyond the first.", labels: [service])
    failures = try registry.counter(
      "retry_failures_total", help: "Calls that failed for good, by the reason why they were not tried again.",
      labels: [service, Label("reason", known: RetryMachine.Stop.allCases.map(\.rawValue))])
  }

  /// Exports what the registry knows, of every service that was declared or asked for.
  func watch(_ resilience: Resilience) throws {
    try collect(resilience, "circuit_breaker_state", .gauge, "0 closed or disabled, 1 open, 2 half open.") {
      Double($0.breaker.state.gauge)
    }
    try collect(resilience, "circuit_breaker_rejections_total", .counter, "Calls that the breaker refused.") {
      Double($0.breaker.status.rejected)
    }
    try collect(resilience, "circuit_breaker_opened_total", .counter, "How often the breaker has opened.") {
      Double($0.breaker.status.opened)
    }
    try collect(resilience, "retry_budget_tokens", .gauge, "Repetitions that the service still bears.") {
      $0.budget.status.tokens
    }
    try collect(resilience, "hedge_copies_total", .counter, "Second calls made beside a first that took long.") {
      $0.pipeline.hedge.map { Double($0.counts.copies) }
    }
    try collect(resilience, "hedge_wins_total", .counter, "Second calls whose answer came first.") {
      $0.pipeline.hedge.map { Double($0.counts.wins) }
    }
  }

  private func collect(
    _ resilience: Resilience, _ name: String, _ kind: MetricKind, _ help: String,
    _ read: @escaping @Sendable (Resilience.Service) -> Double?
  ) throws {
    try registry.collect(name, kind, help: help, labels: [service]) { [weak resilience] samples in
      for service in resilience?.services ?? [] {
        if let value = read(service) { samples.add(value, service.name) }
      }
    }
  }

  /// An attempt failed, or a call ended.
  func note(_ notice: RetryNotice) {
    let service = notice.service ?? ""
    switch notice.kind {
    case .willRetry: retries.labels(service).increment()
    case .failed(let stop): failures.labels(service, stop.rawValue).increment()
    case .succeeded: break
    }
  }
}
