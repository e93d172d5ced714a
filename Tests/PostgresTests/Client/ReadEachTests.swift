import Foundation
import MainstayPooling
import Testing

@testable import MainstayPostgres

/// One statement for many values gives what each by itself gives.
@Suite(.timeLimit(.minutes(3))) struct ReadEachTests {
  /// A kind of statement, and whether many of it become one.
  struct Shape: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var merges = true
    let query: @Sendable (Int) -> PostgresQuery
  }

  private static let visits = """
    (SELECT n AS id, n % 7 AS patient, 'note ' || n AS note, timestamptz '2026-01-01' + n * interval '1 hour' AS at,
      n * 1.25 AS amount FROM generate_series(1, 60) AS g (n)) AS visits
    """

  static let shapes = [
    Shape(testDescription: "by key") { "SELECT id, note FROM \(unsafe: visits) WHERE id = \($0)" },
    Shape(testDescription: "an order of its own") {
      "SELECT * FROM \(unsafe: visits) WHERE patient = \($0) ORDER BY at DESC, id LIMIT 3"
    },
    Shape(testDescription: "aggregates") {
      "SELECT count(*), max(amount), \($0)::int AS given FROM \(unsafe: visits) WHERE patient = \($0)"
    },
    Shape(testDescription: "WITH and windows") {
      """
      WITH mine AS (SELECT * FROM \(unsafe: visits) WHERE patient = \($0))
      SELECT id, row_number() OVER (ORDER BY id DESC), (SELECT count(*) FROM mine AS others WHERE others.id > \($0))
      FROM mine ORDER BY id
      """
    },
    Shape(testDescription: "a semicolon") { "SELECT id FROM \(unsafe: visits) WHERE note = \("note \($0)") ;\n" },
    Shape(testDescription: "quotes and comments") {
      """
      SELECT '$1' AS a, $x$ $1 $x$ AS b, E'\\'$1' AS c, "id" /* $2 /* ' */ */ FROM \(unsafe: visits)
      WHERE id = \($0) -- $3 ) '
      """
    },
    Shape(testDescription: "NULL") {
      let note: String? = $0 % 3 == 0 ? nil : "note \($0)"
      return
        "SELECT id, \(note) AS given FROM \(unsafe: visits) WHERE \(note) IS NULL OR note = \(note) ORDER BY id LIMIT 4"
    },
    Shape(testDescription: "every type") {
      """
      SELECT \($0) + 1 AS a, \(Double($0) / 3) AS b, \($0 % 2 == 0) AS c, \(UUID()) IS NULL AS d, \([UInt8](repeating: 7, count: $0)) AS e,
        \(Date(timeIntervalSince1970: Double($0))) AS f, \(PostgresNumeric(integerLiteral: $0)) AS g, \(Int16($0)) AS h, \(String(repeating: "ü'\\", count: $0)) AS i
      """
    },
    Shape(testDescription: "functions that return sets") { "SELECT generate_series(1, \($0 % 4)) AS n" },
    Shape(testDescription: "one place twice") {
      PostgresQuery("SELECT id FROM generate_series(1, 50) AS g (id) WHERE id % 9 = $1 AND id > $1 ORDER BY id", $0)
    },
    Shape(testDescription: "OFFSET and FETCH") {
      "SELECT id FROM \(unsafe: visits) ORDER BY id OFFSET \($0) FETCH FIRST \(2) ROWS ONLY"
    },
    Shape(testDescription: "no columns") { "SELECT FROM \(unsafe: visits) WHERE patient = \($0)" },
    Shape(testDescription: "two columns of one name") {
      "SELECT \($0) AS a, note AS a FROM \(unsafe: visits) WHERE id < 3"
    },
    Shape(testDescription: "UNION") { "(SELECT \($0) AS a) UNION ALL SELECT 2 * \($0) ORDER BY a" },
    Shape(testDescription: "unprepared") { ("SELECT \($0) AS a" as PostgresQuery).unprepared() },
    // A name that the statement has no column for is a row's. A column of the merged one must not come in between.
    Shape(testDescription: "whole rows by their alias") {
      """
      SELECT to_json(n)::text AS a, to_json(p1)::text AS b FROM \(unsafe: visits)
      JOIN (SELECT 1 AS x) AS n ON id > 3 JOIN (SELECT 2 AS y) AS p1 ON patient = \($0)
      """
    },
    Shape(testDescription: "parameters deep inside") {
      """
      WITH RECURSIVE steps AS (SELECT \($0) AS v UNION ALL SELECT v + 1 FROM steps WHERE v < \($0) + 3)
      SELECT v, array(SELECT w FROM (SELECT \($0) * v AS w) AS deep) AS w FROM (SELECT v FROM steps WHERE v <> \($0)) AS part
      ORDER BY v DESC
      """
    },
    Shape(testDescription: "groups and frames") {
      PostgresQuery(
        """
        SELECT k % ($1 + 1) AS part, count(*) FILTER (WHERE k > $1), sum(sum(k)) OVER (ORDER BY k % ($1 + 1) ROWS $1 PRECEDING)
        FROM generate_series(1, 99) AS g (k) GROUP BY k % ($1 + 1) HAVING count(*) > $1 ORDER BY 1
        """, $0)
    },
    Shape(testDescription: "records and a function that returns nothing") {
      "SELECT row(\($0), id)::text AS a, visits::text AS b, pg_sleep(0)::text AS c FROM \(unsafe: visits) WHERE id = \($0)"
    },
    Shape(testDescription: "a thousand rows of each") {
      "SELECT n, n * \($0) AS m FROM generate_series(1, 1000) AS g (n) ORDER BY n DESC"
    },
    Shape(testDescription: "the merged one's name", merges: false) {
      """
      SELECT id FROM (SELECT n AS id, n AS merged_read_1 FROM generate_series(1, 9) AS n) AS Merged_Read WHERE id = \($0)
      """
    },
    Shape(testDescription: "a column without a name", merges: false) { "SELECT id, \($0) FROM \(unsafe: visits)" },
    Shape(testDescription: "a column with a type's name", merges: false) {
      "SELECT \($0)::text, CASE WHEN false THEN 1 ELSE \($0) END"
    },
    Shape(testDescription: "an aggregate over nothing but the value", merges: false) { "SELECT max(\($0)) AS a" },
    Shape(testDescription: "arrays", merges: false) {
      "SELECT id FROM \(unsafe: visits) WHERE id = ANY(\([$0, $0 + 1])) ORDER BY id"
    },
    Shape(testDescription: "no type", merges: false) { "SELECT \(untyped: "\($0)")::int AS a" },
    Shape(testDescription: "a backslash", merges: false) { #"SELECT '\' AS a, \#($0) AS b"# },
    Shape(testDescription: "texts that differ", merges: false) { "SELECT \($0), \(unsafe: "\($0)")" },
    Shape(testDescription: "types that differ", merges: false) {
      $0 == 5 ? PostgresQuery("SELECT $1 AS a", "x") : PostgresQuery("SELECT $1 AS a", $0)
    },
    Shape(testDescription: "no parameters", merges: false) { _ in "SELECT 1 AS a" },
  ]

  @Test(arguments: shapes) func theAnswersAreTheSame(_ shape: Shape) async throws {
    let record = StatementRecord()
    let database = try ClientTools.database(connections: 2, meter: record)
    for format in [PostgresFormat.text, .binary] {
      let queries = (0..<30).map { shape.query($0).answered(in: format) }
      var single: [PostgresResult] = []
      for query in queries { single.append(try await database.execute(query)) }
      for round in 1...2 {
        record.clear()
        let all = try await database.read(all: queries)
        #expect(all.count == 30)
        for (one, other) in zip(single, all) {
          #expect(one.columns.elementsEqual(other.columns))
          #expect(one.count == other.count && one.columnCount == other.columnCount)
          #expect(one.affectedRows == other.affectedRows && one.commandTag == other.commandTag)
          if format == .text { #expect(try cells(one) == cells(other)) }
        }
        let expected = shape.merges ? ["select ok"] : ["batch ok"]
        if round == 2 { #expect(record.all == expected) } else { #expect(record.all.last == expected.last) }
      }
    }
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  private func cells(_ result: PostgresResult) throws -> [[String?]] {
    try result.map { row in try (0..<row.count).map { try row.decode(String?.self, at: $0) } }
  }

  @Test func partsAndTypedRows() async throws {
    struct Visit: Decodable, Equatable {
      var id: Int
      var note: String?
    }
    let record = StatementRecord()
    let database = try ClientTools.database(connections: 1, batchSize: 100, meter: record)
    let results = try await database.read(each: 0..<250) {
      "SELECT id, 'n' || id AS note FROM generate_series(\($0), \($0) + 1) AS g (id) WHERE \($0) <> 7"
    }
    #expect(record.all == ["select ok", "select ok", "select ok"])
    for (number, result) in results.enumerated() where number != 7 {
      let rows = [Visit(id: number, note: "n\(number)"), Visit(id: number + 1, note: "n\(number + 1)")]
      #expect(try result.decode(Visit.self) == rows)
      #expect(try result.decode(Int.self, String.self).map(\.0) == [number, number + 1])
      #expect(try result[1]["note"] as String == "n\(number + 1)")
    }
    #expect(results[7].isEmpty && results[7].columns.map(\.name) == ["id", "note"])
    #expect(throws: PostgresError.self) { try results[8].decode(Int.self, row: 2, column: 0) }
    #expect(throws: PostgresError.self) { try results[8].decode(Int.self, row: 0, column: 2) }
    #expect(try await database.read(each: [Int]()) { "SELECT \($0)" }.isEmpty)
    #expect(try await database.read(each: [3]) { "SELECT \($0)" }[0].decode(Int.self) == [3])
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  /// A result is of use after all others have gone.
  @Test func oneResultKeepsWhatItNeeds() async throws {
    let database = try ClientTools.database(connections: 1)
    var last = try await database.read(each: 0..<100) { "SELECT repeat('x', 1000) || \($0)::text AS a" }.last
    await database.drain(by: .now.advanced(by: .seconds(5)))
    #expect(try last?.decode(String.self).first?.hasSuffix("x99") == true)
    last = nil
  }

  @Test func whoFailsIsNamed() async throws {
    let record = StatementRecord()
    let database = try ClientTools.database(connections: 1, meter: record)
    for _ in 1...2 {
      record.clear()
      do {
        _ = try await database.read(each: 0..<20) { "SELECT 100 / (\($0) - 7) AS a" }
        Issue.record("a division by zero passed")
      } catch let error as PostgresError {
        #expect(error.state == .divisionByZero && error.message.hasPrefix("statement 8 of 20"))
      }
      #expect(record.all == ["select error", "batch error"], "the data is to blame, so it is tried as one each time")
    }
    await #expect(throws: PostgresError.self) {
      try await database.read(each: 0..<2) { "SELECT nothing FROM nowhere WHERE a = \($0)" }
    }
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  /// What the statement may not name by itself it may not name among others either.
  @Test(arguments: ["n", "p1", "merged_read_1", "merged_read_number", "merged_set"])
  func aColumnThatIsNotThereIsAnError(_ name: String) async throws {
    let database = try ClientTools.database(connections: 1)
    do {
      _ = try await database.read(each: 0..<3) { "SELECT \(unsafe: name) AS a FROM pg_class WHERE oid = \($0)::oid" }
      Issue.record("\(name) was found")
    } catch let error as PostgresError {
      #expect(error.state == SQLState("42703"))
    }
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  /// A check constraint, and a limit that counts for each statement: neither says which of them it was.
  @Test func othersErrorsAreAskedForOneByOneToo() async throws {
    let record = StatementRecord()
    let database = try ClientTools.database(
      connections: 1, options: try ClientTools.options().with(serverSetting: "statement_timeout", "400"), meter: record)
    do {
      _ = try await database.read(each: 0..<20) { "SELECT (7 - \($0))::information_schema.cardinal_number AS a" }
      Issue.record("a negative cardinal number passed")
    } catch let error as PostgresError {
      #expect(error.state == .checkViolation && error.message.hasPrefix("statement 9 of 20"))
    }
    record.clear()
    let slow = try await database.read(each: 0..<20) { "SELECT \($0) AS a FROM pg_sleep(0.03 + 0 * \($0))" }
    #expect(try slow.flatMap { try $0.decode(Int.self) } == Array(0..<20))
    #expect(record.all == ["select error", "batch ok"])
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  /// Joined with the values, the rows that no value asks for are divided too.
  @Test func whatFailsOnlyAsOneIsNotTriedAgain() async throws {
    let record = StatementRecord()
    let database = try ClientTools.database(connections: 1, meter: record)
    for tries in [["select error", "batch ok"], ["batch ok"]] {
      record.clear()
      let results = try await database.read(each: 6..<9) {
        "SELECT id FROM generate_series(1, 9) AS g (id) WHERE id = \($0) AND 10 / (id - 5) < 100"
      }
      #expect(try results.map { try $0.decode(Int.self) } == [[6], [7], [8]])
      #expect(record.all == tries)
    }
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  /// Swift takes two spellings of an "é" for equal; the server does not.
  @Test func textsAreComparedByteForByte() async throws {
    let database = try ClientTools.database(connections: 1)
    let spellings = ["\u{E9}", "e\u{301}", "\u{E9}"]
    let queries = spellings.map { "SELECT '\(unsafe: $0)' AS a, \(1) AS b" as PostgresQuery }
    for results in [try await database.read(all: queries), try await database.batch(queries)] {
      let texts = try results.flatMap { try $0.decode(String.self, Int.self).map(\.0) }
      #expect(texts.map { Array($0.utf8) } == spellings.map { Array($0.utf8) })
    }
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  /// An array of them would take much memory at once, and from a gigabyte on the server refuses it.
  @Test func largeParametersGoByThemselves() async throws {
    let record = StatementRecord()
    let database = try ClientTools.database(connections: 1, meter: record)
    let results = try await database.read(each: 0..<2_000) {
      "SELECT length(\(String(repeating: "x", count: $0 == 0 ? 20 << 20 : $0))) AS a"
    }
    #expect(try results.flatMap { try $0.decode(Int.self) } == [20 << 20] + Array(1..<2_000))
    #expect(record.all == ["batch ok"])
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  /// Whether they go as one, as a batch, or as the only one.
  @Test(arguments: [
    "SELECT ended::text AS b, $1 AS a FROM %", "SELECT count(ended) AS b, max($1) AS a FROM %",
    "only one: SELECT ended::text AS b, $1 AS a FROM %",
  ])
  func aLostConnectionIsNoticedByNobody(_ text: String) async throws {
    let connection = try await ClientTools.connect()
    let sequence = try await ClientTools.table(connection, "a int")
    // Ends the first session that asks.
    try await connection.script(
      """
      CREATE SEQUENCE \(sequence)_s;
      CREATE VIEW \(sequence)_v AS
        SELECT CASE WHEN nextval('\(sequence)_s') = 1 THEN pg_terminate_backend(pg_backend_pid()) END AS ended
      """)
    let database = try ClientTools.database(connections: 1)
    let isOne = text.hasPrefix("only one: ")
    let sql = (isOne ? String(text.dropFirst(10)) : text).replacing("%", with: "\(sequence)_v")
    let results = try await database.read(all: (0..<(isOne ? 1 : 5)).map { PostgresQuery(unsafe: sql, $0) })
    #expect(try results.enumerated().allSatisfy { try $1[0]["a"] as Int == $0 })
    await database.drain(by: .now.advanced(by: .seconds(5)))
    connection.close()
  }

  @Test func aDeadlineEndsAllOfThem() async throws {
    let record = StatementRecord()
    let database = try ClientTools.database(connections: 1, meter: record)
    let begun = ContinuousClock.now
    do {
      _ = try await database.read(each: 1...50, deadline: begun.advanced(by: .milliseconds(100))) {
        "SELECT pg_sleep(\($0) * 0.1)::text AS a"
      }
      Issue.record("it did not end")
    } catch let error as PostgresError {
      #expect(error.code == .timedOut)
    }
    #expect(record.all == ["select timeout"], "there is no time for another try")
    #expect(begun.duration(to: .now) < .seconds(5))
    await database.drain(by: .now.advanced(by: .seconds(5)))
  }

  // MARK: Taking apart

  @Test func rowsInAnyOrderComeToTheirSets() throws {
    let merged = try BlockingConnection().query(
      "VALUES ('b1', 2::int8), ('a1', 1), (NULL, 4), ('b2', 2), ('d2', 4), ('', 6)")
    let sets = try merged.sets(6)
    #expect(try sets.map { try $0.decode(String?.self) } == [["a1"], ["b1", "b2"], [], [nil, "d2"], [], [""]])
    #expect(sets.allSatisfy { $0.columnCount == 1 })
  }

  @Test(arguments: ["SELECT 1::int8", "SELECT 7::int8", "SELECT 0::int8", "SELECT NULL::int8", "SELECT 'x'", "SELECT"])
  func answersWithoutASetAreRefused(_ sql: String) throws {
    let result = try BlockingConnection().query(PostgresQuery(unsafe: sql))
    if sql == "SELECT 1::int8" {
      #expect(try result.sets(6)[0].count == 1)
    } else {
      #expect(throws: PostgresError.self) { try result.sets(6) }
    }
  }
}
