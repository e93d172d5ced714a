/// One row of a result. It keeps the whole result alive.
public struct PostgresRow: Sendable {
  /// The result it belongs to.
  public let result: PostgresResult
  /// Its position in the result, from 0.
  public let index: Int

  /// The number of columns.
  public var count: Int { result.columnCount }

  /// Reads the cell at a position: `try row[0] as Int`.
  public subscript<Value: PostgresDecodable>(position: Int) -> Value {
    get throws(PostgresError) { try result.decode(Value.self, row: index, column: position) }
  }

  /// Reads the cell of a column: `try row["balance"] as Int`.
  public subscript<Value: PostgresDecodable>(name: String) -> Value {
    get throws(PostgresError) { try decode(Value.self, at: name) }
  }

  /// Reads the cell at a position.
  public func decode<Value: PostgresDecodable>(
    _ type: Value.Type = Value.self, at position: Int
  ) throws(PostgresError) -> Value {
    try result.decode(type, row: index, column: position)
  }

  /// Reads the cell of a column.
  public func decode<Value: PostgresDecodable>(
    _ type: Value.Type = Value.self, at name: String
  ) throws(PostgresError) -> Value {
    try result.decode(type, row: index, column: try result.position(of: name))
  }
}

extension PostgresResult {
  /// The position of a column, or an error that says which there are.
  func position(of name: String) throws(PostgresError) -> Int {
    if let position = columns.position(of: name) { return position }
    throw missingColumn(name)
  }
}
