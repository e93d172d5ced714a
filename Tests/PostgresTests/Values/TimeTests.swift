import Foundation
import MainstayPostgres
import MainstayTesting
import Testing

@Suite struct TimeTests {
  /// The earliest and the latest that the server has (Table "Date/Time Types" of its manual).
  private static let timestamps: [Int64] = [
    -211_813_488_000_000_000, 9_223_371_331_199_999_999, 0, -1, 1, 999_999,
    -62_135_596_800_000_000 - 946_684_800_000_000,
    .min, .max,
  ]

  private func randomTimestamps(_ seed: UInt64) -> [Int64] {
    var generator = SeededGenerator(seed: seed)
    return (0..<100).map { _ in .random(in: -211_813_488_000_000_000...9_223_371_331_199_999_999, using: &generator) }
      + (0..<100).map { _ in .random(in: -3_155_760_000_000_000...3_155_760_000_000_000, using: &generator) }
  }

  @Test(arguments: ["UTC", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia", "Europe/Amsterdam"])
  func instantsInEveryZone(_ zone: String) throws {
    let connection = try BlockingConnection()
    _ = try connection.query("SELECT set_config('TimeZone', \(zone), false)")
    let instants = (TimeTests.timestamps + randomTimestamps(5)).map(PostgresTimestamp.init(microsecondsSince2000:))
    try connection.expectRoundTrips(instants, as: "timestamptz")
    let locals = (TimeTests.timestamps + randomTimestamps(6)).map(PostgresLocalTimestamp.init(microsecondsSince2000:))
    try connection.expectRoundTrips(locals, as: "timestamp")
    if zone == "UTC" {
      for instant in instants {
        #expect(try connection.query("SELECT \(instant)::text").decode(String.self) == [instant.description])
      }
      for local in locals {
        #expect(try connection.query("SELECT \(local)::text").decode(String.self) == [local.description])
      }
    }
  }

  @Test func datesOfFoundation() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 7)
    let dates = (0..<100).map { _ in
      // Whole microseconds from 1757 to 2242, which a Date keeps.
      Date(timeIntervalSinceReferenceDate: (Double.random(in: -7.7e9...7.6e9, using: &generator) * 1e6).rounded() / 1e6)
    }
    for format in [PostgresFormat.binary, .text] {
      for date in dates {
        let row = try connection.query(PostgresQuery("SELECT $1", date).answered(in: format)).decode(Date.self)
        #expect(abs(try #require(row.first).timeIntervalSince(date)) < 1e-6)
      }
    }
    let epoch = try connection.query("SELECT \(Date(timeIntervalSince1970: 0)) = timestamptz '1970-01-01 00:00+00'")
    #expect(try epoch.decode(Bool.self) == [true])
    #expect(throws: PostgresError.self) { try connection.query("SELECT timestamptz 'infinity'").decode(Date.self) }
    for date in [Date(timeIntervalSince1970: .nan), Date(timeIntervalSince1970: 1e300), Date.distantFuture + 1e13] {
      let error = #expect(throws: PostgresError.self) { try connection.query("SELECT \(date)") }
      #expect(error?.code == .encoding)
    }
  }

  /// What PostgresTimestamp says of Date.
  @Test func datesOfFoundationKeepMicrosecondsFrom1757To2242() throws {
    var generator = SeededGenerator(seed: 14)
    let from = try #require(PostgresTimestamp("1757-01-01 00:00:00+00")).microsecondsSince2000
    let to = try #require(PostgresTimestamp("2243-01-01 00:00:00+00")).microsecondsSince2000
    let random = (0..<20_000).map { _ in Int64.random(in: from..<to, using: &generator) }
    for instant in ([from, to - 1] + random).map(PostgresTimestamp.init(microsecondsSince2000:)) {
      let date = try #require(Date(instant))
      if try PostgresTimestamp(date) != instant { Issue.record("\(instant) became \(date.timeIntervalSince1970)") }
    }
  }

  @Test func days() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 8)
    let days: [Int32] =
      [.min, .max, 0, -1, 1, 59, 60, -2_451_545, 2_145_031_948]
      + (0..<300).map { _ in .random(in: -2_451_545...2_145_031_948, using: &generator) }
      + (0..<300).map { _ in .random(in: -800_000...100_000, using: &generator) }
    let dates = days.map(PostgresDate.init(daysSince2000:))
    try connection.expectRoundTrips(dates, as: "date")
    for date in dates {
      #expect(try connection.query("SELECT \(date)::text").decode(String.self) == [date.description])
      guard let (year, month, day) = date.components else { continue }
      #expect(PostgresDate(year: year, month: month, day: day) == date)
    }
    #expect(PostgresDate(year: 2023, month: 2, day: 29) == nil)
    #expect(PostgresDate(year: .max, month: .max, day: .min) == nil)
    #expect(PostgresDate(year: 2024, month: 2, day: 29)?.description == "2024-02-29")
  }

  @Test func timesOfDay() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 9)
    let times =
      ([0, 86_400_000_000, 1, 86_399_999_999]
      + (0..<50).map { _ in
        Int64.random(in: 0...86_400_000_000, using: &generator)
      }).compactMap(PostgresTime.init(microseconds:))
    #expect(times.count == 54)
    try connection.expectRoundTrips(times, as: "time")
    #expect(PostgresTime(hour: 24, minute: 0) == nil)
    #expect(PostgresTime(hour: 9, minute: 30)?.description == "09:30:00")
    #expect(PostgresTime(microseconds: -1) == nil)
  }

  @Test func intervals() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 10)
    let extremes: [PostgresInterval] = [
      PostgresInterval(), PostgresInterval(months: 1), PostgresInterval(days: -1), PostgresInterval(microseconds: -1),
      PostgresInterval(months: .max, days: .max, microseconds: .max),
      PostgresInterval(months: -.max, days: -.max, microseconds: -.max),
      PostgresInterval(months: -14, days: 3, microseconds: -3_600_000_001),
    ]
    let random = (0..<200).map { _ in
      PostgresInterval(
        months: .random(in: -2000...2000, using: &generator), days: .random(in: -40...40, using: &generator),
        microseconds: .random(in: -1_000_000_000_000...1_000_000_000_000, using: &generator))
    }
    try connection.expectRoundTrips(extremes + random, as: "interval")
    for interval in extremes + random {
      #expect(try connection.query("SELECT \(interval)::text").decode(String.self) == [interval.description])
    }
    try connection.expectRoundTrips([Duration.seconds(90), .milliseconds(-1), .zero], as: "interval")
    try connection.expect("SELECT interval '2 days 1 hour'", reads: [Duration.seconds(49 * 3_600)])
    #expect(throws: PostgresError.self) { try connection.query("SELECT interval '1 mon'").decode(Duration.self) }
    #expect(throws: PostgresError.self) { try connection.query("SELECT \(Duration.seconds(Int64.max))") }
  }

  @Test(arguments: ["German", "SQL", "Postgres"])
  func otherDateStylesAreRefusedClearly(_ style: String) throws {
    let connection = try BlockingConnection()
    _ = try connection.query("SELECT set_config('DateStyle', \(style), false)")
    let result = try connection.query(PostgresQuery("SELECT date '2024-05-06'").answered(in: .text))
    let error = #expect(throws: PostgresError.self) { try result.decode(PostgresDate.self) }
    #expect(error?.message.contains("DateStyle ISO") == true)
    #expect(error?.message.contains("2024") == false)
  }
}
