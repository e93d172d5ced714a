import MainstayReactor
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayPostgres

/// Listening that does not come about says why, and goes on trying.
@Suite(.timeLimit(.minutes(2))) struct ListenerTests {
  /// What an observer was told.
  private final class States: Sendable {
    private let list = Mutex<[PostgresListenState]>([])

    var all: [PostgresListenState] { list.withLock { $0 } }
    func add(_ state: PostgresListenState) { list.withLock { $0.append(state) } }

    var failures: [(error: PostgresError?, count: Int)] {
      all.compactMap { state in
        guard case .interrupted(let error, let count) = state else { return nil }
        return (error as? PostgresError, count)
      }
    }

    var beginnings: Int { all.count { if case .listening = $0 { true } else { false } } }
  }

  private func failures(
    _ count: Int, of database: PostgresDatabase, _ channel: String
  ) async throws -> [(error: PostgresError?, count: Int)] {
    let states = States()
    let reading = Task { for await _ in database.listen(to: [channel], observer: states.add) {} }
    try await eventually { states.failures.count >= count }
    reading.cancel()
    await reading.value
    #expect(states.beginnings == 0)
    return states.failures
  }

  @Test func aChannelThatTheServerRefuses() async throws {
    let database = try ClientTools.database(connections: 1)
    let failures = try await failures(3, of: database, "")
    #expect(failures.prefix(3).map(\.count) == [1, 2, 3])
    #expect(failures[0].error?.state == .syntaxError)
    await database.drain(by: .now)
  }

  @Test func aServerThatIsNotThere() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let options = try PostgresOptions(parsing: "postgresql://app:hunter2@127.0.0.1:1/clinic")
    let database = try PostgresDatabase(name: "gone", options: options, reactors: [reactor])
    let error = try await failures(1, of: database, "news")[0].error
    #expect(error?.code == .connect && error?.message.contains("127.0.0.1:1") == true)
    #expect(error?.message.contains("hunter2") == false)
  }

  /// Not even a server that happens to be where libpq looks when it is told nothing.
  @Test func aDatabaseThatTheHostDoesNotHave() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let database = PostgresDatabase(absent: "postgres", reason: "set DATABASE_URL", reactor: reactor)
    let error = try await failures(1, of: database, "news")[0].error
    #expect(error?.code == .options && error?.message == "set DATABASE_URL")
  }

  @Test(.enabled(if: PgBouncer.program != nil, "pgbouncer is not installed"))
  func aPoolerThatWouldHearForSomebodyElse() async throws {
    try await withBench { bench in
      let pooler = try PgBouncer(bench.server)
      defer { pooler.stop() }
      var settings = PostgresConnectionSettings.patient
      settings.pooler = .transaction
      let database = try PostgresDatabase(
        name: "pooled", options: try PostgresOptions(parsing: pooler.connectionString), connection: settings,
        reactors: [bench.reactor])
      let error = try await failures(1, of: database, "news")[0].error
      #expect(error?.code == .misuse && error?.message.contains("pooler: session") == true)
    }
  }

  @Test func aConnectionThatIsLostIsToldAndOpenedAgain() async throws {
    try await withBench { bench in
      let database = try ClientTools.database(connections: 1)
      let observer = try await bench.connect()
      let (states, channel) = (States(), "lost_\(UInt32.random(in: 0 ... .max))")
      let reading = Task { for await _ in database.listen(to: [channel], observer: states.add) {} }
      try await eventually { states.beginnings == 1 }
      let query: PostgresQuery = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query = \("LISTEN \"\(channel)\"")
        """
      #expect(try await observer.execute(query).decode(Int.self) == [1])
      try await eventually { states.beginnings == 2 }
      #expect(states.failures.first?.error?.state == .adminShutdown)
      reading.cancel()
      await reading.value
      await database.drain(by: .now)
    }
  }
}
