import MainstayPostgres
import Testing

@Suite struct RangeTests {
  private func expectRoundTrips<Bound: PostgresRangeBound>(_ ranges: [PostgresRange<Bound>], as type: String) throws {
    let connection = try BlockingConnection()
    for range in ranges {
      let rows = try connection.query("SELECT \(range)::\(unsafe: type)").decode(PostgresRange<Bound>.self)
      #expect(rows == [range])
    }
    let rows = try connection.query("SELECT \(ranges)::\(unsafe: type)[]").decode([PostgresRange<Bound>].self)
    #expect(rows == [ranges])
  }

  @Test func roundTrips() throws {
    try expectRoundTrips(
      [.empty, .init(lower: .including(1), upper: .excluding(9))] as [PostgresRange<Int>], as: "int8range")
    try expectRoundTrips(
      [.init(lower: .unbounded, upper: .excluding(.min + 1)), .init(lower: .unbounded, upper: .unbounded)]
        as [PostgresRange<Int32>], as: "int4range")
    try expectRoundTrips(
      [.init(lower: .excluding(1), upper: .including(9)), .init(lower: .including(1), upper: .unbounded)]
        as [PostgresRange<PostgresNumeric>], as: "numrange")
    let start = PostgresTimestamp(microsecondsSince2000: 5)
    try expectRoundTrips([.init(lower: .including(start), upper: .excluding(.infinity))], as: "tstzrange")
    let day = PostgresDate(daysSince2000: 7)
    try expectRoundTrips([.init(lower: .including(day), upper: .excluding(.infinity))], as: "daterange")
  }

  @Test func readsWhatTheServerWrites() throws {
    let rows = try BlockingConnection().query("SELECT int8range(1, 5, '[]')").decode(PostgresRange<Int>.self)
    #expect(rows.first?.lower == .including(1) && rows.first?.upper == .excluding(6))
  }
}
