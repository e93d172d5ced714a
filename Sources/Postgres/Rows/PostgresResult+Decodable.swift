/// How the keys of a `Decodable` type find their columns.
public enum PostgresColumnNaming: Sendable, Hashable {
  /// `dateOfBirth` reads the column `date_of_birth`, unless there is a column `dateOfBirth`.
  case snakeCase
  /// `dateOfBirth` reads the column `dateOfBirth` and no other.
  case exact
}

extension PostgresResult {
  /// Reads all rows as values of a `Decodable` type, whose keys name columns: `try result.decode(Patient.self)`.
  ///
  /// Which column a key reads is worked out with the first row and kept for the others. A property whose type is itself
  /// `Decodable` reads a `json` or `jsonb` column. Columns that no key asks for are left alone; a key without a column is
  /// an error unless it is optional.
  public func decode<Value: Decodable>(
    _ type: Value.Type, naming: PostgresColumnNaming = .snakeCase
  ) throws(PostgresError) -> [Value] {
    let decoder = RowDecoder(self, naming: naming)
    var values: [Value] = []
    values.reserveCapacity(count)
    for row in 0..<Int32(truncatingIfNeeded: count) { values.append(try decoder.decode(type, row: row)) }
    return values
  }
}

extension PostgresRow {
  /// Reads the row as a value of a `Decodable` type, whose keys name columns. To read many, ask the result.
  public func decode<Value: Decodable>(
    _ type: Value.Type, naming: PostgresColumnNaming = .snakeCase
  ) throws(PostgresError) -> Value {
    guard result.indices.contains(index) else { throw result.outside(row: index, column: 0) }
    return try RowDecoder(result, naming: naming).decode(type, row: Int32(truncatingIfNeeded: index))
  }
}
