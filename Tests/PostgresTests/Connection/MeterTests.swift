import MainstayReactor
import Testing

@testable import MainstayPostgres

@Suite(.timeLimit(.minutes(3))) struct MeterTests {
  @Test(arguments: [
    ("SELECT 1", PostgresOperation.select), ("  \n(select 1)", .select), ("Insert into a", .insert),
    ("UPDATE a", .update), ("delete from a", .delete), ("WITH a AS (SELECT 1) DELETE FROM b", .with),
    ("BEGIN", .transaction), ("commit", .transaction), ("ROLLBACK TO a", .transaction), ("SAVEPOINT a", .transaction),
    ("RELEASE a", .transaction), ("START TRANSACTION", .transaction), ("selects", .other), ("", .other),
    ("-- SELECT\nSELECT 1", .other), ("1SELECT", .other), ("TRUNCATE a", .other), ("sélect", .other),
    ("insertinserted", .other), (" ( ( ", .other),
  ])
  func aStatementIsToldByItsFirstWord(_ sql: String, _ operation: PostgresOperation) {
    #expect(PostgresOperation(sql: sql) == operation)
  }

  @Test func everyWayToAskIsTold() async throws {
    let meter = StatementRecord()
    try await withBench { bench in
      let connection = try await bench.connect(.init(), PostgresConnectionHandlers(meter: meter))
      try await connection.execute("SELECT 1")
      _ = try await connection.read("SELECT 1")
      _ = try await connection.batch(["SELECT 1", "SELECT 2"])
      _ = try await connection.script("CREATE TEMPORARY TABLE rooms (name text); SELECT 1")
      _ = try await connection.copyIn(
        "COPY rooms FROM STDIN",
        AsyncStream { continuation in
          continuation.yield(Array("a\nb\n".utf8))
          continuation.finish()
        })
      for try await _ in connection.copyOut("COPY rooms TO STDOUT") {}
      for try await _ in connection.stream("SELECT * FROM rooms") {}
      _ = await failure { try await connection.execute("SELECT 1/0") }
      _ = await failure { try await connection.copyIn("COPY nowhere FROM STDIN", AsyncStream<[UInt8]> { $0.finish() }) }
      _ = await failure {
        try await connection.execute("SELECT pg_sleep(9)", deadline: .now.advanced(by: .milliseconds(30)))
      }
      #expect(
        meter.all == [
          "select ok", "select ok", "batch ok", "script ok", "copy ok", "copy ok", "select ok", "select error",
          "copy error", "select timeout",
        ])
      #expect(meter.longest >= 30_000_000)
    }
  }
}
