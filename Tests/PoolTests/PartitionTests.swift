import MainstayCapabilities
import MainstayDevServers
import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayRedis
import MainstayTesting
import Testing

@testable import MainstayPool

/// The servers' host vanishes: no answer, no reset, no end of the connection, nothing. Times are printed; what is judged is that
/// nothing takes longer than it may.
@Suite(
  .serialized, .timeLimit(.minutes(3)),
  .enabled(if: FarHost.obstacle == nil, "NOT TESTED HERE: \(FarHost.obstacle ?? "")"))
struct PartitionTests {
  @Test func everythingEndsInTimeAndComesBackByItself() async throws {
    try await withFarServers { trial in
      let (database, redis) = (trial.database, trial.redis)
      let load = Load(database, callers: 4)
      try await eventually { load.successes > 50 }

      let running = Task {
        await ended { try await database.execute("SELECT pg_sleep(60)", deadline: .now + .seconds(2)) }
      }
      let patient = Task { await ended { try await database.execute("SELECT pg_sleep(60)") } }
      let sleeping: PostgresQuery =
        "SELECT count(*)::int FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(60)'"
      try await eventually { try await database.query(sleeping, as: Int.self) == [2] }
      try trial.far.vanish()

      let started = ContinuousClock.now
      let first = try await trial.expectEnd(of: running, "a statement with a deadline of 2 s", after: .seconds(2))
      #expect((first as? PostgresError)?.code == .timedOut || (first as? PostgresError)?.code == .connectionLost)
      try await trial.expectEnd(of: patient, "a statement with query_timeout 3 s", after: .seconds(3))
      let command = Task { await ended { try await redis.send(.get("a")) } }
      try await trial.expectEnd(of: command, "a Redis command with command_timeout 1 s", after: .seconds(1))

      try await eventually { !database.statistics.isAvailable && database.statistics.total == 0 }
      print("partition: every connection given up after \(started.duration(to: .now))")
      try await expectRefusalAtOnce(database, trial.far)
      try await expectHealthTells(trial)
      await load.stop()
      #expect(load.wrong == 0)

      try trial.far.comeBack()
      let back = ContinuousClock.now
      try await timed("partition: the first statement after its end, within") {
        try await eventually { (try? await database.query("SELECT 1", as: Int.self)) == [1] }
      }
      try await timed("partition: the first Redis command after its end, within") {
        try await eventually { (try? await redis.send(.ping())) == "PONG" }
      }
      try await eventually { database.statistics.idle >= database.settings.min }
      #expect(back.duration(to: .now) < .seconds(10), "pauses between two tries are bounded")
      let names = await Set(trial.pools.performHealthCheck().filter { $0.finding.status == .healthy }.map(\.name))
      #expect(names == ["postgres", "redis"])
      #expect(database.statistics.active == 0 && database.statistics.waiting == 0)
    }
  }

  /// What is idle has nothing to send that could stay unacknowledged; if the network is back soon, it has lost nothing.
  @Test func aShortOneCostsIdleConnectionsNothing() async throws {
    try await withFarServers { trial in
      let opened = trial.database.statistics.created
      try trial.far.vanish()
      let call = Task { try await trial.database.query("SELECT 1", as: Int.self) }
      try await eventually { trial.database.statistics.active == 1 }
      try trial.far.comeBack()
      let rows = try await timed("partition: a statement sent in a short one ended after") { try await call.value }
      #expect(rows == [1])
      #expect(try await trial.redis.send(.ping()) == "PONG")
      #expect(trial.database.statistics.created == opened)
    }
  }

  /// Sent data that nobody acknowledges: the system gives the connection up before the statement's own time is over.
  @Test func unacknowledgedDataEndTheConnectionByTCPUserTimeout() async throws {
    try await withFarServers(queryTimeout: "60s") { trial in
      try trial.far.vanish()
      let call = Task { await ended { try await trial.database.execute("SELECT 1") } }
      let error = try await trial.expectEnd(of: call, "unacknowledged data, tcp_user_timeout 2 s", after: .seconds(2))
      #expect((error as? PostgresError)?.code == .connectionLost, "\(error)")
      try trial.far.comeBack()
    }
  }

