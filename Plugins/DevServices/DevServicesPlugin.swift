import MainstayCapabilities
public import MainstayKernel

/// Starts private servers for whoever has no address of one: PostgreSQL and Redis, for development and for trying things.
///
/// Nothing is started before somebody asks. Servers listen at sockets that only this user may open, and end with the
/// host, however it ends.
public struct DevServicesPlugin: Plugin {
  /// `dev_services`
  public static let manifest = PluginManifest(
    name: "dev_services", version: "1.0.0",
    summary: "Starts private PostgreSQL and Redis servers for development, where none are given.",
    provides: [.capability(.developmentServers)], contributes: [.point(.healthChecks)],
    events: [DevServerStarted.self, DevServerDied.self, DevServerUnavailable.self])

  private let servers: RunningServers

  /// Offers the servers; starts none.
  public init(configuration: DevServicesConfiguration, context: PluginContext) async throws {
    let servers = RunningServers(ServerMaking(configuration, hostName: context.host.name), context: context)
    self.servers = servers
    try context.provide(servers, as: .developmentServers)
    try context.contribute(
      HealthCheck("servers", in: [], look: { servers.finding() }), to: .healthChecks)
  }

  /// Watches the servers, and brings back one that has died.
  public func run() async throws { try await servers.watch() }

  /// Stops the servers.
  public func stop() async { await servers.stop() }

  /// Looks whether the servers are installed, and whether kept data would have a place.
  public static func diagnose(_ configuration: DevServicesConfiguration) async -> [Diagnosis] {
    DevServicesDiagnosis(configuration).findings
  }
}
