import MainstayHTTP
import MainstayInstruments
public import MainstayKernel

/// Exports what plugins measure, keeps some of it for a while, and raises alerts.
public struct MetricsPlugin: Plugin {
  /// `metrics`
  public static let manifest = PluginManifest(
    name: "metrics", version: "1.0.0", summary: "Exports metrics to scrapers, answers queries, raises alerts.",
    contributes: [.point(.httpRoutes)], collects: [.point(.metrics)])

  private let context: PluginContext
  private let lag: Gauge?

  /// Exports from now on.
  public init(configuration: MetricsConfiguration, context: PluginContext) async throws {
    self.context = context
    let registry = MetricsRegistry(clock: context.clock)
    try HostMetrics(host: context.host, bus: context.bus).register(in: registry)
    var lag: Gauge?
    if configuration.process {
      try ProcessMetrics().register(in: registry)
      lag = try registry.gauge(
        "task_pool_lag_seconds", help: "How late a task began on the shared thread pool, at the last look.")
    }
    self.lag = lag
    var own = [registry]
    if configuration.swiftMetrics, MainstayMetricsFactory.install() { own.append(MainstayMetricsFactory.registry) }
    let collector = MetricsCollector(
      try context.contributions(to: .metrics), own: own, logger: context.logger)
    try collector.describe(in: registry)
    try context.contribute(
      Routes([ScrapeRoute(collector: collector, configuration: configuration).route].map { $0.tagged("metrics") }))
  }

  /// Watches the thread pool.
  public func run() async throws {
    while true {
      try await context.clock.sleep(for: .seconds(5))
      guard let lag else { continue }
      let due = ContinuousClock.now
      let late = await Task { ContinuousClock.now - due }.value
      lag.set(late / .seconds(1))
    }
  }
}

extension RouteAccess {
  /// Reads `open`, `authenticated`, or the name of a role.
  init(metrics text: String) {
    switch text {
    case "open": self = .open
    case "authenticated": self = .authenticated
    default: self = .role(text)
    }
  }
}
