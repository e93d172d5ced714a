import MainstayPostgres
import MainstayReactor
import MainstayResilience
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct TransactionTests {
  private struct Boom: Error {}

  private let never = PostgresTransactionRetry.never
  private let atOnce = PostgresTransactionRetry(attempts: 4, backoff: .none)

  private func values(_ connection: PostgresConnection, _ table: String) async throws -> [Int] {
    try await connection.query("SELECT n FROM \(identifier: table) ORDER BY n", as: Int.self)
  }

  @Test func commitsWhenTheClosureReturns() async throws {
    let connection = try await ClientTools.connect()
    let other = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int")
    let count = try await connection.transaction { transaction in
      try await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(1))")
      _ = try await transaction.batch([
        "INSERT INTO \(identifier: table) VALUES (\(2))", "INSERT INTO \(identifier: table) VALUES (\(3))",
      ])
      #expect(try await values(other, table) == [])
      return try await transaction.query("SELECT count(*) FROM \(identifier: table)", as: Int.self)
    }
    #expect(count == [3])
    #expect(try await values(other, table) == [1, 2, 3])
    #expect(connection.condition == .idle)
  }

  @Test func rollsBackWhenItThrows() async throws {
    let connection = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int")
    await #expect(throws: Boom.self) {
      try await connection.transaction { transaction in
        try await transaction.execute("INSERT INTO \(identifier: table) VALUES (1)")
        throw Boom()
      }
    }
    #expect(connection.condition == .idle)
    #expect(try await values(connection, table) == [])
  }

  @Test func rollsBackWhenItsTaskIsCancelled() async throws {
    let connection = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int")
    let task = Task {
      try await connection.transaction { transaction in
        try await transaction.execute("INSERT INTO \(identifier: table) VALUES (1)")
        withUnsafeCurrentTask { $0?.cancel() }
        try await transaction.execute("INSERT INTO \(identifier: table) VALUES (2)")
      }
    }
    let error = await #expect(throws: PostgresError.self) { try await task.value }
    #expect(error?.code == .cancelled && error?.isIndeterminate == false)
    #expect(connection.condition == .idle)
    #expect(try await values(connection, table) == [])
  }

  @Test func anErrorThatIsSwallowedIsNotACommit() async throws {
    let connection = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int UNIQUE")
    for isFirst in [true, false] {
      let error = await #expect(throws: PostgresError.self) {
        try await connection.transaction { transaction in
          if !isFirst { try await transaction.execute("INSERT INTO \(identifier: table) VALUES (1)") }
          _ = try? await transaction.execute("SELECT 1 / 0")
          _ = try? await transaction.execute("INSERT INTO \(identifier: table) VALUES (2)")
        }
      }
      #expect(error?.state == .divisionByZero)
      #expect(error?.message == "division by zero")
      #expect(try await values(connection, table) == [])
    }
  }

  @Test func savepointsLimitWhatIsLost() async throws {
    let connection = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int UNIQUE")
    try await connection.transaction { transaction in
      await #expect(throws: Boom.self) {
        try await transaction.savepoint { inner in
          try await inner.execute("INSERT INTO \(identifier: table) VALUES (1)")
          throw Boom()
        }
      }
      try await transaction.execute("INSERT INTO \(identifier: table) VALUES (2)")
      try await transaction.savepoint { inner in
        try await inner.execute("INSERT INTO \(identifier: table) VALUES (3)")
        await #expect(throws: PostgresError.self) {
          try await inner.savepoint { innermost in
            try await innermost.execute("INSERT INTO \(identifier: table) VALUES (4)")
            try await innermost.execute("INSERT INTO \(identifier: table) VALUES (2)")
          }
        }
        try await inner.execute("INSERT INTO \(identifier: table) VALUES (5)")
      }
    }
    #expect(try await values(connection, table) == [2, 3, 5])
  }

  @Test func serializationFailuresAreRunAgain() async throws {
    let connection = try await ClientTools.connect()
    let other = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int")
    _ = try await connection.execute("INSERT INTO \(identifier: table) VALUES (0)")
    for retry in [never, atOnce] {
      let attempts = Mutex(0)
      let outcome = await Result {
        try await connection.transaction(.repeatableRead, retry: retry) { transaction in
          _ = try await transaction.query("SELECT n FROM \(identifier: table)", as: Int.self)
          let attempt = attempts.withLock {
            $0 += 1; return $0
          }
          if attempt == 1 { _ = try await other.execute("UPDATE \(identifier: table) SET n = n + 10") }
          try await transaction.execute("UPDATE \(identifier: table) SET n = n + 1")
        }
      }
      if retry == never {
        #expect(throws: PostgresError.self) { try outcome.get() }
        #expect(attempts.withLock { $0 } == 1)
      } else {
        #expect(throws: Never.self) { try outcome.get() }
        #expect(attempts.withLock { $0 } == 2)
      }
    }
    #expect(try await values(connection, table) == [21])
  }

  @Test(arguments: ["40001", "40P01"])
  func attemptsAreLimited(_ state: String) async throws {
    let connection = try await ClientTools.connect()
    let attempts = Mutex(0)
    let error = await #expect(throws: PostgresError.self) {
      try await connection.transaction(retry: atOnce) { transaction in
        attempts.withLock { $0 += 1 }
        try await transaction.execute("SELECT 1")
        try await transaction.execute(
          PostgresQuery(unsafe: "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '\(state)'; END $$"))
      }
    }
    #expect(error?.state == SQLState(state))
    #expect(attempts.withLock { $0 } == 4)
    #expect(connection.condition == .idle)
  }

  @Test func otherErrorsAreNotRunAgain() async throws {
    let connection = try await ClientTools.connect()
    let attempts = Mutex(0)
    await #expect(throws: PostgresError.self) {
      try await connection.transaction(retry: atOnce) { transaction in
        attempts.withLock { $0 += 1 }
        try await transaction.execute("SELECT 1 / 0")
      }
    }
    #expect(attempts.withLock { $0 } == 1)
  }

  @Test func aPlanThatIsOutOfDateIsRunAgain() async throws {
    let connection = try await ClientTools.connect()
    let other = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int")
    let query: PostgresQuery = "SELECT * FROM \(identifier: table)"
    _ = try await connection.execute(query)
    _ = try await other.execute("ALTER TABLE \(identifier: table) ADD m int")
    let columns = try await connection.transaction(retry: atOnce) { try await $0.execute(query).columnCount }
    #expect(columns == 2)
  }

  @Test func constraintsThatAreCheckedAtTheEnd() async throws {
    let connection = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int UNIQUE DEFERRABLE INITIALLY DEFERRED")
    let error = await #expect(throws: PostgresError.self) {
      try await connection.transaction { transaction in
        for _ in 0..<2 { try await transaction.execute("INSERT INTO \(identifier: table) VALUES (1)") }
      }
    }
    #expect(error?.state == .uniqueViolation && error?.isIndeterminate == false)
    #expect(try await values(connection, table) == [])
    #expect(connection.condition == .idle)
  }

  /// The session ends while COMMIT runs a trigger: nobody can know whether it was committed.
  @Test func aCommitThatIsLostIsIndeterminateAndNotRunAgain() async throws {
    let connection = try await ClientTools.connect()
    let other = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int")
    try await connection.script(
      """
      CREATE FUNCTION wait_\(table)() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON \(table) DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait_\(table)();
      """)
    let attempts = Mutex(0)
    async let outcome = Result {
      try await connection.transaction(retry: atOnce) { transaction in
        attempts.withLock { $0 += 1 }
        try await transaction.execute("INSERT INTO \(identifier: table) VALUES (1)")
      }
    }
    let pid = connection.backendProcessID
    while try await other.query(
      "SELECT count(*) FROM pg_stat_activity WHERE pid = \(pid) AND wait_event = 'PgSleep'", as: Int.self) != [1]
    { await Task.yield() }
    _ = try await other.execute("SELECT pg_terminate_backend(\(pid))")
    let result = await outcome
    let error = #expect(throws: PostgresError.self) { try result.get() }
    #expect(error?.isIndeterminate == true)
    #expect(error?.effect == .evictAndRediscover)
    #expect(attempts.withLock { $0 } == 1)
  }

  @Test func aConnectionThatIsLostBeforeCommitLeavesNoDoubt() async throws {
    let connection = try await ClientTools.connect()
    let other = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "n int")
    let error = await #expect(throws: PostgresError.self) {
      try await connection.transaction { transaction in
        try await transaction.execute("INSERT INTO \(identifier: table) VALUES (1)")
        _ = try await other.execute("SELECT pg_terminate_backend(\(connection.backendProcessID))")
        try await transaction.execute("INSERT INTO \(identifier: table) VALUES (2)")
      }
    }
    #expect(error?.isIndeterminate == false)
    #expect(connection.condition == .closed)
    #expect(try await values(other, table) == [])
  }

  @Test func modes() async throws {
    let connection = try await ClientTools.connect()
    for isolation in PostgresTransactionMode.Isolation.allCases {
      let level = try await connection.transaction(PostgresTransactionMode(isolation: isolation, isReadOnly: true)) {
        try await $0.query(
          "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')", as: String.self,
          String.self)
      }
      #expect(level.first?.0 == isolation.rawValue.lowercased())
      #expect(level.first?.1 == "on")
    }
    let error = await #expect(throws: PostgresError.self) {
      try await connection.transaction(.readOnly) { _ = try await $0.execute("CREATE TABLE never (n int)") }
    }
    #expect(error?.state == .readOnlyTransaction && error?.effect == PostgresError.Effect.none)
  }

  @Test func misuseIsSaid() async throws {
    let connection = try await ClientTools.connect()
    let escaped = try await connection.transaction { transaction in
      let nested = await #expect(throws: PostgresError.self) {
        try await transaction.execute("SELECT 1")
        try await connection.transaction { _ = try await $0.execute("SELECT 2") }
      }
      #expect(nested?.code == .misuse && nested?.message.contains("savepoint") == true)
      return transaction
    }
    let after = await #expect(throws: PostgresError.self) { try await escaped.execute("SELECT 1") }
    #expect(after?.code == .misuse && after?.message.contains("has ended") == true)
    try await connection.transaction { _ in }
    #expect(connection.condition == .idle)
  }

  @Test func aDeadlineHoldsForAllAttempts() async throws {
    let connection = try await ClientTools.connect()
    let error = await #expect(throws: PostgresError.self) {
      try await connection.transaction(deadline: .now.advanced(by: .milliseconds(100))) { transaction in
        try await transaction.execute("SELECT pg_sleep(60)")
      }
    }
    #expect(error?.code == .timedOut)
  }

  @Test func concurrentTransfersThroughAPoolLoseNothing() async throws {
    let connection = try await ClientTools.connect()
    let table = try await ClientTools.table(connection, "id int PRIMARY KEY, n int")
    _ = try await connection.execute("INSERT INTO \(identifier: table) SELECT id, 0 FROM generate_series(0, 3) t (id)")
    let database = try ClientTools.database(connections: 4)
    let retry = PostgresTransactionRetry(
      attempts: 1_000, backoff: Backoff(base: .microseconds(100), cap: .milliseconds(5)))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for round in 0..<10 {
            try await database.transaction(.serializable, retry: retry) { transaction in
              let from = (task + round) % 4
              let to = (from + 1) % 4
              let left = try await transaction.query(
                "SELECT n FROM \(identifier: table) WHERE id = \(from)", as: Int.self)
              try await transaction.execute(
                "UPDATE \(identifier: table) SET n = \((left.first ?? 0) - 1) WHERE id = \(from)")
              try await transaction.execute("UPDATE \(identifier: table) SET n = n + 1 WHERE id = \(to)")
            }
          }
        }
      }
      try await group.waitForAll()
    }
    let sum = try await connection.query("SELECT sum(n), sum(abs(n)) FROM \(identifier: table)", as: Int.self, Int.self)
    #expect(sum.first?.0 == 0)
    await database.drain(by: .now + .seconds(5))
  }
}

extension Result where Failure == any Error {
  init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
