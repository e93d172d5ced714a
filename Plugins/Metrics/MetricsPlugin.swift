import MainstayHTTP
import MainstayInstruments
public import MainstayKernel

/// Exports what plugins measure, keeps some of it for a while, and raises alerts.
public struct MetricsPlugin: Plugin {
  /// `metrics`
  public static let manifest = PluginManifest(
    name: "metrics", version: "1.0.0", summary: "Exports metrics to scrapers, answers queries, raises alerts.",
    provides: [.capability(.metricsRecorder)], contributes: [.point(.httpRoutes)], collects: [.point(.metrics)],
    events: [AlertPending.self, AlertTriggered.self, AlertResolved.self, AlertNotification.self])

  private let context: PluginContext
  private let watch: MetricsWatch
  private let step: Duration
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
    let named = try NamedMetrics(
      MetricDefinition.standard + configuration.definitions, clock: context.clock)
    var last = [named.registry]
    if configuration.swiftMetrics, MainstayMetricsFactory.install() { last.append(MainstayMetricsFactory.registry) }
    let collector = MetricsCollector(
      try context.contributions(to: .metrics), own: registry, last: last, logger: context.logger)
    try collector.describe(in: registry)
    watch = MetricsWatch(
      configuration.history, configuration.alerts, rules: configuration.rules, collector: collector, named: named,
      context: context)
    step = configuration.history.step
    try watch.describe(in: registry)
    try context.provide(named, as: .metricsRecorder)
    let routes = MetricsRoutes(
      collector: collector, named: named, watch: watch, configuration: configuration, clock: context.clock)
    try context.contribute(routes.all)
  }

  /// Takes samples, evaluates alerts and watches the thread pool.
  public func run() async throws {
    let step = step.attoseconds
    while true {
      // At multiples of the step, so that each sample falls into a tick of its own.
      let late = context.clock.timeSinceEpoch.attoseconds % step
      try await context.clock.sleep(for: Duration(attoseconds: step - late))
      watch.tick(at: context.clock.timeSinceEpoch.inSeconds)
      guard let lag else { continue }
      let due = ContinuousClock.now
      let waited = await Task { ContinuousClock.now - due }.value
      lag.set(waited.inSeconds)
    }
  }
}

extension MetricsConfiguration {
  /// Every rule; a later one takes the place of an earlier one of its name.
  var rules: [(AlertRule, MetricsWatch.Origin)] {
    (alerts.standard ? StandardRules.all.map { ($0, .standard) } : [])
      + objectives.flatMap(\.burnRateRules).map { ($0, .objective) }
      + alerts.rules.compactMap(\.rule).map { ($0, .manifest) }
  }
}

extension MetricsWatch {
  /// Exports how much is kept and which alerts there are.
  func describe(in registry: MetricsRegistry) throws(MetricsError) {
    try registry.gauge("metrics_history_bytes", help: "Memory that kept samples take.") { [weak self] in
      self?.read { state, _ in Double(state.store.bytes) }
    }
    try registry.gauge("metrics_history_series", help: "Series of which samples are kept.") { [weak self] in
      self?.read { state, _ in Double(state.store.count) }
    }
    try registry.gauge("metrics_history_refused_series", help: "Series not kept: the memory for them is spent.") {
      [weak self] in self?.read { state, _ in Double(state.store.refused) }
    }
    try registry.collect(
      "metrics_alerts", help: "Alerts by rule and state.",
      labels: [Label("alert", limit: 2_000, isGuarded: false), Label("state", known: ["pending", "firing"])]
    ) { [weak self] samples in
      let counts = self?.read { state, _ in
        Dictionary(grouping: state.engine.alerts, by: \.key.rule).mapValues { alerts in
          (firing: alerts.count { $0.value.isFiring }, pending: alerts.count { $0.value.isPending })
        }
      }
      for (rule, count) in (counts ?? [:]).sorted(by: { $0.key < $1.key }) {
        samples.add(Double(count.pending), rule, "pending")
        samples.add(Double(count.firing), rule, "firing")
      }
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
