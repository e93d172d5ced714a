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

  /// Small results of a statement are kept together. Each is still what it is by itself, whatever stands beside it.
  @Test func eachResultIsWhatItIsByItself() async throws {
    try await withBench { bench in
      let connection = try await bench.connect()
      try await connection.script("CREATE TEMPORARY TABLE c (id int, note text)")
      let queries: [PostgresQuery] = (0..<200).map { number in
        switch number % 8 {
        case 0: "SELECT id, 'n' || id AS note FROM generate_series(\(number), \(number + number % 5)) AS g (id)"
        case 1: "SELECT \(number % 3 == 0 ? nil : number) AS id, NULL::text AS note"
        case 2: "SELECT \(number) WHERE false"
        case 3: "SELECT repeat('x', \(Int32(number * 100))), \([UInt8](repeating: 0, count: number))"
        case 4: "SELECT \(number) FROM generate_series(1, 17)"
        case 5: "INSERT INTO c VALUES (\(Int32(number)), 'é') RETURNING id - 1, note"
        case 6: "SELECT \(unsafe: "\(number)") AS a, \(true)"
        default: "SELECT FROM generate_series(1, \(number % 4))"
        }
      }
      for format in [PostgresFormat.binary, .text] {
        let asked = queries.map { $0.answered(in: format) }
        let results = try await connection.batch(asked)
        for (query, result) in zip(asked, results) {
          let alone = try await connection.execute(query)
          #expect(result.commandTag == alone.commandTag && result.affectedRows == alone.affectedRows)
          #expect(result.count == alone.count && result.columns.elementsEqual(alone.columns))
          for (row, other) in zip(result, alone) {
            for column in 0..<alone.columnCount {
              let cells = try [row, other].map { try $0.decode(Cell.self, at: column) }
              #expect(cells[0] == cells[1])
            }
          }
        }
      }
    }
  }

  /// A cell as it came.
  private struct Cell: PostgresDecodable, Equatable {
    var bytes: [UInt8]?

    init(from cell: borrowing PostgresCell) { bytes = Array(cell.bytes) }

    static func decodeNull() -> Cell { Cell(bytes: nil) }

    private init(bytes: [UInt8]?) { self.bytes = bytes }
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
