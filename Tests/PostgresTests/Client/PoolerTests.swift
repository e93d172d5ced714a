import MainstayPooling
import MainstayReactor
import MainstayTesting
import Testing

@testable import MainstayPostgres

/// Through PgBouncer in transaction mode: each transaction may meet another server connection, and what one client has
/// prepared is not there, or is another client's.
@Suite(.serialized, .timeLimit(.minutes(2)), .enabled(if: PgBouncer.program != nil, "pgbouncer is not installed"))
struct PoolerTests {
  /// `statement_cache: 0` does the same as a pooler that is recognised: everything works, and nothing is lost on the way.
  @Test func everythingWorksWithoutNamedStatements() async throws {
    try await withPooler(.session, statementCache: 0) { trial in
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

  /// Left at its defaults, a connection knows from its process id that it leads to a pooler.
  @Test func thePoolerIsRecognised() async throws {
    try await withPooler { trial in
      try await trial.useConcurrently()
      #expect(try await trial.preparedStatements() == 0)
      #expect(try await trial.connectionsThatPrepare() == 0)
      let direct = trial.direct
      #expect(direct.session.locked { direct.session.statements.keepsStatements })
    }
  }

  /// One connection in a thousand gets a number that could be a process's. It learns from the others what it leads to, even
  /// when it has prepared statements already.
  @Test func aConnectionThatCouldNotTellLearnsItFromTheOthers() async throws {
    try await withBench { bench in
      let sign = PoolerSign()
      var settings = PostgresConnectionSettings.patient
      settings.poolerSign = sign
      let connection = try await bench.connect(settings)
      func ask(_ number: Int) async throws -> [Int] {
        try await connection.execute("SELECT \(number)::int FROM pg_sleep(0.001)").decode(Int.self)
      }
      #expect(try await ask(1) == [1])
      #expect(connection.session.locked { connection.session.statements.count } == 1)
      let pooler = try PgBouncer(bench.server)
      defer { pooler.stop() }
      // A second one may be as unlucky; a hundred are not.
      let pooled = try PostgresOptions(parsing: pooler.connectionString)
      for _ in 0..<100 where !sign.isSeen {
        try await PostgresConnection.connect(pooled, settings: settings, on: bench.reactor).close()
      }
      #expect(sign.isSeen)
      let answered = Counter()
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<50 { group.addTask { answered.add(try await ask(number) == [number]) } }
        var most = 0
        try await eventually {
          most = max(most, connection.session.locked { connection.session.inFlight.count })
          return answered.value == 50
        }
        #expect(most == 1, "nothing overlaps any more")
        for try await isRight in group { #expect(isRight) }
      }
      #expect(connection.session.locked { connection.session.statements.keepsStatements } == false)
    }
  }

  /// Where the pooler is not recognised, statements get lost. They are asked again by themselves, and after some losses
  /// nothing is prepared any more. One caller for each connection, since what overlaps is not safe there.
  @Test func lostStatementsAreNoticedAndNotRepeatedForEver() async throws {
    try await withPooler(.session) { trial in
      try await eventually {
        try await trial.useConcurrently(overlapping: false)
        return try await trial.connectionsThatPrepare() == 0
      }
    }
  }

  /// What is longer than PgBouncer's buffer is passed on in parts, as are reads that have no Sync yet. Whoever sent such
  /// while an answer is due would have others get what is left of it.
  @Test func nobodyGetsWhatIsLeftOfAnother() async throws {
    try await withPooler { trial in
      @Sendable func ask(_ number: Int, _ run: (PostgresQuery) async throws -> PostgresResult) async throws {
        let padding = String(repeating: "x", count: number * 997 % 20_000)
        let result = try await run(("SELECT \(Int32(number)), length(\(padding))" as PostgresQuery).unprepared())
        let row = try result.decode(Int32.self, Int32.self).first
        #expect(row?.0 == Int32(number) && row?.1 == Int32(padding.utf8.count))
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<24 {
          group.addTask {
            for round in 0..<20 {
              let number = worker * 1_000 + round
              if worker % 2 == 0 {
                try await ask(number) { try await trial.database.read($0) }
              } else {
                try await trial.database.withConnection { connection in
                  try await withThrowingTaskGroup(of: Void.self) { overlapping in
                    for part in 0..<6 {
                      overlapping.addTask { try await ask(number + 100 * part) { try await connection.execute($0) } }
                    }
                    try await overlapping.waitForAll()
                  }
                }
              }
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(trial.database.statistics.closed[.broken] == nil)
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
      #expect(error?.hint?.contains("pooler: transaction") == true)
      #expect(error?.description.contains("pooler: transaction") == true)
    }
  }

  @Test func aStartupParameterThatThePoolerRefusesIsNamed() async throws {
    try await withPooler() { trial in
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
  func useConcurrently(overlapping: Bool = true) async throws {
    let name = try await table("id int4, worker int4")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<8 { group.addTask { try await use(name, worker, overlapping: overlapping) } }
      try await group.waitForAll()
    }
    let written: PostgresQuery = "SELECT count(*)::int FROM \(identifier: name)"
    #expect(try await direct.execute(written).decode(Int.self) == [8 * 10 * 5])
    try await direct.script("DROP TABLE \(name)")
  }

  private func use(_ table: String, _ worker: Int, overlapping: Bool) async throws {
    for round in 0..<10 {
      // The text differs by worker, so that the same number stands for different statements.
      let query: PostgresQuery = "SELECT \(round)::int4 + \(unsafe: "\(worker * 1_000)")"
      #expect(try await database.query(query, as: Int.self) == [worker * 1_000 + round])
      let read = overlapping ? try await database.read(query) : try await database.execute(.read(query))
      #expect(try read.decode(Int.self) == [worker * 1_000 + round], "\(read.commandTag), \(read.count) rows")
      let several = try await database.read(all: [query, query])
      #expect(try several.map { try $0.decode(Int.self) } == [[worker * 1_000 + round], [worker * 1_000 + round]])
      let insert: PostgresQuery = "INSERT INTO \(identifier: table) VALUES (\(round)::int4, \(unsafe: "\(worker)"))"
      try await database.execute(insert)
      let batch = try await database.batch([insert, query, insert])
      #expect(try batch.count == 3 && batch[1].decode(Int.self) == [worker * 1_000 + round])
      try await database.transaction(retry: PostgresTransactionRetry(attempts: 20)) { transaction in
        try await transaction.execute(insert)
        #expect(try await transaction.query(query, as: Int.self) == [worker * 1_000 + round])
        try await transaction.execute(insert)
      }
      try await database.withConnection { connection in
        // Several under way at once, each with its own Sync.
        try await withThrowingTaskGroup(of: Int.self) { group in
          for _ in 0..<(overlapping ? 5 : 1) {
            group.addTask { try await connection.execute(query).decode(Int.self)[0] }
          }
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

private func withPooler(
  _ mode: PostgresPooler = .detected, statementCache: Int = 256, _ body: (PoolerTrial) async throws -> Void
) async throws {
  try await withBench { bench in
    let pooler = try PgBouncer(bench.server)
    defer { pooler.stop() }
    var settings = PoolSettings()
    (settings.min, settings.max) = (6, 6)
    var connection = PostgresConnectionSettings.patient
    connection.statementCacheCapacity = statementCache
    connection.pooler = mode
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
