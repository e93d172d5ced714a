import Logging
import MainstayCapabilities
import MainstayHTTP
import MainstayInstruments
public import MainstayKernel
import MainstayResilience

/// Tells probes, dashboards and people how the host is.
public struct HealthPlugin: Plugin {
  /// `health`
  public static let manifest = PluginManifest(
    name: "health", version: "1.1.0", summary: "Tells how the host is: /live, /ready, /startup, /health.",
    contributes: [.point(.httpRoutes), .point(.metrics)], collects: [.point(.healthChecks)],
    events: [HealthCheckFailed.self, HealthCheckRecovered.self, ThresholdExceeded.self, ThresholdRecovered.self])

  private let board: HealthBoard
  private let clock: any HostClock
  private let interval: Duration

  /// Serves the routes from now on.
  public init(configuration: HealthConfiguration, context: PluginContext) async throws {
    let lag = ThreadPoolLag()
    lag.start()
    context.onStop { lag.stop() }
    let resources = ResourceMonitor(
      configuration.thresholds, disk: configuration.disk, readings: HealthReadings(), lag: lag, clock: context.clock,
      bus: context.bus)
    let (bus, logger) = (context.bus, context.logger)
    let changes = BoardChanges()
    let checks = HealthChecks(
      .init(
        keeps: configuration.checkCache, timeout: configuration.checkTimeout, staleAfter: configuration.staleAfter),
      timer: DeadlineTimer(clock: context.clock), onRefusal: { logger.error("\($0)") },
      onChange: { answer, change in
        // Answers wait for the first look, so none was made without it.
        if change.from != nil { changes.tell() }
        Self.publish(answer, change, on: bus)
      })
    let board = HealthBoard(context, configuration, checks: checks, resources: resources, lag: lag)
    changes.board(board)
    let own = Contributed(plugin: context.plugin, value: Self.eventBus(bus))
    try context.contributions(to: .healthChecks).observe { contributed in
      checks.update(contributed + [own])
      changes.tell()
    }
    self.board = board
    try context.contribute(HealthMetrics(clock: context.clock, checks: checks).registry, to: .metrics)
    clock = context.clock
    interval = configuration.interval
    try context.contribute(
      HealthRoutes(
        board: board, access: RouteAccess(health: configuration.access),
        detailAccess: RouteAccess(health: configuration.detailAccess)
      ).routes)
  }

  /// Looks now and then, also when nobody asks.
  public func run() async throws {
    while true {
      await board.look()
      try await clock.sleep(for: interval)
    }
  }

  /// What passes through the event bus, and what is lost. It decides nothing: to drop what a slow subscriber does not
  /// take is what its buffer is for.
  private static func eventBus(_ bus: EventBus) -> HealthCheck {
    HealthCheck("event_bus", in: []) {
      let statistics = bus.statistics
      return .healthy(
        details: [
          "topics": .integer(Int64(statistics.topics.count)),
          "subscriptions": .integer(Int64(statistics.subscriptions.count)),
          "dropped": .integer(Int64(statistics.dropped)), "failed": .integer(Int64(statistics.failed)),
        ])
    }
  }

  private static func publish(_ answer: CheckAnswer, _ change: CheckMachine.Change, on bus: EventBus) {
    if change.to == .unhealthy {
      bus.publish(
        HealthCheckFailed(
          plugin: answer.plugin, check: answer.check.name, isCritical: answer.check.isCritical,
          latencyMilliseconds: answer.last?.latency.milliseconds ?? 0))
    } else if change.from == .unhealthy {
      bus.publish(HealthCheckRecovered(plugin: answer.plugin, check: answer.check.name))
    }
  }
}

extension RouteAccess {
  /// Reads `open`, `authenticated`, or the name of a role.
  init(health text: String) {
    switch text {
    case "open": self = .open
    case "authenticated": self = .authenticated
    default: self = .role(text)
    }
  }
}
