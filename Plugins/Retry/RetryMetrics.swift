import MainstayInstruments
import MainstayKernel
import MainstayResilience

/// What the plugin exports: the state of each breaker, and what is repeated.
struct RetryMetrics: Sendable {
  let registry: MetricsRegistry
  private let state: Family<Gauge>
  private let retries: Family<Counter>
  private let failures: Family<Counter>

  /// - Parameter services: The declared services, whose breakers are closed at the beginning.
  init(clock: any HostClock, services: [String]) throws {
    registry = MetricsRegistry(clock: clock)
    let service = Label("service", known: services, isGuarded: false)
    state = try registry.gauge(
      "circuit_breaker_state", help: "0 closed or disabled, 1 open, 2 half open.", labels: [service])
    retries = try registry.counter("retry_attempts_total", help: "Attempts beyond the first.", labels: [service])
    failures = try registry.counter(
      "retry_failures_total", help: "Calls that failed for good, by the reason why they were not tried again.",
      labels: [service, Label("reason", known: RetryMachine.Stop.allCases.map(\.rawValue))])
    for name in services { state.labels(name).set(0) }
  }

  /// A breaker changed its state.
  func note(_ service: String, _ change: CircuitBreakerMachine.Transition) {
    state.labels(service).set(Double(change.to.gauge))
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
