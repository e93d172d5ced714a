import MainstayInstruments
import MainstayKernel
import Synchronization

/// What the kernel tells of the host, its plugins and the event bus.
struct HostMetrics: Sendable {
  let host: HostHandle
  let bus: EventBus

  func register(in registry: MetricsRegistry) throws(MetricsError) {
    try registerHost(in: registry)
    try registerPlugins(in: registry)
    try registerBus(in: registry)
  }

  private func registerHost(in registry: MetricsRegistry) throws(MetricsError) {
    let (name, version) = (host.name, host.version)
    try registry.collect(
      "host_info", help: "The host and its version; always 1.",
      labels: [Label("name", isGuarded: false), Label("version", isGuarded: false), "environment"]
    ) { [environment = host.environment.rawValue] samples in samples.add(1, name, version, environment) }
    try registry.gauge("host_ready", help: "1 if the host takes work.") { [host] in host.status.isReady ? 1 : 0 }
    try registry.gauge("host_uptime_seconds", help: "How long the host has been up.") { [host] in
      host.status.uptime.inSeconds
    }
    try registry.gauge("host_start_duration_seconds", help: "How long it took until every plugin was ready.") {
      [host] in host.status.startDuration.map { $0.inSeconds }
    }
    try registry.gauge("host_configuration_generation", help: "Raised by each reload that changed something.") {
      [host] in Double(host.status.generation)
    }
    try registry.counter("host_rejected_reloads_total", help: "Reloads that were refused.") { [host] in
      Double(host.status.rejectedReloads)
    }
  }

  private func registerPlugins(in registry: MetricsRegistry) throws(MetricsError) {
    let plugin = Label("plugin", limit: 1_000)
    let state = Label("state", known: PluginState.allCases.map(\.rawValue))
    try registry.collect("plugin_state", help: "1 for the state that a plugin is in.", labels: [plugin, state]) {
      [host] samples in
      for status in host.status.plugins {
        for state in PluginState.allCases { samples.add(status.state == state ? 1 : 0, status.name, state.rawValue) }
      }
    }
    try registry.collect(
      "plugin_start_duration_seconds", help: "How long a plugin's last start took.", labels: [plugin]
    ) { [host] samples in
      for status in host.status.plugins {
        if let duration = status.startDuration { samples.add(duration.inSeconds, status.name) }
      }
    }
    try registry.collect(
      "plugin_restarts_total", .counter, help: "Restarts after failures.", labels: [plugin]
    ) { [host] samples in
      for status in host.status.plugins { samples.add(Double(status.restarts), status.name) }
    }
  }

  private func registerBus(in registry: MetricsRegistry) throws(MetricsError) {
    try registry.collect(
      "event_bus_published_total", .counter, help: "Events published while somebody listened.",
      labels: [Label("topic", isGuarded: false)]
    ) { [bus] samples in
      for topic in bus.statistics.topics { samples.add(Double(topic.published), "\(topic.topic)") }
    }
    let deliveries = BusDeliveries()
    let owner = Label("plugin", limit: 1_000)
    try registry.collect(
      "event_bus_delivered_total", .counter, help: "Events handed to the subscribers of a plugin.", labels: [owner]
    ) { [bus] samples in
      for (owner, count) in deliveries.advance(to: bus.statistics.subscriptions) { samples.add(count, owner) }
    }
    try registry.collect("event_bus_queued", help: "Events that wait for the subscribers of a plugin.", labels: [owner])
    {
      [bus] samples in
      let queued = Dictionary(grouping: bus.statistics.subscriptions, by: \.owner)
      for (owner, entries) in queued.sorted(by: { $0.key < $1.key }) {
        samples.add(Double(entries.reduce(0) { $0 + $1.queued }), owner)
      }
    }
    try registry.counter("event_bus_dropped_total", help: "Events lost because a subscriber's buffer was full.") {
      [bus] in Double(bus.statistics.dropped)
    }
    try registry.counter("event_bus_failed_total", help: "Events whose handler threw.") { [bus] in
      Double(bus.statistics.failed)
    }
    try registry.counter("event_bus_refused_subscriptions_total", help: "Subscriptions refused: there were too many.") {
      [bus] in Double(bus.statistics.refused)
    }
  }
}

/// Deliveries by plugin that only grow, also when subscriptions end.
private final class BusDeliveries: Sendable {
  private struct State: Sendable {
    var open: [Int: (owner: String, delivered: Int)] = [:]
    var totals: [String: Double] = [:]
  }

  private let state = Mutex(State())

  func advance(to subscriptions: [SubscriptionStatistics]) -> [(String, Double)] {
    state.withLock { state in
      var open: [Int: (owner: String, delivered: Int)] = [:]
      for entry in subscriptions {
        let before = state.open[entry.id]?.delivered ?? 0
        state.totals[entry.owner, default: 0] += Double(max(0, entry.delivered - before))
        open[entry.id] = (entry.owner, entry.delivered)
      }
      state.open = open
      return state.totals.sorted { $0.key < $1.key }
    }
  }
}
