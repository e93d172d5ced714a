import MainstayDevServers
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayTesting
import Synchronization
import Testing

/// A primary and a standby that follows it: who is asked, and what becomes of a pool when one takes over from the other.
@Suite(.serialized, .timeLimit(.minutes(3))) struct FailoverTests {
  @Test func theStandbyTakesOver() async throws {
    try await withCluster { cluster in
      let database = try cluster.database([cluster.primary, cluster.standby], "read-write")
      try await database.warmUp(by: .now.advanced(by: .seconds(20)))
      try await database.execute("CREATE TABLE visits (id int)")
      try await cluster.waitForStandby(toHave: "visits")
      let load = Load(database)
      try await eventually { load.successes > 200 }
      #expect(!cluster.events.contains { if case .generation = $0 { true } else { false } })

      await cluster.primary.kill()
      let killed = ContinuousClock.now
      try await eventually { !database.statistics.isAvailable }
      try await eventually {
        let reason = database.lastConnectError.map { "\($0)" } ?? ""
        return reason.contains(cluster.primary.socketFolder) && reason.contains(cluster.standby.socketFolder)
          && reason.contains("not the primary at present")
      }

      let before = load.successes
      try await cluster.promote()
      let promoted = ContinuousClock.now
      try await eventually { load.successes > before }
      print(
        "failover: first statement \(killed.duration(to: .now)) after the kill, \(promoted.duration(to: .now)) after the promotion"
      )
      try await database.execute("INSERT INTO visits VALUES (1)")
      #expect(try await cluster.place(database) == cluster.standby.dataFolder)
      await load.stop()
      #expect(load.wrong == 0)
      #expect(cluster.events.contains { if case .generation = $0 { true } else { false } }, "the move is told")
      #expect(cluster.events.contains { if case .recovered = $0 { true } else { false } })
      await database.drain(by: .now.advanced(by: .seconds(5)))
    }
  }

  /// The old primary goes on: nobody leaves it, and whoever comes anew finds it where it was.
  @Test func aSecondPrimaryMovesNobody() async throws {
    try await withCluster { cluster in
      let database = try cluster.database([cluster.primary, cluster.standby], "primary")
      try await database.warmUp(by: .now.advanced(by: .seconds(20)))
      try await cluster.promote()
      database.startGeneration(reason: "a test")
      try await eventually { database.statistics.generation == 1 && database.statistics.idle > 0 }
      #expect(try await cluster.place(database) == cluster.primary.dataFolder)
      await database.drain(by: .now.advanced(by: .seconds(5)))
    }
  }

  @Test func theRoleThatIsAskedForIsFound() async throws {
    try await withCluster { cluster in
      let (primary, standby) = (cluster.primary, cluster.standby)
      func role(_ servers: [PostgresServer], _ target: String) async throws -> PostgresRole {
        let database = try cluster.database(servers, target)
        let role = try await database.withConnection { $0.role }
        await database.drain(by: .now.advanced(by: .seconds(5)))
        return role
      }
      #expect(try await role([standby, primary], "read-write") == .primary)
      #expect(try await role([standby, primary], "primary") == .primary)
      #expect(try await role([primary, standby], "standby") == .standby)
      #expect(try await role([primary, standby], "read-only") == .standby)
      #expect(try await role([standby, primary], "any") == .standby)
      #expect(try await role([primary, standby], "prefer-standby") == .standby)
      await standby.kill()
      #expect(try await role([standby, primary], "prefer-standby") == .primary)
      #expect(try await role([primary, standby], "prefer-standby") == .primary)
      let none = try cluster.database([primary, standby], "standby")
      none.start()
      try await eventually { none.lastConnectError.map { "\($0)".contains("a standby is wanted") } == true }
      await none.drain(by: .now)
    }
  }
}

private struct Cluster {
  let primary: PostgresServer
  let standby: PostgresServer
  let reactor: Reactor
  let events = PoolEventList()

  func database(_ servers: [PostgresServer], _ target: String) throws -> PostgresDatabase {
    var settings = PoolSettings()
    (settings.min, settings.max) = (2, 4)
    settings.acquireTimeout = .seconds(20)
    settings.maxConnectBackoff = .milliseconds(200)
    let hosts = servers.map(\.socketFolder).joined(separator: ",")
    let text = "host=\(hosts) user=postgres dbname=postgres target_session_attrs=\(target)"
    return try PostgresDatabase(
      name: "cluster", options: try PostgresOptions(parsing: text), pool: settings, reactors: [reactor],
      observer: { [events] in events.add($0) })
  }

  /// Returns when the standby has repeated that a table was made: it follows some time later.
  func waitForStandby(toHave table: String) async throws {
    let connection = try await PostgresConnection.connect(try PostgresOptions(parsing: standby.url), on: reactor)
    defer { connection.close() }
    try await eventually {
      try await connection.execute("SELECT to_regclass(\(table)) IS NOT NULL").decode(Bool.self) == [true]
    }
  }

  /// Makes the standby a primary, and returns when it is one.
  func promote() async throws {
    let connection = try await PostgresConnection.connect(try PostgresOptions(parsing: standby.url), on: reactor)
    #expect(try await connection.execute("SELECT pg_promote(true, 60)").decode(Bool.self) == [true])
    connection.close()
  }

  /// The folder of the server that the database's connections lead to.
  func place(_ database: PostgresDatabase) async throws -> String? {
    try await database.query("SELECT current_setting('data_directory')", as: String.self).first
  }
}

private func withCluster(_ body: (Cluster) async throws -> Void) async throws {
  try await withDevServer(try await PostgresServer.start()) { primary in
    try await withDevServer(try await primary.startStandby()) { standby in
      let reactor = try Reactor(name: "test")
      defer { reactor.shutdown() }
      try await body(Cluster(primary: primary, standby: standby, reactor: reactor))
    }
  }
}
