import MainstayCapabilities
import MainstayDevServers
import MainstayDevServices
import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayRedis
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayPool

/// The plugin in a real host, with real servers.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PoolPluginTests {
  @Test func keepsTheContractOfPlugins() async throws {
    try await withDevServer(try await PostgresServer.start()) { postgres in
      try await withDevServer(try await RedisServer.start()) { redis in
        try await PluginConformance.check(
          PoolPlugin.self, environment: ["DATABASE_URL": postgres.url, "REDIS_URL": redis.url])
      }
    }
  }

  @Test func givesEveryPluginItsDatabases() async throws {
    let borrowed = Borrowed()
    try await withDevServer(try await PostgresServer.start()) { postgres in
      try await withDevServer(try await RedisServer.start()) { redis in
        let manifest = """
          plugins:
            pool:
              databases:
                archive: { url: "\(postgres.url)", min: 1, max: 3 }
            borrower: {}
          """
        try await withHost(
          borrowed, manifest: manifest,
          environment: ["DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "DB_POOL_MIN": "3", "DB_POOL_MAX": "7"]
        ) { _ in
          let main = try #require(borrowed.postgres)
          #expect(main.settings.min == 3 && main.settings.max == 7)
          #expect(main.statistics.total == 3, "they are open when the host is ready")
          #expect(try await main.query("SELECT 1", as: Int.self) == [1])
          let archive = try #require(borrowed.databases).named("archive")
          #expect(archive.settings.min == 1 && archive.settings.max == 3, "variables are for the default database only")
          #expect(throws: PostgresError.self) { try borrowed.databases?.named("other") }
          let cache = try #require(borrowed.redis)
          try await cache.keep("a", "1")
          let left = try await cache.send(RedisCommand<Int>("TTL", "a"))
          #expect(left > 800 && left <= 900, "REDIS_TTL is 900 s unless it is set")
          let pools = try #require(borrowed.pools)
          #expect(pools.names == ["postgres", "archive", "redis"])
          #expect(pools.stats().map(\.total) == [3, 1, 1])
          let health = await pools.performHealthCheck()
          #expect(health.allSatisfy { $0.finding.status == .healthy && $0.latency != nil })
          #expect(pools.optimizeConnections("archive").map(\.name) == ["archive"])
        }
      }
    }
    #expect(borrowed.postgres?.statistics.total == 0, "everything is closed with the host")
  }

  @Test func startsServersForDevelopmentWhereNoneAreGiven() async throws {
    let borrowed = Borrowed()
    // A server's data are made while the pool starts, which takes its time on a machine that is busy.
    let manifest = "host: { start_timeout: 60s }\nplugins: { dev_services: {}, pool: {}, borrower: {} }"
    try await withHost(borrowed, manifest: manifest, others: [DevServicesPlugin.self]) { _ in
      let rows = try await borrowed.postgres?.query("SELECT 2", as: Int.self)
      #expect(rows == [2])
      #expect(borrowed.redis != nil)
    }
  }

  @Test func whatIsAbsentRefusesEveryCallAndSaysWhatToSet() async throws {
    let borrowed = Borrowed()
    try await withHost(borrowed, manifest: "plugins: { pool: {}, borrower: {} }") { _ in
      let database = try #require(borrowed.postgres)
      let error = await failure { try await database.execute("SELECT 1") }
      #expect("\(error.map { "\($0)" } ?? "")".contains("set plugins.pool.postgres.url or DATABASE_URL"))
      let redis = try #require(borrowed.redis)
      let refusal = await failure { try await redis.send(RedisCommand<String>("PING")) }
      #expect("\(refusal.map { "\($0)" } ?? "")".contains("set plugins.pool.redis.url or REDIS_URL"))
      #expect(borrowed.pools?.names == [])
    }
  }

  @Test func refusesToStartWithoutARequiredDatabaseAndSaysWhatToDo() async throws {
    let url = "postgresql://app:hunter2@127.0.0.1:1/clinic"
    let error = await failure {
      try await withHost(
        Borrowed(), manifest: "plugins: { pool: { start_limit: 500ms, redis: { enabled: false } } }",
        environment: ["DATABASE_URL": url]
      ) { _ in }
    }
    let text = error.map { "\($0)" } ?? ""
    for part in ["127.0.0.1:1", "clinic", "'app'", "Connection refused", "plugins.pool.postgres.required"] {
      #expect(text.contains(part), "\(part) is missing in: \(text)")
    }
    #expect(!text.contains("hunter2"))
  }

  @Test func startsDegradedAndRecoversWhereItMay() async throws {
    let borrowed = Borrowed()
    try await withDevServer(try await PostgresServer.start()) { server in
      await server.kill()
      let manifest = """
        plugins:
          pool:
            redis: { enabled: false }
            postgres: { required: false, connect: { max_backoff: 200ms } }
          borrower: {}
        """
      try await withHost(borrowed, manifest: manifest, environment: ["DATABASE_URL": server.url]) { host in
        let recorder = EventRecorder(host.events, "pool.*")
        let pools = try #require(borrowed.pools)
        try await eventually { pools.stats().first?.isAvailable == false }
        let health = await pools.performHealthCheck()
        #expect(health.first?.finding.status == .unhealthy)
        #expect(recorder.events(of: PoolHealthCheckFailed.self).first?.target == "postgres")
        try await server.restart()
        let recovered = try await timed("recovered after the server serves, within") {
          try await recorder.next(PoolRecovered.self)
        }
        #expect(recovered.target == "postgres")
        let rows = try await borrowed.postgres?.query("SELECT 3", as: Int.self)
        #expect(rows == [3])
      }
    }
  }

  @Test func tellsOfExhaustionAndLeaks() async throws {
    let borrowed = Borrowed()
    try await withDevServer(try await PostgresServer.start()) { server in
      let manifest = """
        plugins:
          pool:
            redis: { enabled: false }
            postgres: { min: 1, max: 1, leaks: { warn_after: 50ms } }
          borrower: {}
        """
      try await withHost(borrowed, manifest: manifest, environment: ["DATABASE_URL": server.url]) { host in
        let recorder = EventRecorder(host.events, "pool.*")
        let database = try #require(borrowed.postgres)
        try await database.withConnection { _ in
          let other = Task.detached { try await database.execute("SELECT 1") }
          let exhausted = try await recorder.next(PoolExhausted.self)
          #expect(exhausted.target == "postgres" && exhausted.active == 1 && exhausted.limit == 1)
          #expect(exhausted.oldestSite?.contains("PoolPluginTests.swift") == true)
          let leak = try await recorder.next(PoolLeakDetected.self)
          #expect(leak.site.contains("PoolPluginTests.swift") && !leak.reclaimed)
          Task.detached { _ = try await other.value }
        }
        _ = try await recorder.next(PoolRelieved.self)
        #expect(recorder.events(of: PoolNearlyExhausted.self).count <= 1)
      }
    }
  }

  @Test func publishesNotifications() async throws {
    let borrowed = Borrowed()
    try await withDevServer(try await PostgresServer.start()) { server in
      let manifest = """
        plugins:
          pool: { redis: { enabled: false }, postgres: { listen: [orders] } }
          borrower: {}
        """
      try await withHost(borrowed, manifest: manifest, environment: ["DATABASE_URL": server.url]) { host in
        let recorder = EventRecorder(host.events, "pool.*")
        let database = try #require(borrowed.postgres)
        try await eventually {
          try await database.execute("NOTIFY orders, 'new'")
          return !recorder.events(of: PoolNotification.self).isEmpty
        }
        let one = try #require(recorder.events(of: PoolNotification.self).first)
        #expect(one.channel == "orders" && one.payload == "new" && one.target == "postgres")
        #expect(recorder.events(of: PoolNotificationGap.self).isEmpty)
        try await database.execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")
        #expect(try await recorder.next(PoolNotificationGap.self).target == "postgres", "what came meanwhile is lost")
      }
    }
  }

  /// The listener has a connection beside the pool's, and the role may have no more than those.
  @Test func channelsThatCannotBeListenedToAreSeen() async throws {
    let borrowed = Borrowed()
    var options = PostgresServer.Options()
    options.accessRules = ["local all all trust"]
    try await withDevServer(try await PostgresServer.start(options)) { server in
      let reactor = try Reactor(name: "test")
      defer { reactor.shutdown() }
      let admin = try await PostgresConnection.connect(try PostgresOptions(parsing: server.url), on: reactor)
      try await admin.execute("CREATE ROLE confined LOGIN CONNECTION LIMIT 1")
      let manifest = """
        plugins:
          pool:
            redis: { enabled: false }
            postgres: { min: 1, max: 1, listen: [orders] }
          borrower: {}
        """
      let url = "postgresql:///postgres?host=\(server.socketFolder)&user=confined"
      try await withHost(borrowed, manifest: manifest, environment: ["DATABASE_URL": url]) { _ in
        let pools = try #require(borrowed.pools)
        try await eventually {
          let finding = await pools.performHealthCheck().first?.finding
          return finding?.status == .degraded && finding?.message?.contains("not listening to 'orders'") == true
            && finding?.message?.contains("too many connections for role") == true
        }
        #expect(pools.stats().first?.figures["listening"] == false)
        try await admin.execute("ALTER ROLE confined CONNECTION LIMIT 5")
        try await eventually { pools.stats().first?.figures["listening"] == true }
        #expect(await pools.performHealthCheck().first?.finding.status == .healthy)
      }
    }
  }

  @Test func replacesEveryConnectionWithoutRefusingAnybody() async throws {
    let borrowed = Borrowed()
    try await withDevServer(try await PostgresServer.start()) { server in
      try await withHost(
        borrowed, manifest: "plugins: { pool: { redis: { enabled: false } }, borrower: {} }",
        environment: ["DATABASE_URL": server.url]
      ) { host in
        let recorder = EventRecorder(host.events, "pool.*")
        let database = try #require(borrowed.postgres)
        let load = Load(database, callers: 8)
        try await eventually { load.successes > 50 }
        database.startGeneration(reason: "a test")
        #expect(try await recorder.next(PoolFailover.self).reason == "a test")
        try await eventually { database.statistics.closed[.generation, default: 0] >= 2 }
        await load.stop()
        #expect(load.failures == 0 && load.wrong == 0)
      }
    }
  }

  @Test func aHostStopsThoughAConnectionIsNeverGivenBack() async throws {
    let borrowed = Borrowed()
    try await withDevServer(try await PostgresServer.start()) { server in
      let manifest = "plugins: { pool: { drain_limit: 200ms, redis: { enabled: false } }, borrower: {} }"
      let stuck = try await withHost(borrowed, manifest: manifest, environment: ["DATABASE_URL": server.url]) { _ in
        let database = try #require(borrowed.postgres)
        let stuck = Task.detached {
          try await database.withConnection { _ in try await Task.sleep(for: .seconds(3_600)) }
        }
        try await eventually { database.statistics.active == 1 }
        return stuck
      }
      #expect(borrowed.postgres?.statistics.total == 0)
      stuck.cancel()
      _ = await stuck.result
    }
  }
}

