import Logging
import MainstayCapabilities
import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayRedis

/// Makes the targets out of the configuration. Everything is closed again when the plugin stops, or if it does not start.
struct PoolOpening {
  let targets: PoolTargets
  let listeners: [PoolListener]
  let metrics: PoolMetrics
  private let databases: [PostgresTarget]
  private let redis: RedisTarget?
  private let reactors: [Reactor]
  private let configuration: PoolConfiguration
  private let context: PluginContext

  init(_ configuration: PoolConfiguration, _ context: PluginContext) async throws {
    self.configuration = configuration
    self.context = context
    let reactors = try (0..<configuration.reactors).map { try Reactor(name: "pool-\($0)") }
    self.reactors = reactors
    context.onStop { for reactor in reactors { reactor.shutdown() } }
    let clock = HostPoolClock.clock(for: context.clock)
    var databases: [PostgresTarget] = []
    var listeners: [PoolListener] = []
    let sections = try await Self.databases(configuration, context)
    let redisURL = try await Self.redisURL(configuration, context)
    let metrics = try PoolMetrics(
      clock: context.clock, databases: sections.map(\.0), hasRedis: redisURL != nil)
    self.metrics = metrics
    for (name, section, url) in sections {
      let target = try PostgresTarget(
        name, section, url: url, reactors: reactors, clock: clock, metrics: metrics, context: context)
      databases.append(target)
      if let watch = target.listening { listeners.append(PoolListener(database: target.database, watch: watch)) }
    }
    redis = try redisURL.map { url in
      try RedisTarget(
        configuration.redis, url: url, reactor: reactors[reactors.count - 1], metrics: metrics, context: context)
    }
    try metrics.read(databases.map(\.database))
    try metrics.read(listeners.map(\.watch))
    try metrics.read(redis?.client, redis?.meter)
    self.databases = databases
    self.listeners = listeners
    let all: [any PoolTarget] = databases + (redis.map { [$0] } ?? [])
    let targets = PoolTargets(all, healthTimeout: configuration.healthTimeout)
    self.targets = targets
    let limit = configuration.drainLimit
    context.onStop { await targets.close(by: .now.advanced(by: limit)) }
  }

  /// The databases that are configured, the default one first.
  private static func databases(
    _ configuration: PoolConfiguration, _ context: PluginContext
  ) async throws -> [(String, PostgresPoolConfiguration, Secret<String>)] {
    var all: [(String, PostgresPoolConfiguration, Secret<String>)] = []
    let main = configuration.postgres
    if main.enabled {
      let url = try await address(main.url, of: "postgres", variable: "DATABASE_URL", context) {
        try await $0.postgres()
      }
      if let url { all.append(("postgres", main, url)) }
    }
    for name in configuration.databases.keys.sorted() {
      guard let section = configuration.databases[name], section.enabled, let url = section.url else { continue }
      all.append((name, section, url))
    }
    return all
  }

  private static func redisURL(
    _ configuration: PoolConfiguration, _ context: PluginContext
  ) async throws -> Secret<String>? {
    guard configuration.redis.enabled else { return nil }
    return try await address(configuration.redis.url, of: "redis", variable: "REDIS_URL", context) {
      try await $0.redis()
    }
  }

  /// The address that is configured; else that of a server for development; else none, and the log says so.
  private static func address(
    _ configured: Secret<String>?, of target: String, variable: String, _ context: PluginContext,
    _ start: (any DevelopmentServers) async throws -> DevelopmentServer
  ) async throws -> Secret<String>? {
    if let configured { return configured }
    var reason = ""
    if let servers = try context.optional(.developmentServers) {
      do {
        let server = try await start(servers)
        context.logger.notice("\(target): no address is configured; using \(server.name) for development")
        return server.url
      } catch let error as DevelopmentServerUnavailable {
        reason = "; \(error.message)"
      }
    }
    context.logger.warning(
      """
      there is no \(target): give its address as plugins.pool.\(target).url or \(variable), or set \
      plugins.pool.\(target).enabled to false\(reason)
      """)
    return nil
  }

  /// Opens the first connections of all targets at the same time.
  func warmUp() async throws {
    let (limit, context) = (configuration.startLimit, context)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for database in databases { group.addTask { try await database.warmUp(limit, context) } }
      if let redis { group.addTask { try await redis.warmUp(limit, context) } }
      try await group.waitForAll()
    }
  }

  /// Capabilities that the manifest lists must be there; what stands for an absent target refuses every call.
  func provide() throws {
    let main = databases.first { $0.name == "postgres" }?.database
    let absence = Self.absence("postgres", "DATABASE_URL")
    try context.provide(
      main ?? PostgresDatabase(absent: "postgres", reason: absence, reactor: reactors[0]), as: .postgres)
    try context.provide(PostgresDatabases(databases.map(\.database)), as: .postgresDatabases)
    try context.provide(redis?.client ?? absentRedis(), as: .redis)
  }

  /// A client of a socket whose name is the error's text, and where nobody listens.
  private func absentRedis() throws -> RedisClient {
    let client = try RedisClient(
      RedisOptions(.unix(path: "/(\(Self.absence("redis", "REDIS_URL")))")), reactor: reactors[0])
    context.onStop { client.close() }
    return client
  }

  private static func absence(_ target: String, _ variable: String) -> String {
    "this host has no \(target): set plugins.pool.\(target).url or \(variable)"
  }

  var healthChecks: [HealthCheck] {
    let timeout = configuration.healthTimeout
    return targets.targets.map { target in
      HealthCheck(
        target.name.healthName, about: .dependency, in: [.readiness], timeout: timeout + .milliseconds(500)
      ) {
        await target.check(timeout).finding
      }
    }
  }
}

extension String {
  /// A name in `lower_snake_case`.
  fileprivate var healthName: String { String(map { $0 == "-" ? "_" : $0 }) }
}
