import Logging
import MainstayHTTP
import MainstayInstruments
public import MainstayKernel
import NIOPosix
import Synchronization

/// Serves over HTTP what other plugins contribute.
///
/// It binds in `init`, so it answers while the rest of the host still starts; routes appear as plugins contribute them.
/// Its connections' tasks are not children of `run()`: they end with ``stop()``, which drains.
public struct HTTPPlugin: Plugin {
  /// What the kernel knows of it.
  public static let manifest = PluginManifest(
    name: "http", version: "1.0.0", summary: "Serves routes that plugins contribute, over HTTP/1.1.",
    provides: [.capability(.httpServer)], contributes: [.point(.metrics)],
    collects: [.point(.httpRoutes), .point(.httpAuthenticators)],
    events: [HTTPListening.self, HTTPDrained.self, HTTPAuthenticationFailed.self, HTTPRateLimited.self])

  private let server: HTTPServer
  private let metrics: HTTPMetrics
  private let context: PluginContext

  /// Binds and answers. Throws with the remedy if the address cannot be had.
  public init(configuration: HTTPConfiguration, context: PluginContext) async throws {
    self.context = context
    let table = LiveRoutes(aliases: configuration.aliases ? .standard : .none, logger: context.logger)
    let state = ServingState(.starting)
    let authenticators = try context.contributions(to: .httpAuthenticators)
    let authentication = try await Authentication(
      configuration.auth, environment: context.host.environment,
      contributed: { authenticators.current.map(\.value) }, bus: context.bus, clock: context.clock,
      logger: context.logger)
    let access = AuthenticationAccessRules(configuration.auth.access)
    table.follow(
      try context.contributions(to: .httpRoutes), own: Self.routes(configuration, context, table), access: access)
    let pipeline = RequestPipeline(
      routes: { table.current }, state: state,
      access: AccessControl(
        authenticators: { authentication.authenticators }, remedy: Authentication.remedy),
      gates: [RateLimitEnforcement(configuration.rateLimits, bus: context.bus, clock: context.clock)],
      clientAddress: ClientAddress(configuration).resolver, bodyLimit: configuration.limits.body.bytes,
      logger: context.logger)
    let metrics = try HTTPMetrics(clock: context.clock)
    self.metrics = metrics
    let tls = try configuration.tls.map { try TLSContext(certificate: $0.certificate, key: $0.key) }
    let server = try await HTTPServer.listen(
      .init(configuration), pipeline: pipeline, tls: tls, group: MultiThreadedEventLoopGroup.singleton,
      metrics: metrics, logger: context.logger)
    self.server = server
    // Also when something below throws, nothing stays bound.
    context.onStop { await server.abort() }
    try metrics.follow(context.bus, server.registry)
    try context.contribute(metrics.registry, to: .metrics)
    try context.provide(
      HTTPServerInfo(address: server.address, port: server.port, drain: state.drain) { table.current.routes },
      as: .httpServer)
    context.bus.observe(HostReady.self) { [logger = context.logger] _ in
      state.advance(to: .serving)
      Self.warn(of: access.unmatched(by: table.current.routes.map(\.value)), logger)
    }
    context.bus.observe(HostDraining.self) { _ in state.advance(to: .leaving) }
    context.bus.publish(HTTPListening(address: server.address, port: server.port))
    context.logger.info("listening on \(server.address)")
  }

  /// A rule that holds for nothing may be misspelt, and what it was to protect open.
  private static func warn(of rules: [String], _ logger: Logger) {
    for path in rules {
      logger.warning(
        "no route answers under the path of the rule plugins.http.auth.access.\"\(path)\": check its spelling")
    }
  }

  /// Watches the event loops.
  public func run() async throws {
    try await metrics.watchLag(of: MultiThreadedEventLoopGroup.singleton, clock: context.clock, every: .seconds(5))
  }

  /// Drains: see ``HTTPServer/drain()``.
  public func stop() async {
    let began = context.clock.now
    let report = await server.drain()
    context.bus.publish(
      HTTPDrained(
        duration: began.duration(to: context.clock.now), finished: report.finished, abandoned: report.abandoned))
  }

  /// What the server itself serves.
  private static func routes(
    _ configuration: HTTPConfiguration, _ context: PluginContext, _ table: LiveRoutes
  ) -> Routes {
    let events = EventStreamRoute(configuration.events, bus: context.bus, clock: context.clock, host: context.host)
    let document = OpenAPIRoute(
      host: context.host, version: { table.version }, routes: { table.current.routes })
    return Routes(events.routes.routes + document.routes.routes)
  }

  /// Looks whether the files that the configuration names can be used.
  public static func diagnose(_ configuration: HTTPConfiguration) async -> [Diagnosis] {
    await configuration.auth.diagnose()
  }
}

/// The routing table, rebuilt when a plugin contributes or withdraws routes. Read under a lock held for a copy of one
/// reference.
final class LiveRoutes: Sendable {
  private struct State {
    var table = RouteTable()
    var version = 0
  }

  private let state = Mutex(State())
  private let aliases: PathAliases
  private let logger: Logger

  init(aliases: PathAliases, logger: Logger) {
    self.aliases = aliases
    self.logger = logger
  }

  /// Serves the server's own routes and, from now on, whatever is contributed, with the access that the rules give it.
  func follow(_ contributions: Contributions<Routes>, own: Routes, access: AuthenticationAccessRules) {
    contributions.observe { [weak self] _ in
      self?.rebuild {
        ([Contributed(plugin: "http", value: own)] + contributions.current).map {
          Contributed(plugin: $0.plugin, value: access.applied(to: $0.value))
        }
      }
    }
  }

  private func rebuild(_ routes: () -> [Contributed<Routes>]) {
    // Read under the lock: of two changes at once, the later state is the one that stays.
    let rejected = state.withLock { state in
      state.table = RouteTable(routes(), aliases: aliases)
      state.version += 1
      return state.table.rejected
    }
    for reason in rejected { logger.error("a route is not served: \(reason)") }
  }

  /// The table at this moment.
  var current: RouteTable { state.withLock { $0.table } }

  /// Grows with each change of the table.
  var version: Int { state.withLock { $0.version } }
}