  private func expectRefusalAtOnce(_ database: PostgresDatabase, _ far: FarHost) async throws {
    func isRefused() async -> (any Error)? {
      let error = await failure { try await database.execute("SELECT 1", deadline: .now + .milliseconds(500)) }
      return (error as? PoolError)?.code == .unavailable ? error : nil
    }
    // Until unavailable_after has passed, callers wait for a connection.
    try await eventually { await isRefused() != nil }
    let begun = ContinuousClock.now
    let error = try #require(await isRefused())
    let waited = begun.duration(to: .now)
    print("partition: a caller is refused after \(waited): \(error)")
    #expect("\(error)".contains(far.address), "the error says whom it cannot reach")
    #expect(waited < .milliseconds(250), "it does not wait for what cannot come")
  }

  private func expectHealthTells(_ trial: FarServers) async throws {
    let health = await timed("partition: a health check of both ended after") { await trial.pools.performHealthCheck() }
    #expect(health.map(\.finding.status) == [.unhealthy, .unhealthy])
    let failed = Set(trial.recorder.events(of: PoolHealthCheckFailed.self).map(\.target))
    #expect(failed == ["postgres", "redis"])
    #expect(trial.recorder.events(of: PoolUnavailable.self).contains { $0.target == "postgres" })
  }
}

/// When and with what a call ended.
private struct Ended: Sendable {
  let error: any Error
  let at: ContinuousClock.Instant
}

private func ended<Value>(_ work: () async throws -> Value) async -> Ended? {
  await failure(work).map { Ended(error: $0, at: .now) }
}

/// A host whose pool reaches its servers over a network that can be cut.
private struct FarServers: Sendable {
  let far: FarHost
  let database: PostgresDatabase
  let redis: RedisClient
  let pools: any ConnectionPools
  let recorder: EventRecorder

  @discardableResult
  func expectEnd(of call: Task<Ended?, Never>, _ name: String, after limit: Duration) async throws -> any Error {
    let begun = ContinuousClock.now
    let ended = try #require(await call.value)
    let took = begun.duration(to: ended.at)
    print("partition: \(name) ended after \(took): \(ended.error)")
    #expect(took < limit + .seconds(2))
    return ended.error
  }
}

private func withFarServers(queryTimeout: String = "3s", _ body: (FarServers) async throws -> Void) async throws {
  try await withDevServer(try await PostgresServer.start()) { postgres in
    try await withDevServer(try await RedisServer.start()) { redis in
      let far = try FarHost()
      let ports = (
        try far.port(to: "\(postgres.socketFolder)/.s.PGSQL.\(postgres.socketPort)"), try far.port(to: redis.socket)
      )
      let manifest = """
        plugins:
          pool:
            monitoring_interval: 1s
            health_timeout: 500ms
            postgres:
              url: "postgresql://postgres@\(far.address):\(ports.0)/postgres?tcp_user_timeout=2000"
              min: 3
              max: 8
              query_timeout: \(queryTimeout)
              connect_timeout: 1s
              acquire_timeout: 5s
              queue: { unavailable_after: 2s }
              connect: { max_backoff: 500ms }
            redis:
              url: "redis://\(far.address):\(ports.1)/0"
              command_timeout: 1s
              connect_timeout: 1s
              required: true
          borrower: {}
        """
      let borrowed = Borrowed()
      try await withHost(borrowed, manifest: manifest) { host in
        let trial = FarServers(
          far: far, database: try #require(borrowed.postgres), redis: try #require(borrowed.redis),
          pools: try #require(borrowed.pools), recorder: EventRecorder(host.events, "pool.*"))
        try await body(trial)
      }
    }
  }
}
