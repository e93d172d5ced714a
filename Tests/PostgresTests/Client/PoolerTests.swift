import MainstayPooling
import MainstayReactor
import MainstayTesting
import Testing

@testable import MainstayPostgres

/// Through PgBouncer in transaction mode: each transaction may meet another server connection, and what one client has
/// prepared is not there, or is another client's.
@Suite(.serialized, .timeLimit(.minutes(2)), .enabled(if: PgBouncer.program != nil, "pgbouncer is not installed"))
struct PoolerTests {
  /// `statement_cache: 0`, as the README says: everything works, and nothing is lost on the way.
  @Test func everythingWorksWithoutNamedStatements() async throws {
    try await withPooler(statementCache: 0) { trial in
      let database = trial.database
      try await trial.useConcurrently()
      #expect(try await trial.preparedStatements() == 0)
      let name = try await trial.table("id int4, name text")
      let rows: [PostgresQuery] = (1...100).map { "INSERT INTO \(identifier: name) VALUES (\($0), \("row \($0)"))" }
      #expect(try await database.batch(rows).count == 100)
      try await database.withConnection { connection in
        var seen = 0
        for try await row in connection.stream("SELECT id FROM \(identifier: name) ORDER BY id") {
          seen += 1
          #expect(try (row[0] as Int) == seen)
        }
        #expect(seen == 100)
        let more = AsyncStream<[UInt8]> { stream in
          for id in 101...200 { stream.yield(Array("\(id)\trow\n".utf8)) }
          stream.finish()
        }
        #expect(try await connection.copyIn("COPY \(name) FROM STDIN", more) == 100)
        let cancelled = await failure {
          try await connection.execute("SELECT pg_sleep(1000)", deadline: .now.advanced(by: .milliseconds(50)))
        }
        #expect(cancelled?.code == .timedOut)
        #expect(try await connection.execute("SELECT 1").count == 1, "the connection is good after a cancellation")
        #expect(connection.role == .primary || connection.role == .unknown)
      }
      #expect(try await database.query("SELECT count(*)::int FROM \(identifier: name)", as: Int.self) == [200])
    }
  }

  /// Left at its default, the cache loses statements. Nobody gets another one's rows, statements and transactions are asked
  /// again by themselves, and after some losses nothing is prepared any more.
  @Test func lostStatementsAreNoticedAndNotRepeatedForEver() async throws {
    try await withPooler(statementCache: 256) { trial in
      try await trial.useConcurrently()
      try await eventually {
        try await trial.useConcurrently()
        return try await trial.connectionsThatPrepare() == 0
      }
    }
  }

  /// Where it is not asked again, the error says what to do.
  @Test func theErrorNamesTheRemedy() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      _ = try await connection.execute("SELECT 1 AS one")
      try await connection.script("BEGIN; DEALLOCATE ALL")
      let error = await failure { try await connection.execute("SELECT 1 AS one") }
      #expect(error?.state == .invalidSQLStatementName)
      #expect(error?.hint?.contains("statement_cache: 0") == true)
      #expect(error?.description.contains("statement_cache: 0") == true)
    }
  }

  @Test func aStartupParameterThatThePoolerRefusesIsNamed() async throws {
    try await withPooler(statementCache: 0) { trial in
      let options = try trial.database.options.with(serverSetting: "statement_timeout", "1000")
      let error = await failure { try await PostgresConnection.connect(options, on: trial.reactor) }
      let told = error.map { PostgresConnectFailure($0, options, options.endpoints[0]).error }
      #expect(told?.message.contains("ignore_startup_parameters") == true, "\(told)")
      let elsewhere = try PostgresOptions(parsing: trial.pooler.connectionString + " dbname=elsewhere")
      let unknown = await failure { try await PostgresConnection.connect(elsewhere, on: trial.reactor) }
      #expect(unknown.map { PostgresConnectFailure.isHopeless($0) } == true, "\(unknown?.message ?? "")")
    }
  }
}

private struct PoolerTrial {
  let database: PostgresDatabase
  let pooler: PgBouncer
  let reactor: Reactor
  /// For looking at the server itself.
  let direct: PostgresConnection

  func table(_ columns: String) async throws -> String { try await ClientTools.table(direct, columns) }

  /// More connections than the pooler has, each with statements of its own under the same numbers.
  func useConcurrently() async throws {
    let name = try await table("id int4, worker int4")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<8 { group.addTask { try await use(name, worker) } }
      try await group.waitForAll()
    }
    let written: PostgresQuery = "SELECT count(*)::int FROM \(identifier: name)"
    #expect(try await direct.execute(written).decode(Int.self) == [8 * 10 * 5])
    try await direct.script("DROP TABLE \(name)")
  }

  private func use(_ table: String, _ worker: Int) async throws {
    for round in 0..<10 {
      // The text differs by worker, so that the same number stands for different statements.
      let query: PostgresQuery = "SELECT \(round)::int4 + \(unsafe: "\(worker * 1_000)")"
      #expect(try await database.query(query, as: Int.self) == [worker * 1_000 + round])
      #expect(try await database.read(query).decode(Int.self) == [worker * 1_000 + round])
      let insert: PostgresQuery = "INSERT INTO \(identifier: table) VALUES (\(round)::int4, \(unsafe: "\(worker)"))"
      try await database.execute(insert)
      _ = try await database.batch([insert, query, insert])
      try await database.transaction(retry: PostgresTransactionRetry(attempts: 20)) { transaction in
        try await transaction.execute(insert)
        #expect(try await transaction.query(query, as: Int.self) == [worker * 1_000 + round])
        try await transaction.execute(insert)
      }
      try await database.withConnection { connection in
        // Several under way at once, each with its own Sync.
        try await withThrowingTaskGroup(of: Int.self) { group in
          for _ in 0..<5 { group.addTask { try await connection.execute(query).decode(Int.self)[0] } }
          for try await value in group { #expect(value == worker * 1_000 + round) }
        }
      }
    }
  }

  /// What the pooler's server connections hold.
  func preparedStatements() async throws -> Int {
    var most = 0
    for _ in 0..<10 {
      let held: PostgresQuery = "SELECT count(*)::int FROM pg_prepared_statements"
      most = max(most, try await database.execute(held.unprepared()).decode(Int.self).first ?? 0)
    }
    return most
  }

  /// How many of the pool's connections still prepare what they are asked.
  func connectionsThatPrepare() async throws -> Int {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<database.settings.max {
        group.addTask {
          try await database.withConnection { connection in
            connection.session.locked { connection.session.statements.keepsStatements }
          }
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
  }
}

private func withPooler(statementCache: Int, _ body: (PoolerTrial) async throws -> Void) async throws {
  try await withBench { bench in
    let pooler = try PgBouncer(bench.server)
    defer { pooler.stop() }
    var settings = PoolSettings()
    (settings.min, settings.max) = (6, 6)
    var connection = PostgresConnectionSettings()
    connection.statementCacheCapacity = statementCache
    (connection.statementTimeout, connection.cancelGrace) = (.ample, .ample)
    let database = try PostgresDatabase(
      name: "pooled", options: try PostgresOptions(parsing: pooler.connectionString), pool: settings,
      connection: connection, reactors: [bench.reactor])
    try await database.warmUp(by: .now.advanced(by: .ample))
    let trial = PoolerTrial(
      database: database, pooler: pooler, reactor: bench.reactor, direct: try await bench.connect())
    try await body(trial)
    await database.drain(by: .now.advanced(by: .ample))
  }
}
