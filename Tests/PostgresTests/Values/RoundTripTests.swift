import Foundation
import MainstayKernel
import MainstayPostgres
import MainstayTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct RoundTripTests {
  private func random<Value: FixedWidthInteger>(_ type: Value.Type, _ random: inout SeededGenerator) -> [Value] {
    [.min, .max, 0, 1] + (0..<20).map { _ in .random(in: .min ... .max, using: &random) }
  }

  @Test func integers() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 1)
    try connection.expectRoundTrips(random(Int.self, &generator), as: "int8")
    try connection.expectRoundTrips(random(Int64.self, &generator), as: "int8")
    try connection.expectRoundTrips(random(Int32.self, &generator), as: "int4")
    try connection.expectRoundTrips(random(Int16.self, &generator), as: "int2")
    try connection.expectRoundTrips(random(Int8.self, &generator), as: "int2")
    try connection.expectRoundTrips(random(UInt32.self, &generator), as: "int8")
    try connection.expectRoundTrips(random(UInt16.self, &generator), as: "int4")
    try connection.expectRoundTrips([0, 1, UInt(Int.max)], as: "int8")
    try connection.expectRoundTrips([0, 1, UInt64(Int.max)], as: "int8")
    try connection.expect("VALUES (0::oid), (4294967295::oid)", reads: [UInt32(0), .max])
    try connection.expect("VALUES (5::int2), (255::int2)", reads: [UInt8(5), 255])
    try connection.expect("SELECT sum(n) FROM (VALUES (9223372036854775806::int8), (1)) AS t (n)", reads: [Int.max])
  }

  @Test func floatingPoint() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 2)
    let doubles: [Double] = (0..<50).map { _ in Double(bitPattern: generator.next()) }.filter { !$0.isNaN }
    try connection.expectRoundTrips(
      doubles + [0, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .pi], as: "float8")
    let floats = (0..<50).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())) }
    try connection.expectRoundTrips(
      floats.filter { !$0.isNaN } + [0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude],
      as: "float4")
    let nan: PostgresQuery = "SELECT \(Double.nan), \(Float.nan)"
    let row = try #require(try connection.query(nan).decode(Double.self, Float.self).first)
    #expect(row.0.isNaN && row.1.isNaN)
    try connection.expect("VALUES (1.5::numeric), ('-Infinity'), (1e400)", reads: [1.5, -Double.infinity, .infinity])
    try connection.expect("VALUES (9007199254740992::int8), (-3)", reads: [9_007_199_254_740_992.0, -3])
  }

  @Test func texts() throws {
    let connection = try BlockingConnection()
    let texts = [
      "", " ", "NULL", "null", "héllo", "👩‍⚕️ \u{301}", "\"quoted\" \\ back", "{a,b}", "a,b", "\u{10FFFF}",
      "\n\t\r\u{7F}\u{1}",
      String(repeating: "x", count: 100_000),
    ]
    try connection.expectRoundTrips(texts, as: "text")
    try connection.expectRoundTrips(texts, as: "varchar")
    try connection.expect("SELECT 'ab'::bpchar(4)", reads: ["ab  "])
    try connection.expect("SELECT 'x'::\"char\"", reads: ["x"])
    try connection.expect("SELECT 'é'::name", reads: ["é"])
  }

  @Test func booleansAndBytes() throws {
    let connection = try BlockingConnection()
    try connection.expectRoundTrips([true, false], as: "bool")
    try connection.expectRoundTrips([[], [0], [0, 255, 92, 34], Array(0...255)] as [[UInt8]], as: "bytea")
  }

  @Test func identifiers() throws {
    let connection = try BlockingConnection()
    let ids = (0..<20).map { _ in UUID() } + [UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))]
    try connection.expectRoundTrips(ids, as: "uuid")
    for id in ids {
      #expect(try connection.query("SELECT \(id)::text").decode(String.self) == [id.uuidString.lowercased()])
    }
  }

  @Test func enumerations() throws {
    enum Mood: String, PostgresCodable { case fine, notSo = "not \"so\", \\ fine" }
    enum Level: Int, PostgresCodable { case low = 1, high = 9 }
    let connection = try BlockingConnection()
    _ = try connection.query("CREATE TYPE pg_temp.mood AS ENUM ('fine', 'not \"so\", \\ fine')")
    try connection.expectRoundTrips([Mood.fine, .notSo], as: "pg_temp.mood")
    try connection.expectRoundTrips([Mood.fine, .notSo], as: "text")
    try connection.expectRoundTrips([Level.low, .high], as: "int8")
    #expect(throws: PostgresError.self) { try connection.query("SELECT 'other'").decode(Mood.self) }
    #expect(throws: PostgresError.self) { try connection.query("SELECT 2").decode(Level.self) }
  }

  @Test func documents() throws {
    struct Visit: Codable, Hashable, Sendable {
      var at: Date
      var notes: [String: Int?]
    }
    let connection = try BlockingConnection()
    let documents: [JSONValue] = [
      nil, true, 1, -9_223_372_036_854_775_808, 1.5, "é \" \\ \n", [], [1, nil, [2]], ["a": ["b": []], "": "x"],
    ]
    try connection.expectRoundTrips(documents, as: "jsonb")
    try connection.expectRoundTrips(documents, as: "json")
    let visits = [PostgresJSON(Visit(at: Date(timeIntervalSince1970: 1_700_000_000.25), notes: ["a": 1, "b": nil]))]
    try connection.expectRoundTrips(visits, as: "jsonb")
    try connection.expect(
      "SELECT json_build_object('at', timestamptz '2023-11-14 22:13:20.25+00', 'notes', json '{\"a\":1,\"b\":null}')",
      reads: visits)
    try connection.expect("SELECT jsonb '{\"a\": [1]}'", reads: ["{\"a\": [1]}"])
  }

  @Test func arraysOfSeveralDimensionsAreRefused() throws {
    let connection = try BlockingConnection()
    for format in [PostgresFormat.binary, .text] {
      let result = try connection.query(PostgresQuery("SELECT '{{1,2},{3,4}}'::int8[]").answered(in: format))
      let error = #expect(throws: PostgresError.self) { try result.decode([Int].self) }
      #expect(error?.message.contains("several dimensions") == true)
    }
    let error = #expect(throws: PostgresError.self) { try connection.query("SELECT \([[1], [2]])") }
    #expect(error?.code == .encoding)
    #expect(error?.message.contains("several dimensions") == true)
    try connection.expectRoundTrips([[[1, 2], []], [[3]]] as [[[UInt8]]], as: "bytea[]", arrays: false)
    try connection.expect("SELECT '[0:2]={1,2,3}'::int8[]", reads: [[1, 2, 3]])
  }
}
