import Foundation
import MainstayKernel
import MainstayPostgres
import MainstayTesting
import Testing

/// Every decoder is fed bytes that no server would send: it may read a value or throw, but must not trap.
@Suite struct FuzzTests {
  private enum Mood: String, PostgresCodable { case fine }
  private struct Document: Decodable, Sendable { var a: [String: Int] }

  private static let decoders: [any PostgresDecodable.Type] = [
    Bool.self, Int.self, Int64.self, Int32.self, Int16.self, Int8.self, UInt.self, UInt64.self, UInt32.self,
    UInt16.self, UInt8.self, Float.self, Double.self, String.self, [UInt8].self, UUID.self, Date.self,
    PostgresNumeric.self, PostgresDate.self, PostgresTime.self, PostgresTimestamp.self, PostgresLocalTimestamp.self,
    PostgresInterval.self, Duration.self, JSONValue.self, PostgresJSON<Document>.self, Mood.self, [Int].self,
    [Int?].self, [String].self, [[UInt8]].self, [[Int]].self, [PostgresNumeric].self, [UUID?].self, Int?.self,
    [PostgresJSON<[Int]>].self, [PostgresInterval].self, [Date].self,
    PostgresRange<Int>.self, [PostgresRange<PostgresNumeric>].self,
  ]

  private static let types: [PostgresType] = [
    .bool, .bytea, .char, .name, .int8, .int2, .int4, .text, .oid, .json, .float4, .float8, .varchar, .date, .time,
    .timestamp, .timestamptz, .interval, .numeric, .uuid, .jsonb, .unspecified, .int8.array, .text.array,
    .bytea.array, .numeric.array, .uuid.array, .jsonb.array, .interval.array, .timestamptz.array,
    PostgresType(rawValue: 20_000),
  ]

  /// What texts are made of, so that many get some way into the parsers.
  private static let fragments = [
    "{", "}", ",", "\"", "\\", "NULL", "[0:1]=", "-", "+", ".", ":", " ", "e", "E", "infinity", "-infinity", "NaN",
    " BC",
    "T", "Z", "2024-02-29", "0001-01-01", "294276-12-31", "9999999-12-31", "23:59:60.9999999", "24:00:00", "99:59:59",
    "+99:59:59", "9223372036854775807", "-9223372036854775808", "99999999999999999999", "9999999999:59:59.999999",
    "years", "mons", "days", " year", " mon", " day", "\\x", "\\xff", "t", "f", "{\"a\":{\"b\":1}}", "é", "\u{0}",
    "1e999999999", "0",
  ]

  private static func bytes(_ generator: inout SeededGenerator) -> [UInt8] {
    switch Int.random(in: 0..<4, using: &generator) {
    case 0:
      return (0..<Int.random(in: 0...40, using: &generator)).map { _ in .random(in: .min ... .max, using: &generator) }
    case 1:
      // Small numbers, of which the headers of arrays and numbers are made.
      return (0..<Int.random(in: 0...12, using: &generator)).flatMap { _ -> [UInt8] in
        let number = Int32.random(in: -2...4, using: &generator)
        return withUnsafeBytes(of: number.bigEndian) { Array($0) }
      }
    case 2:
      return (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        [0, 0xFF, 0x80, 0x7F, 1].randomElement(using: &generator) ?? 0
      }
    default:
      return (0..<Int.random(in: 0...5, using: &generator)).flatMap { _ in
        Array((fragments.randomElement(using: &generator) ?? "").utf8)
      }
    }
  }

  private static func decode<Value: PostgresDecodable>(
    _ type: Value.Type, _ bytes: UnsafeRawBufferPointer, _ column: PostgresType, _ format: PostgresFormat
  ) -> Bool {
    do {
      let value = try Value(from: PostgresCell(bytes: bytes, type: column, format: format))
      // Printing must not trap either.
      return !String(describing: value).isEmpty || true
    } catch {
      return false
    }
  }

  @Test func randomBytes() {
    var generator = SeededGenerator(seed: 11)
    var read = 0
    for round in 0..<100_000 {
      let bytes = FuzzTests.bytes(&generator)
      let format = Bool.random(using: &generator) ? PostgresFormat.binary : .text
      let decoder = FuzzTests.decoders[round % FuzzTests.decoders.count]
      // The type that the decoder expects as often as any other.
      let own = (decoder as? any PostgresEncodable.Type)?.postgresType ?? .jsonb
      let type = Bool.random(using: &generator) ? own : FuzzTests.types.randomElement(using: &generator) ?? .text
      if bytes.withUnsafeBytes({ FuzzTests.decode(decoder, $0, type, format) }) { read += 1 }
    }
    // Most are refused, but not all, or the decoders would not have been reached.
    #expect(read > 1_000 && read < 90_000, "\(read) were read")
  }

  @Test func numbersThatAreReadCanBeSent() throws {
    let connection = try BlockingConnection()
    var generator = SeededGenerator(seed: 12)
    var sent = 0
    for _ in 0..<20_000 {
      let bytes = FuzzTests.bytes(&generator)
      let number = bytes.withUnsafeBytes {
        try? PostgresNumeric(from: PostgresCell(bytes: $0, type: .numeric, format: .binary))
      }
      guard let number, number.scale <= PostgresNumeric.maximumScale else { continue }
      #expect(PostgresNumeric(number.description) == number)
      #expect(try connection.query("SELECT \(number)").decode(PostgresNumeric.self) == [number])
      sent += 1
    }
    #expect(sent > 50, "\(sent) were sent")
  }
}
