import MainstayCapabilities
import MainstayInstruments
import MainstayKernel

/// What the plugin exports: what is known of each check, without looking again.
struct HealthMetrics: Sendable {
  let registry: MetricsRegistry

  init(clock: any HostClock, checks: HealthChecks) throws(MetricsError) {
    registry = MetricsRegistry(clock: clock)
    let labels = [Label("plugin", limit: 200, isGuarded: false), Label("check", limit: 500, isGuarded: false)]
    try registry.collect(
      "health_check_status", help: "What a check counts as: 1 healthy, 0.5 degraded, 0 unhealthy or not known yet.",
      labels: labels
    ) { [weak checks] samples in
      for answer in checks?.known() ?? [] {
        samples.add(Self.number(answer.counted), answer.plugin, answer.check.name)
      }
    }
    try registry.collect("health_check_duration_seconds", help: "How long a check took, last time.", labels: labels) {
      [weak checks] samples in
      for answer in checks?.known() ?? [] {
        guard let last = answer.last else { continue }
        samples.add(last.latency.inSeconds, answer.plugin, answer.check.name)
      }
    }
  }

  private static func number(_ status: HealthFinding.Status) -> Double {
    switch status {
    case .healthy: 1
    case .degraded: 0.5
    case .unhealthy: 0
    }
  }
}
