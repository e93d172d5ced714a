import MainstayCapabilities
import MainstayHTTP
import MainstayInstruments
public import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayRedis

/// Keeps connections to databases and to Redis for every plugin of the host.
public struct PoolPlugin: Plugin {
  /// `pool`
  public static let manifest = PluginManifest(
    name: "pool", version: "1.0.0", summary: "Pools of connections to PostgreSQL databases, and a client of Redis.",
    provides: [
      .capability(.postgres), .capability(.postgresDatabases), .capability(.redis), .capability(.connectionPools),
    ],
    uses: [.capability(.developmentServers)],
    contributes: [.point(.httpRoutes), .point(.healthChecks), .point(.metrics)],
    events: [
      PoolHealthCheckFailed.self, PoolExhausted.self, PoolNearlyExhausted.self, PoolRelieved.self, PoolScaledUp.self,
      PoolScaledDown.self, PoolLeakDetected.self, PoolFailover.self, PoolUnavailable.self, PoolRecovered.self,
      PoolNotification.self, PoolNotificationGap.self,
    ])

  private let configuration: PoolConfiguration
  private let bus: EventBus
  private let clock: any HostClock
  private let targets: PoolTargets
  private let listeners: [PoolListener]
  private let processors: @Sendable () -> String?

  /// Opens the first connections; throws if a target that is required cannot be reached.
  public init(configuration: PoolConfiguration, context: PluginContext) async throws {
    try await self.init(configuration, context) { ProcessorLoad.text }
  }

  /// - Parameter processors: Reads the counters of the machine's processors.
  init(
    _ configuration: PoolConfiguration, _ context: PluginContext, processors: @escaping @Sendable () -> String?
  ) async throws {
    self.configuration = configuration
    self.processors = processors
    (bus, clock) = (context.bus, context.clock)
    let opening = try await PoolOpening(configuration, context)
    targets = opening.targets
    listeners = opening.listeners
    try await opening.warmUp()
    try opening.provide()
    try context.provide(targets, as: .connectionPools)
    try context.contribute(PoolRoutes(targets, configuration).routes)
    for check in opening.healthChecks { try context.contribute(check, to: .healthChecks) }
    try context.contribute(opening.metrics.registry, to: .metrics)
  }

  /// Looks at every target now and then, and lets pools grow and shrink.
  public func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for listener in listeners { group.addTask { await listener.run(bus) } }
      var load = ProcessorLoad()
      _ = load.look(processors())
      while true {
        try await clock.sleep(for: configuration.monitoringInterval)
        targets.scale(processor: load.look(processors()))
        _ = await targets.performHealthCheck()
      }
    }
  }

  /// Looks whether the targets can be reached.
  public static func diagnose(_ configuration: PoolConfiguration) async -> [Diagnosis] {
    await PoolDiagnosis(configuration).findings
  }
}
