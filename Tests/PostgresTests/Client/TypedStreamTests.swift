import MainstayPostgres
import Testing

@Suite(.timeLimit(.minutes(3))) struct TypedStreamTests {
  private struct Row: Decodable, Equatable {
    var id: Int
    var familyName: String?
  }

  @Test func decodableRows() async throws {
    let connection = try await ClientTools.connect()
    var count = 0
    let query: PostgresQuery = """
      SELECT n AS id, CASE WHEN n % 2 = 0 THEN 'name ' || n END AS family_name FROM generate_series(0, \(9_999)) AS t (n)
      """
    for try await row in connection.stream(query, as: Row.self) {
      if row != Row(id: count, familyName: count % 2 == 0 ? "name \(count)" : nil) { Issue.record("row \(count)") }
      count += 1
    }
    #expect(count == 10_000)
    #expect(connection.condition == .idle)
  }

  @Test func tuplesAndSingleColumns() async throws {
    let connection = try await ClientTools.connect()
    var sum = 0
    for try await (a, b, c) in connection.stream(
      "SELECT n, n::text, NULL::int8 FROM generate_series(1, 100) AS t (n)", as: Int.self, String.self, Int?.self)
    {
      #expect(String(a) == b && c == nil)
      sum += a
    }
    for try await n in connection.stream("SELECT n FROM generate_series(1, 100) AS t (n)", as: Int.self) { sum += n }
    #expect(sum == 10_100)
  }

  @Test func withinATransaction() async throws {
    let connection = try await ClientTools.connect()
    let names = try await connection.transaction(.readOnly) { transaction in
      var names: [String] = []
      for try await name in try await transaction.stream("SELECT current_setting('transaction_read_only')").decode(
        String.self)
      {
        names.append(name)
      }
      return names
    }
    #expect(names == ["on"])
  }

  @Test func errorsEndTheStreamAndNotTheConnection() async throws {
    let connection = try await ClientTools.connect()
    let error = await #expect(throws: PostgresError.self) {
      for try await _ in connection.stream("SELECT 'a', 1", as: Int.self) {}
    }
    #expect(error?.code == .decoding)
    #expect(try await connection.query("SELECT 1", as: Int.self) == [1])
  }
}