/// What a plugin of the host was given.
final class Borrowed: Sendable {
  private struct State {
    var postgres: PostgresDatabase?
    var databases: PostgresDatabases?
    var redis: RedisClient?
    var pools: (any ConnectionPools)?
  }

  private let state = Mutex(State())
  @TaskLocal static var present: Borrowed?

  var postgres: PostgresDatabase? { state.withLock { $0.postgres } }
  var databases: PostgresDatabases? { state.withLock { $0.databases } }
  var redis: RedisClient? { state.withLock { $0.redis } }
  var pools: (any ConnectionPools)? { state.withLock { $0.pools } }

  func take(_ context: PluginContext) throws {
    let (postgres, databases) = (try context.optional(.postgres), try context.optional(.postgresDatabases))
    let (redis, pools) = (try context.optional(.redis), try context.optional(.connectionPools))
    state.withLock { $0 = State(postgres: postgres, databases: databases, redis: redis, pools: pools) }
  }
}

/// A plugin that uses what the pool provides.
struct BorrowerPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "borrower", version: "1.0.0", summary: "Uses what the pool provides.",
    uses: [
      .capability(.postgres), .capability(.postgresDatabases), .capability(.redis), .capability(.connectionPools),
    ])

  init(configuration: NoConfiguration, context: PluginContext) async throws { try Borrowed.present?.take(context) }
}

/// A host with the pool and a plugin that uses it.
func withHost<Result>(
  _ borrowed: Borrowed, manifest: String, environment: [String: String] = [:],
  pool: any Plugin.Type = PoolPlugin.self, others: [any Plugin.Type] = [], clock: any HostClock = SystemClock(),
  body: (Kernel) async throws -> Result
) async throws -> Result {
  try await Borrowed.$present.withValue(borrowed) {
    try await MainstayTesting.withHost(
      [pool, BorrowerPlugin.self] + others, manifest: manifest, environment: environment, clock: clock, body: body)
  }
}
