import MainstayDevServers
import MainstayInstruments
import MainstayKernel
import MainstayPostgres
import MainstayRedis
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayPool

/// What a host with real servers exports.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PoolMetricsTests {
  @Test func countsWhatIsAskedOfTheServers() async throws {
    let reader = Reader()
    try await withServers(reader, pool: "{ postgres: { max: 4 } }") { _ in
      let database = try #require(reader.postgres)
      let redis = try #require(reader.redis)
      try await database.execute("CREATE TABLE rooms (name text PRIMARY KEY)")
      try await database.execute("INSERT INTO rooms VALUES (\("a"))")
      let refusal = await failure { try await database.execute("INSERT INTO rooms VALUES (\("a"))") }
      #expect(refusal is PostgresError)
      for _ in 0..<3 { _ = try await database.read("  select name FROM rooms") }
      _ = try await database.batch(["SELECT 1", "SELECT 2"])
      let late = await failure {
        try await database.execute("SELECT pg_sleep(20)", deadline: .now.advanced(by: .milliseconds(50)))
      }
      #expect(late is PostgresError)
      try await database.withConnection { connection in
        for try await _ in connection.stream("SELECT generate_series(1, 10)") {}
        for try await _ in connection.stream("DELETE FROM rooms RETURNING name") { break }
      }
      try await redis.keep("a", "1")
      _ = try await redis.send(.get("a"))
      _ = try await redis.send(.get("b"))
      _ = await failure { try await redis.send(RedisCommand<Int>("INCR", "a", "b")) }
      _ = try await redis.pipeline(.get("a"), .get("a"))

      // A stream that is left early is told of by whoever lets go of it.
      try await eventually { reader.statements("delete", "cancelled") == 1 }
      #expect(reader.statements("insert", "ok") == 1 && reader.statements("insert", "error") == 1)
      #expect(reader.statements("select", "timeout") == 1 && reader.statements("batch", "ok") == 1)
      #expect(reader.statements("other", "ok") == 1, "CREATE TABLE")
      #expect(reader.statements("update", "ok") == 0)
      // The pool asks now and then by itself.
      #expect(try #require(reader.statements("select", "ok")) >= 4)
      let durations = #"database_operation_duration_seconds_count{target="postgres",operation="insert"}"#
      #expect(reader.value(durations) == 2)
      let slow = #"database_operation_duration_seconds_bucket{target="postgres",operation="select",le="0.025"}"#
      let all = #"database_operation_duration_seconds_bucket{target="postgres",operation="select",le="+Inf"}"#
      #expect(try #require(reader.value(all)) > (try #require(reader.value(slow))), "the one that slept took longer")

      #expect(reader.value(#"redis_operations_total{target="redis",operation="write",outcome="error"}"#) == 1)
      #expect(reader.value(#"redis_operations_total{target="redis",operation="write",outcome="ok"}"#) == 1)
      #expect(reader.value(#"redis_operations_total{target="redis",operation="pipeline",outcome="ok"}"#) == 1)
      #expect(reader.value(#"redis_operation_duration_seconds_count{target="redis",operation="read"}"#) == 2)
      #expect(reader.value(#"cache_hit_rate{cache="redis"}"#) == 0.5)
      #expect(reader.value(#"redis_connections{target="redis",kind="shared"}"#) == 1)
      #expect(!reader.text.contains("rooms") && !reader.text.contains("pg_sleep"), "no statement's text gets out")
    }
  }

  @Test func tellsHowThePoolIs() async throws {
    let reader = Reader()
    let pool = "{ postgres: { min: 2, max: 2, acquire_timeout: 200ms, leaks: { warn_after: 10ms }, listen: [a] } }"
    try await withServers(reader, pool: pool) { kernel in
      let database = try #require(reader.postgres)
      #expect(reader.value(#"db_pool_size_total{target="postgres"}"#) == 2)
      #expect(reader.text.contains("# TYPE db_pool_size_total untyped"))
      #expect(reader.value(#"db_pool_limit{target="postgres"}"#) == 2)
      #expect(reader.value(#"db_pool_available{target="postgres"}"#) == 1)
      #expect(reader.value(#"db_pool_connections_opened_total{target="postgres"}"#) == 2)
      try await eventually { reader.value(#"db_pool_listening{target="postgres"}"#) == 1 }
      try await database.withConnection { _ in
        try await database.withConnection { _ in
          #expect(reader.value(#"database_connections_active{target="postgres"}"#) == 2)
          #expect(reader.value(#"db_pool_size_idle{target="postgres"}"#) == 0)
          #expect(reader.value(#"db_pool_utilisation_ratio{target="postgres"}"#) == 1)
          let refusal = await Task.detached { await failure { try await database.execute("SELECT 1") } }.value
          #expect(refusal != nil)
          #expect(reader.value(#"db_pool_timeouts_total{target="postgres"}"#) == 1)
          #expect(reader.value(#"db_pool_exhausted_total{target="postgres"}"#) == 1)
          try await eventually { reader.value(#"db_pool_leaks_total{target="postgres"}"#) ?? 0 >= 1 }
        }
      }
      let before = try #require(reader.value(#"db_pool_acquire_duration_seconds_count{target="postgres"}"#))
      #expect(before >= 2)
      #expect(reader.value(#"db_pool_acquire_duration_seconds_bucket{target="postgres",le="0.0001"}"#) == before)
    }
  }

  @Test func whatIsNotThereIsNotExported() async throws {
    let reader = Reader()
    try await Reader.$present.withValue(reader) {
      try await withHost([PoolPlugin.self, ReaderPlugin.self], manifest: "plugins: { pool: {}, reader: {} }") { _ in
        #expect(!reader.text.contains("target="))
      }
    }
  }

  private func withServers(_ reader: Reader, pool: String, _ body: (Kernel) async throws -> Void) async throws {
    try await withDevServer(try await PostgresServer.start()) { postgres in
      try await withDevServer(try await RedisServer.start()) { redis in
        try await Reader.$present.withValue(reader) {
          try await withHost(
            [PoolPlugin.self, ReaderPlugin.self], manifest: "plugins: { pool: \(pool), reader: {} }",
            environment: ["DATABASE_URL": postgres.url, "REDIS_URL": redis.url], body: body)
        }
      }
    }
  }
}

/// What a host exports, and what its pool provides.
private final class Reader: Sendable {
  private struct State {
    var contributions: Contributions<MetricsRegistry>?
    var postgres: PostgresDatabase?
    var redis: RedisClient?
  }

  @TaskLocal static var present: Reader?
  private let state = Mutex(State())

  var postgres: PostgresDatabase? { state.withLock { $0.postgres } }
  var redis: RedisClient? { state.withLock { $0.redis } }

  func take(_ context: PluginContext) throws {
    let contributions = try context.contributions(to: .metrics)
    let (postgres, redis) = (try context.require(.postgres), try context.require(.redis))
    state.withLock { $0 = State(contributions: contributions, postgres: postgres, redis: redis) }
  }

  var text: String {
    let all = state.withLock { $0.contributions }?.current ?? []
    return String(decoding: MetricsScrape(all.map { ($0.plugin, $0.value) }).bytes(as: .prometheusText), as: UTF8.self)
  }

  /// The value of a series, by its name and labels as they are exported.
  func value(_ series: String) -> Double? {
    let line = text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
    return line.flatMap { Double($0.dropFirst(series.utf8.count + 1)) }
  }

  /// How many statements there were.
  func statements(_ operation: String, _ outcome: String) -> Double? {
    value("database_operations_total{target=\"postgres\",operation=\"\(operation)\",outcome=\"\(outcome)\"}")
  }
}

private struct ReaderPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "reader", version: "1.0.0", summary: "Reads what others measure.",
    requires: [.capability(.postgres), .capability(.redis)], collects: [.point(.metrics)])

  init(configuration: NoConfiguration, context: PluginContext) async throws { try Reader.present?.take(context) }
}
