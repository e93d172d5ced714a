import MainstayPostgres
import MainstayTesting
import Testing

@Suite struct NumericTests {
  private static let texts = [
    "0", "0.0", "0.000", "1", "-1", "10", "9999", "10000", "10001", "0.1", "0.0001", "0.00001", "0.00010000", "1.50",
    "-12345678901234567890.123456789", "100000000", "0.99999999999999999999", "NaN", "Infinity", "-Infinity",
    "1000000000000000000000000000000000000000", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
  ]

  private func number(_ text: String) throws -> PostgresNumeric {
    try #require(PostgresNumeric(text), "\(text.prefix(40))")
  }

  @Test func roundTrips() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 3)
    let random = (0..<100).map { _ in NumericTests.randomText(&generator) }
    let huge = [
      String(repeating: "9", count: 131_072), "0." + String(repeating: "0", count: 16_382) + "1",
      String(repeating: "7", count: 131_072) + "." + String(repeating: "3", count: 16_383),
    ]
    try connection.expectRoundTrips(try (NumericTests.texts + random + huge).map(number), as: "numeric")
  }

  @Test func printsAsTheServerDoes() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 4)
    let texts = NumericTests.texts + (0..<200).map { _ in NumericTests.randomText(&generator) }
    for text in texts {
      let value = try number(text)
      let server = try connection.query("SELECT \(untyped: text)::numeric, (\(untyped: text)::numeric)::text")
      let row = try #require(try server.decode(PostgresNumeric.self, String.self).first)
      #expect(row.0 == value)
      #expect(row.1 == value.description)
      #expect(row.0.description == value.description)
      #expect(try connection.query("SELECT \(value)::text").decode(String.self) == [value.description])
    }
  }

  private static func randomText(_ generator: inout SeededGenerator) -> String {
    func digits(_ most: Int) -> String {
      // Zeros often, so that whole groups of them occur at every place.
      String(
        (0..<Int.random(in: 1...most, using: &generator)).map { _ in
          Bool.random(using: &generator) ? "0" : Character(String(Int.random(in: 0...9, using: &generator)))
        })
    }
    let sign = Bool.random(using: &generator) ? "-" : ""
    let exponent = Bool.random(using: &generator) ? "e\(Int.random(in: -20...20, using: &generator))" : ""
    return "\(sign)\(digits(30)).\(digits(30))\(exponent)"
  }

  @Test func comparesAsTheServerDoes() throws {
    let connection = try BlockingConnection()
    let values = try NumericTests.texts.map(number)
    let sorted = try connection.query("SELECT n FROM unnest(\(values)) AS t (n) ORDER BY n").decode(
      PostgresNumeric.self)
    #expect(sorted == values.sorted())
    // 0, 0.0 and 0.000 are one; so are 0.0001 and 0.00010000.
    #expect(Set(values).count == Set(NumericTests.texts).count - 3)
    #expect(PostgresNumeric("1.50") == PostgresNumeric("1.5"))
    #expect(PostgresNumeric.nan == .nan && PostgresNumeric.nan > .infinity)
  }

  @Test func convertsExactly() throws {
    #expect(Int(exactly: try number("-9223372036854775808")) == .min)
    #expect(Int(exactly: try number("9223372036854775808")) == nil)
    #expect(UInt64(exactly: try number("18446744073709551615.000")) == .max)
    #expect(UInt8(exactly: try number("255")) == 255)
    #expect(Int8(exactly: try number("127")) == 127)
    #expect(UInt8(exactly: try number("-1")) == nil)
    #expect(Int(exactly: try number("0.5")) == nil)
    #expect(Int(exactly: try number("120000")) == 120_000)
    #expect(Int(exactly: PostgresNumeric.nan) == nil)
    #expect(PostgresNumeric(Int64.min).description == "-9223372036854775808")
    #expect(PostgresNumeric(0.1).description == "0.1")
    #expect(PostgresNumeric(1e-7).description == "0.0000001")
    #expect(PostgresNumeric(5e300).doubleValue == 5e300)
    #expect(PostgresNumeric(Double.nan).isNaN)
    #expect(PostgresNumeric(-Double.infinity) == .negativeInfinity)
  }

  @Test(arguments: [
    "", "-", ".", "1.2.3", "1e", "1e+", "0x1", "1 ", " 1", "--1", "+-1", "infinit", "infinityx", "-nan",
    "1e99999999999",
    "1e131072", "1e-16384", "٣", "1,5",
  ])
  func refuses(_ text: String) { #expect(PostgresNumeric(text) == nil) }

  @Test(arguments: [
    ("+1", "1"), (".5", "0.5"), ("5.", "5"), ("1E3", "1000"), ("inf", "Infinity"), ("-iNF", "-Infinity"),
  ])
  func accepts(_ text: String, as printed: String) { #expect(PostgresNumeric(text)?.description == printed) }
}
