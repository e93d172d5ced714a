import MainstayPostgres
import Testing

extension BlockingConnection {
  /// Sends each value and reads it back in both forms, alone, as an optional, and all together with a NULL as an array.
  func expectRoundTrips<Value: PostgresCodable & Equatable>(
    _ values: [Value], as type: String, arrays: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for format in [PostgresFormat.binary, .text] {
      for value in values {
        let query: PostgresQuery = "SELECT \(value)::\(unsafe: type), \(value)::\(unsafe: type), NULL::\(unsafe: type)"
        let rows = try self.query(query.answered(in: format)).decode(Value.self, Value?.self, Value?.self)
        let row = try #require(rows.first, sourceLocation: sourceLocation)
        #expect(row.0 == value, "in \(format) form", sourceLocation: sourceLocation)
        #expect(row.1 == value, "in \(format) form", sourceLocation: sourceLocation)
        #expect(row.2 == nil, sourceLocation: sourceLocation)
      }
      guard arrays else { continue }
      let optionals: [Value?] = values + [nil]
      let query: PostgresQuery = "SELECT \(optionals)::\(unsafe: type)[], \([Value]())::\(unsafe: type)[]"
      let rows = try self.query(query.answered(in: format)).decode([Value?].self, [Value].self)
      #expect(rows.first?.0 == optionals, "array in \(format) form", sourceLocation: sourceLocation)
      #expect(rows.first?.1 == [], sourceLocation: sourceLocation)
    }
  }

  /// Expects that what stands in the SQL is read as these values in both forms.
  func expect<Value: PostgresDecodable & Equatable>(
    _ sql: String, reads expected: [Value], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for format in [PostgresFormat.binary, .text] {
      let result = try query(PostgresQuery(unsafe: sql).answered(in: format))
      func read<Cell: PostgresDecodable>(_ type: Cell.Type) throws -> [Cell] { try result.decode(type) }
      #expect(try read(Value.self) == expected, "in \(format) form", sourceLocation: sourceLocation)
    }
  }
}
