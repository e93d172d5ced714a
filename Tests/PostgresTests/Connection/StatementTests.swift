import MainstayReactor
import Synchronization
import Testing

@testable import MainstayPostgres

@Suite(.timeLimit(.minutes(2))) struct StatementTests {
  @Test func connectsAndSaysWhatItFound() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      #expect(connection.backendProcessID > 0)
      #expect(connection.serverVersion >= 130_000)
      #expect(!connection.isEncrypted)
      #expect(connection.role == .primary)
      #expect(connection.condition == .idle)
      #expect(connection.parameter("client_encoding") == "UTF8")
      #expect(connection.parameter("nonsense") == nil)
      let pid = try await connection.execute("SELECT pg_backend_pid()").decode(Int32.self, row: 0, column: 0)
      #expect(pid == connection.backendProcessID)
    }
  }

  @Test func runsStatementsFromTheReactorAndFromElsewhere() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let here = try await sum(connection)
      let there = try await withTaskExecutorPreference(bench.reactor) { try await sum(connection) }
      #expect(here == 4950)
      #expect(there == 4950)
    }
  }

  private func sum(_ connection: PostgresConnection) async throws -> Int {
    var sum = 0
    for number in 0..<100 { sum += try await connection.execute("SELECT \(number)::int8").decode(row: 0, column: 0) }
    return sum
  }

  /// Many tasks at once, on both sides, on one connection: each gets its own answer.
  @Test func givesEveryCallerItsOwnAnswer() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<32 {
          let preference = task % 2 == 0 ? bench.reactor : nil
          group.addTask(executorPreference: preference) {
            for number in 0..<50 {
              let wanted = task * 1000 + number
              let query: PostgresQuery = "SELECT \(wanted)::int8"
              let result = task % 3 == 0 ? try await connection.read(query) : try await connection.execute(query)
              #expect(try result.decode(Int.self, row: 0, column: 0) == wanted)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(connection.condition == .idle)
    }
  }

  @Test func preparesAStatementOnce() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.statementCacheCapacity = 2
      let connection = try await bench.connect(settings)
      for number in 0..<3 { _ = try await connection.execute("SELECT \(number)::int4 AS a") }
      #expect(try await names(connection) == ["SELECT $1::int4 AS a"])
      for _ in 0..<2 {
        _ = try await connection.execute("SELECT \(1)::int4 AS b")
        _ = try await connection.execute("SELECT \(1)::int4 AS c")
      }
      // The first one was evicted, and the server was told with the next request.
      #expect(try await names(connection) == ["SELECT $1::int4 AS b", "SELECT $1::int4 AS c"])
    }
  }

  @Test func preparesNothingWithoutRoomForNames() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.statementCacheCapacity = 0
      let connection = try await bench.connect(settings)
      #expect(try await connection.execute("SELECT \(7)::int4").decode(Int32.self, row: 0, column: 0) == 7)
      #expect(try await names(connection) == [])
    }
  }

  private func names(_ connection: PostgresConnection) async throws -> [String] {
    let query: PostgresQuery = "SELECT statement FROM pg_prepared_statements WHERE from_sql = false ORDER BY 1"
    let result = try await connection.execute(query.unprepared())
    return try result.indices.map { try result.decode(String.self, row: $0, column: 0) }
  }

  @Test func evictsNothingWithinATransaction() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.statementCacheCapacity = 2
      let connection = try await bench.connect(settings)
      _ = try await connection.execute(("BEGIN" as PostgresQuery).unprepared())
      for number in 0..<9 { _ = try await connection.execute(PostgresQuery(unsafe: "SELECT \(number)")) }
      #expect(connection.condition == .inTransaction)
      _ = try await connection.execute(("COMMIT" as PostgresQuery).unprepared())
      _ = try await connection.execute("SELECT 100")
      #expect(connection.condition == .idle)
      #expect(try await names(connection).count <= 2)
    }
  }

  /// What another session changed makes the plan unfit (0A000); what `DISCARD ALL` dropped is unknown (26000).
  @Test func preparesAgainWhatTheServerHasDropped() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMP TABLE t (a int4); INSERT INTO t VALUES (1)")
      let query: PostgresQuery = "SELECT * FROM t"
      #expect(try await connection.execute(query).columns.count == 1)
      _ = try await connection.execute("ALTER TABLE t ADD COLUMN b text")
      let wider = try await connection.execute(query)
      #expect(wider.columns.map(\.name) == ["a", "b"])
      #expect(try await connection.read(query).columns.count == 2)
      try await connection.script("DEALLOCATE ALL")
      #expect(try await connection.execute(query).columns.count == 2)
      try await connection.script("DEALLOCATE ALL")
      #expect(try await connection.read(query).columns.count == 2)
      try await connection.script("DEALLOCATE ALL")
      var rows = 0
      for try await _ in connection.stream(query) { rows += 1 }
      #expect(rows == 1)
    }
  }

  /// More answers are due when the error comes, so libpq does not say whether a transaction is open.
  @Test func preparesAgainInThePipelineToo() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMP TABLE t (a int4); INSERT INTO t VALUES (1)")
      let query: PostgresQuery = "SELECT * FROM t"
      _ = try await connection.execute(query)
      _ = try await connection.batch([query, query])
      try await connection.script("DEALLOCATE ALL")
      try await withThrowingTaskGroup(of: Int?.self) { group in
        for number in 0..<20 {
          group.addTask(executorPreference: bench.reactor) {
            if number % 4 == 0 { return try? await connection.batch([query, query]).count }
            return try? await connection.execute(query).count
          }
        }
        var counts: [Int?] = []
        for try await count in group { counts.append(count) }
        #expect(counts.count { $0 == 2 } == 5 && counts.count { $0 == 1 } == 15)
        try #require(connection.condition == .idle)
      }
      // Where one unit of the pipeline has begun a transaction, what fails in it is not repeated, also not at its end.
      _ = try await connection.execute(query)
      try await connection.script("DEALLOCATE ALL")
      try await withThrowingTaskGroup(of: PostgresError?.self) { group in
        for statement in ["BEGIN", "SELECT * FROM t", "ROLLBACK"] {
          group.addTask(executorPreference: bench.reactor) {
            let query = PostgresQuery(unsafe: statement)
            do {
              _ = try await connection.execute(statement == "SELECT * FROM t" ? query : query.unprepared())
              return nil
            } catch {
              return error as? PostgresError
            }
          }
        }
        var errors: [PostgresError] = []
        for try await error in group { if let error { errors.append(error) } }
        #expect(errors.map(\.state) == [.invalidSQLStatementName])
      }
    }
  }

  @Test func doesNotRepeatWithinATransaction() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let query: PostgresQuery = "SELECT 1 AS one"
      _ = try await connection.execute(query)
      try await connection.script("BEGIN; DEALLOCATE ALL")
      let error = await failure { try await connection.execute(query) }
      #expect(error?.state == .invalidSQLStatementName)
      #expect(connection.condition == .inFailedTransaction)
      try await connection.reset()
      #expect(connection.condition == .idle)
      #expect(try await connection.execute(query).count == 1)
    }
  }

  @Test func errorsLeaveTheConnectionGood() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let syntax = await failure { try await connection.execute("SELEKT 1") }
      #expect(syntax?.state == .syntaxError)
      let division = await failure { try await connection.execute("SELECT 1 / \(0)::int4") }
      #expect(division?.state == .divisionByZero)
      #expect(division?.code == .server)
      let parameters = await failure { try await connection.execute("SELECT \("a\0b")") }
      #expect(parameters?.code == .encoding)
      let text = await failure { try await connection.execute(PostgresQuery(unsafe: "SELECT 1\0, 2")) }
      #expect(text?.code == .encoding)
      #expect(try await connection.execute("SELECT 5").decode(Int32.self, row: 0, column: 0) == 5)
      #expect(connection.condition == .idle)
    }
  }

  @Test func anErrorInThePipelineIsItsOwn() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
        for number in 0..<20 {
          group.addTask {
            let divisor = number == 7 || number == 8 ? 0 : 1
            let result = try? await connection.execute("SELECT \(number)::int4 / \(divisor)::int4")
            return (number, (try? result?.decode(Int32.self, row: 0, column: 0)) == Int32(number))
          }
        }
        return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
      }
      #expect(outcomes.filter { !$0.value }.keys.sorted() == [7, 8])
    }
  }

  @Test func copyAsAStatementIsRefused() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let error = await failure { try await connection.execute("COPY (SELECT 1) TO STDOUT") }
      #expect(error?.code == .misuse)
      #expect(connection.condition == .closed)
    }
  }

  @Test func scriptsRunSeveralStatements() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let results = try await connection.script("SELECT 1 AS a; SELECT 2 AS b UNION SELECT 3")
      #expect(results.map(\.count) == [1, 2])
      let error = await failure { try await connection.script("CREATE TEMP TABLE s (a int); SELECT 1/0") }
      #expect(error?.state == .divisionByZero)
      let copy = await failure { try await connection.script("COPY pg_class TO STDOUT") }
      #expect(copy?.code == .misuse)
      let input = await failure { try await connection.script("CREATE TEMP TABLE u (a int); COPY u FROM STDIN") }
      #expect(input?.code == .misuse)
      #expect(connection.condition == .idle)
      #expect(try await connection.execute("SELECT 1").count == 1)
    }
  }

  @Test func refusesMoreThanTheQueueHolds() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.queueLimit = 10
      let connection = try await bench.connect(settings)
      let refused = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<30 {
          group.addTask {
            do {
              _ = try await connection.execute("SELECT pg_sleep(0.05)")
              return 0
            } catch {
              return (error as? PostgresError)?.code == .misuse ? 1 : 100
            }
          }
        }
        return await group.reduce(0, +)
      }
      #expect((1...20).contains(refused))
      #expect(connection.condition == .idle)
    }
  }
}
