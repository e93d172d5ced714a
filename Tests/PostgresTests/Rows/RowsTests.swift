import Foundation
import MainstayKernel
import MainstayPostgres
import Testing

@Suite struct RowsTests {
  private func table() throws -> PostgresResult {
    try BlockingConnection().query(
      "SELECT n, 'name ' || n AS name, CASE WHEN n < 2 THEN n END AS small FROM generate_series(0, 2) AS t (n)")
  }

  @Test func isACollectionOfRows() throws {
    let result = try table()
    #expect(result.count == 3 && result.columnCount == 3 && result.affectedRows == 3)
    #expect(result.commandTag == "SELECT 3")
    #expect(result.columns.map(\.name) == ["n", "name", "small"])
    #expect(result.columns.map(\.type) == [.int4, .text, .int4])
    #expect(try result.map { try $0[0] as Int } == [0, 1, 2])
    #expect(try result.last?["name"] as String? == "name 2")
    #expect(try result[1].decode(Int.self, at: "small") == 1)
    #expect(try result[2]["small"] as Int? == nil)
    #expect(try result[0].decode(String.self, at: 1) == "name 0")
  }

  @Test func tuplesAndSingleColumns() throws {
    let connection = try BlockingConnection()
    let rows = try table().decode(Int.self, String.self, Int?.self)
    #expect(rows.map(\.0) == [0, 1, 2])
    #expect(rows.map(\.2) == [0, 1, nil])
    #expect(try connection.query("SELECT 'a'").decode(String.self) == ["a"])
    let id = UUID()
    #expect(try connection.query("SELECT \(id)").decode(UUID.self) == [id])
    #expect(try connection.query("SELECT \(nil as String?)").decode(String?.self) == [nil])
    #expect(try connection.query("SELECT 1 WHERE false").decode(Int.self) == [])
    let five = try connection.query("SELECT 1, 2, 3, 4, 5").decode(Int.self, Int.self, Int.self, Int.self, Int8.self)
    #expect(five.first?.4 == 5)
  }

  @Test func errorsSayWhereAndWhatButShowNoValue() throws {
    let connection = try BlockingConnection()
    let result = try connection.query(
      "SELECT n, CASE WHEN n = 1 THEN 'Jane Doe' ELSE '5' END AS patient FROM generate_series(0, 1) AS t (n)")
    for format in [PostgresFormat.binary, .text] {
      let result = try connection.query(
        PostgresQuery("SELECT n, 'Jane Doe' AS patient FROM generate_series(0, 1) AS t (n)").answered(in: format))
      let error = #expect(throws: PostgresError.self) { try result.decode(Int.self, Int.self) }
      #expect(error?.code == .decoding)
      #expect(error?.message == "column 'patient' (text) of row 0 cannot be read as Int: this type cannot be read so")
    }
    let null = #expect(throws: PostgresError.self) {
      try connection.query("SELECT 1, NULL::int8 AS n").decode(Int.self, Int.self)
    }
    #expect(
      null?.message == "column 'n' (int8) of row 0 cannot be read as Int: the value is NULL; ask for Int? instead")
    let range = #expect(throws: PostgresError.self) { try connection.query("SELECT 300").decode(UInt8.self) }
    #expect(range?.message.contains("too large") == true && range?.message.contains("300") == false)
    let element = #expect(throws: PostgresError.self) {
      try connection.query("SELECT ARRAY[1, NULL]").decode([Int].self)
    }
    #expect(element?.message.contains("element 1: the value is NULL") == true)
    let counts = #expect(throws: PostgresError.self) { try result.decode(Int.self, String.self, Int.self) }
    #expect(counts?.message == "3 columns were asked for; the result has 2")
    let missing = #expect(throws: PostgresError.self) { try result[0]["patience"] as String }
    #expect(missing?.message == "there is no column 'patience'; the result has: n, patient")
    for (row, column) in [(0, 2), (0, -1), (2, 0), (-1, 0), (Int.max, Int.min)] {
      let outside = #expect(throws: PostgresError.self) { try result[row][column] as Int }
      #expect(outside?.message.contains("2 columns and 2 rows") == true)
    }
  }

  @Test func changesAreCounted() throws {
    let connection = try BlockingConnection()
    #expect(try connection.query("CREATE TEMP TABLE counted (n int)").affectedRows == 0)
    #expect(try connection.query("INSERT INTO counted SELECT generate_series(1, 7)").affectedRows == 7)
    #expect(try connection.query("UPDATE counted SET n = n + 1 WHERE n < 4").affectedRows == 3)
    #expect(try connection.query("DELETE FROM counted RETURNING n").decode(Int.self).count == 7)
  }

  @Test func manyColumnsAreFoundByName() throws {
    let list = (0..<40).map { "\($0) AS c\($0)" }.joined(separator: ", ")
    let result = try BlockingConnection().query(PostgresQuery(unsafe: "SELECT \(list), -1 AS c7"))
    for column in 0..<40 { #expect(try result[0]["c\(column)"] as Int == column) }
  }
}
