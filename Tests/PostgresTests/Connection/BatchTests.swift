import MainstayReactor
import Testing

@testable import MainstayPostgres

@Suite(.timeLimit(.minutes(2))) struct BatchTests {
  @Test func aBatchIsOneTransaction() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMP TABLE b (a int4 PRIMARY KEY)")
      let good = try await connection.batch((0..<10).map { "INSERT INTO b VALUES (\(Int32($0)))" })
      #expect(good.map(\.affectedRows) == Array(repeating: 1, count: 10))
      let error = await failure {
        try await connection.batch([20, 21, 5, 22].map { "INSERT INTO b VALUES (\(Int32($0)))" })
      }
      #expect(error?.state == .uniqueViolation)
      #expect(error?.message.contains("statement 3 of 4") == true)
      #expect(try await connection.execute("SELECT count(*) FROM b").decode(Int.self, row: 0, column: 0) == 10)
    }
  }

  /// More than both sides' buffers hold: reading goes on while it is written, or both would wait for each other.
  @Test func aLargeBatchDoesNotBlockItself() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let text = String(repeating: "x", count: 20_000)
      let results = try await connection.batch((0..<1500).map { "SELECT \(text), \(Int32($0))" })
      #expect(results.count == 1500)
      #expect(try results[1499].decode(Int32.self, row: 0, column: 1) == 1499)
    }
  }

  @Test func mixesPreparedAndOthers() async throws {
    try await withBench { bench in
      var settings = PostgresConnectionSettings()
      settings.statementCacheCapacity = 2
      let connection = try await bench.connect(settings)
      let queries = (0..<50).map { PostgresQuery(unsafe: "SELECT \($0)::int4, $1::text", "t\($0)") }
      for _ in 0..<2 {
        let results = try await connection.batch(queries)
        let texts = try results.map { try $0.decode(String.self, row: 0, column: 1) }
        #expect(texts == (0..<50).map { "t\($0)" })
      }
      #expect(try await connection.batch([]).isEmpty)
    }
  }

  @Test func aBadParameterSendsNothing() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let error = await failure { try await connection.batch(["SELECT 1", "SELECT \("\0")"]) }
      #expect(error?.code == .encoding)
      #expect(connection.condition == .idle)
    }
  }
}

@Suite(.timeLimit(.minutes(2))) struct SharedReadTests {
  /// All are sent within one tick, so under one Sync. Those behind the bad one are not run at first.
  @Test func aNeighboursErrorIsNotMine() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      let outcomes = await withTaskExecutorPreference(bench.reactor) {
        await withTaskGroup(of: (Int, String).self) { group in
          for number in 0..<40 {
            group.addTask {
              let divisor = number % 10 == 3 ? 0 : 1
              do {
                let result = try await connection.read("SELECT \(number)::int4 / \(divisor)::int4")
                return (number, String(try result.decode(Int32.self, row: 0, column: 0)))
              } catch {
                return (number, (error as? PostgresError)?.state?.rawValue ?? "other")
              }
            }
          }
          return await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
        }
      }
      for number in 0..<40 {
        #expect(outcomes[number] == (number % 10 == 3 ? SQLState.divisionByZero.rawValue : String(number)))
      }
      #expect(connection.condition == .idle)
    }
  }

  /// A write between reads must not become part of their transaction.
  @Test func aWriteHasATransactionOfItsOwn() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMP TABLE w (a int4)")
      await withTaskExecutorPreference(bench.reactor) {
        await withTaskGroup(of: Void.self) { group in
          for number in 0..<30 {
            group.addTask {
              if number % 3 == 1 {
                _ = try? await connection.execute("INSERT INTO w VALUES (\(Int32(number)))")
              } else {
                _ = try? await connection.read("SELECT 1 / \(Int32(number % 3))::int4")
              }
            }
          }
        }
      }
      #expect(try await connection.execute("SELECT count(*) FROM w").decode(Int.self, row: 0, column: 0) == 10)
    }
  }
}
