import MainstayDevServers
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayTesting
import Synchronization
import Testing

/// A database of a server of the test's own.
struct DatabaseTrial: Sendable {
  let server: PostgresServer
  let database: PostgresDatabase
  let events: PoolEventList
  /// For looking at the server from outside of the pool.
  let observer: PostgresConnection

  /// Runs a test with a server, a pool and a connection beside it.
  static func run(
    _ change: (inout PoolSettings, inout PostgresConnectionSettings) -> Void = { _, _ in },
    _ body: (DatabaseTrial) async throws -> Void
  ) async throws {
    try await withDevServer(try await PostgresServer.start()) { server in
      let reactor = try Reactor(name: "test")
      defer { reactor.shutdown() }
      var settings = PoolSettings()
      (settings.min, settings.max) = (2, 4)
      settings.acquireTimeout = .seconds(20)
      settings.maxConnectBackoff = .milliseconds(500)
      var connection = PostgresConnectionSettings()
      change(&settings, &connection)
      let events = PoolEventList()
      let options = try PostgresOptions(parsing: server.url)
      let sockets = openSockets()
      let database = try PostgresDatabase(
        name: "test", options: options, pool: settings, connection: connection, reactors: [reactor],
        observer: { events.add($0) })
      try await database.warmUp(by: .now.advanced(by: .seconds(20)))
      let observer = try await PostgresConnection.connect(options, on: reactor)
      let trial = DatabaseTrial(server: server, database: database, events: events, observer: observer)
      do {
        try await body(trial)
      } catch {
        await database.drain(by: .now)
        throw error
      }
      await database.drain(by: .now.advanced(by: .seconds(5)))
      #expect(database.statistics.total == 0)
      observer.close()
      try await eventually { openSockets() <= sockets }
    }
  }

  /// The server's sessions but the observer's, in a state; empty for all.
  func sessions(_ state: String = "") async throws -> Int {
    let query: PostgresQuery = """
      SELECT count(*)::int FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND \(state) IN ('', state)
      """
    return try await observer.execute(query).decode(Int.self).first ?? -1
  }

  /// Everything is as it was: no use left, no transaction open, not more sessions than allowed.
  func expectWhole(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    try await eventually { database.statistics.active == 0 && database.statistics.waiting == 0 }
    try await eventually { try await sessions("idle in transaction") == 0 }
    try await eventually { try await sessions() <= database.settings.max }
    #expect(try await database.query("SELECT 7", as: Int.self) == [7], sourceLocation: sourceLocation)
  }
}

/// What a pool has told.
final class PoolEventList: Sendable {
  private let list = Mutex<[PoolEvent]>([])

  var all: [PoolEvent] { list.withLock { $0 } }
  func add(_ event: PoolEvent) { list.withLock { $0.append(event) } }
  func contains(_ fits: (PoolEvent) -> Bool) -> Bool { all.contains(where: fits) }
}

/// How long something took, printed under a name.
func timed<Value>(_ name: String, _ work: () async throws -> Value) async rethrows -> Value {
  let start = ContinuousClock.now
  defer { print("\(name): \(start.duration(to: .now))") }
  return try await work()
}

/// The error that a piece of work ends with.
func failure<Value>(_ work: () async throws -> Value) async -> (any Error)? {
  do {
    _ = try await work()
    return nil
  } catch {
    return error
  }
}
