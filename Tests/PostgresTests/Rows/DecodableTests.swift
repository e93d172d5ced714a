import Foundation
import MainstayKernel
import MainstayPostgres
import Testing

@Suite struct DecodableTests {
  enum Mood: String, Codable { case fine, bad }

  struct Address: Codable, Equatable {
    var street: String
    var floors: [Int]
    var since: Date?
  }

  struct Patient: Decodable, Equatable {
    var id: UUID
    var clinicID: Int
    var familyName: String
    var dateOfBirth: PostgresDate
    var seenAt: Date?
    var balance: PostgresNumeric
    var mood: Mood
    var otherMood: Mood?
    var address: Address
    var oldAddress: Address?
    var tags: [String]
    var scores: [Int?]
    var raw: JSONValue
    var text: String
    var picture: [UInt8]
    var isActive: Bool
    var nickname: String?
    var absent: Double?
  }

  private static let select = """
    SELECT '00000000-0000-0000-0000-00000000002a'::uuid AS id, n AS clinic_id, 'Doe ' || n AS family_name,
      date '1980-02-29' AS "dateOfBirth", CASE WHEN n > 1 THEN timestamptz '2024-01-01 00:00+00' END AS seen_at,
      1.50 AS balance, 'fine' AS mood, NULL AS other_mood,
      jsonb '{"street": "Main", "floors": [1, 2], "since": "2024-01-01T00:00:00+00:00"}' AS address,
      CASE WHEN n > 1 THEN json '{"street": "Old", "floors": []}' END AS old_address, '{a,"b c"}'::text[] AS tags,
      '{1,NULL}'::int8[] AS scores, jsonb '[null]' AS raw, jsonb '{}' AS text, '\\x00ff'::bytea AS picture,
      true AS is_active, NULL::text AS nickname, 'ignored' AS more
    FROM generate_series(1, 3) AS t (n)
    """

  @Test(arguments: [PostgresFormat.binary, .text])
  func readsRows(_ format: PostgresFormat) throws {
    let result = try BlockingConnection().query(PostgresQuery(unsafe: DecodableTests.select).answered(in: format))
    let patients = try result.decode(Patient.self)
    let instant = Date(timeIntervalSince1970: 1_704_067_200)
    let id = try #require(UUID(uuidString: "00000000-0000-0000-0000-00000000002a"))
    let expected = try (1...3).map { n in
      Patient(
        id: id, clinicID: n, familyName: "Doe \(n)", dateOfBirth: try #require(PostgresDate("1980-02-29")),
        seenAt: n > 1 ? instant : nil, balance: try #require(PostgresNumeric("1.5")), mood: .fine,
        address: Address(street: "Main", floors: [1, 2], since: instant),
        oldAddress: n > 1 ? Address(street: "Old", floors: []) : nil, tags: ["a", "b c"], scores: [1, nil],
        raw: [nil], text: "{}", picture: [0, 255], isActive: true)
    }
    #expect(patients == expected)
    #expect(try result[1].decode(Patient.self) == expected[1])
  }

  @Test func exactNamesOnly() throws {
    struct Row: Decodable { var clinicID: Int }
    let connection = try BlockingConnection()
    let result = try connection.query("SELECT 1 AS clinic_id")
    #expect(try result.decode(Row.self).first?.clinicID == 1)
    let error = #expect(throws: PostgresError.self) { try result.decode(Row.self, naming: .exact) }
    #expect(error?.message == "there is no column 'clinicID'; the result has: clinic_id")
  }

  @Test(arguments: [
    ("dateOfBirth", "date_of_birth"), ("patientID", "patient_id"), ("htmlURLText", "html_url_text"), ("id", "id"),
    ("already_snake", "already_snake"), ("URL", "url"), ("line2", "line2"),
  ])
  func keysBecomeSnakeCase(_ key: String, _ column: String) throws {
    let result = try BlockingConnection().query("SELECT 5 AS \(identifier: column)")
    struct Key: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }
    struct Row: Decodable {
      @TaskLocal static var key = ""
      var value: Int
      init(from decoder: any Decoder) throws {
        value = try decoder.container(keyedBy: Key.self).decode(Int.self, forKey: Key(stringValue: Row.key))
      }
    }
    let rows = try Row.$key.withValue(key) { try result.decode(Row.self) }
    #expect(rows.first?.value == 5)
  }

  @Test func keysInAnotherOrderForEachRow() throws {
    struct Row: Decodable, Equatable {
      var a: Int
      var b: Int
      enum CodingKeys: CodingKey { case a, b }
      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if try container.decode(Int.self, forKey: .b) % 2 == 0 {
          a = try container.decode(Int.self, forKey: .a)
          b = try container.decode(Int.self, forKey: .b)
        } else {
          b = try container.decode(Int.self, forKey: .b)
          a = try container.decodeIfPresent(Int.self, forKey: .a) ?? -1
        }
      }
    }
    let result = try BlockingConnection().query("SELECT n AS a, n * 10 + n AS b FROM generate_series(1, 9) AS t (n)")
    let rows = try result.decode(Row.self)
    #expect(rows.map(\.a) == Array(1...9))
    #expect(rows.map(\.b) == (1...9).map { $0 * 11 })
  }

  @Test func rowsAsDictionaries() throws {
    let result = try BlockingConnection().query("SELECT 1 AS a, 2 AS b")
    #expect(try result.decode([String: Int].self) == [["a": 1, "b": 2]])
  }

  @Test func errorsShowNoValue() throws {
    struct Wrong: Decodable { var name: Int }
    struct Nested: Decodable { var address: Address }
    struct Single: Decodable { var mood: Mood }
    let connection = try BlockingConnection()
    let type = #expect(throws: PostgresError.self) { try connection.query("SELECT 'Jane' AS name").decode(Wrong.self) }
    #expect(type?.message == "column 'name' (text) of row 0 cannot be read as Int: this type cannot be read so")
    let null = #expect(throws: PostgresError.self) {
      try connection.query("SELECT NULL::int4 AS name").decode(Wrong.self)
    }
    #expect(null?.message.contains("the value is NULL") == true)
    let json = #expect(throws: PostgresError.self) {
      try connection.query(#"SELECT jsonb '{"street": "Jane", "floors": ["Jane"]}' AS address"#).decode(Nested.self)
    }
    #expect(json?.message == "column 'address' (jsonb) of row 0 cannot be read as Address: not a Int at /floors/0")
    let plain = #expect(throws: PostgresError.self) {
      try connection.query("SELECT 'Jane' AS address").decode(Nested.self)
    }
    #expect(plain?.message.contains("only json and jsonb columns hold nested values") == true)
    let mood = #expect(throws: PostgresError.self) { try connection.query("SELECT 'Jane' AS mood").decode(Single.self) }
    #expect(mood?.description.contains("Jane") == false)
    let empty = #expect(throws: PostgresError.self) {
      try connection.query("SELECT NULL::jsonb AS address").decode(Nested.self)
    }
    #expect(empty?.message.contains("the value is NULL") == true)
  }
}
