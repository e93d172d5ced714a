import Logging
import MainstayHTTP
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
    provides: [.capability(.httpServer)],
    collects: [.point(.httpRoutes), .point(.httpAuthenticators)],
    events: [HTTPListening.self, HTTPDrained.self])

  private let server: HTTPServer
  private let context: PluginContext

  /// Binds and answers. Throws with the remedy if the address cannot be had.
  public init(configuration: HTTPConfiguration, context: PluginContext) async throws {
    self.context = context
    let table = LiveRoutes(
      try context.contributions(to: .httpRoutes), aliases: configuration.aliases ? .standard : .none,
      logger: context.logger)
    let state = ServingState(.starting)
    let authenticators = try context.contributions(to: .httpAuthenticators)
    let pipeline = RequestPipeline(
      routes: { table.current }, state: state,
      access: AccessControl(authenticators: { authenticators.current.map(\.value) }, remedy: Self.remedy),
      gates: [], bodyLimit: configuration.limits.body.bytes, logger: context.logger)
    let tls = try configuration.tls.map { try TLSContext(certificate: $0.certificate, key: $0.key) }
    let server = try await HTTPServer.listen(
      .init(configuration), pipeline: pipeline, tls: tls, group: MultiThreadedEventLoopGroup.singleton,
      logger: context.logger)
    self.server = server
    // Also when something below throws, nothing stays bound.
    context.onStop { await server.abort() }
    try context.provide(
      HTTPServerInfo(address: server.address, port: server.port, drain: state.drain) { table.current.routes },
      as: .httpServer)
    context.bus.observe(HostReady.self) { _ in state.advance(to: .serving) }
    context.bus.observe(HostDraining.self) { _ in state.advance(to: .leaving) }
    context.bus.publish(HTTPListening(address: server.address, port: server.port))
    context.logger.info("listening on \(server.address)")
  }

  /// Drains: see ``HTTPServer/drain()``.
  public func stop() async {
    let began = context.clock.now
    let report = await server.drain()
    context.bus.publish(
      HTTPDrained(
        duration: began.duration(to: context.clock.now), finished: report.finished, abandoned: report.abandoned))
  }

  /// Told to a caller of a protected route where nobody can be authenticated.
  private static let remedy =
    "This route needs a caller who is known, and the host has no way to know one: configure one under plugins.http."
}

/// The routing table, rebuilt when a plugin contributes or withdraws routes. Read under a lock held for a copy of one
/// reference.
final class LiveRoutes: Sendable {
  private let table = Mutex(RouteTable())

  init(_ contributions: Contributions<Routes>, aliases: PathAliases, logger: Logger) {
    contributions.observe { [weak self] _ in
      // Read under the lock: of two changes at once, the later state is the one that stays.
      let rejected = self?.table.withLock { table in
        table = RouteTable(contributions.current, aliases: aliases)
        return table.rejected
      }
      for reason in rejected ?? [] { logger.error("a route is not served: \(reason)") }
    }
  }

  var current: RouteTable { table.withLock { $0 } }
}
