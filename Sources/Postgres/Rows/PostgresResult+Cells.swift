public import CLibPQ

extension PostgresResult {
  /// Reads the cell of a row and a column, both from 0.
  @inlinable public func decode<Value: PostgresDecodable>(
    _ type: Value.Type = Value.self, row: Int, column: Int
  ) throws(PostgresError) -> Value {
    guard row >= 0, row < count, column >= 0, column < columnCount else { throw outside(row: row, column: column) }
    return try value(type, row: Int32(truncatingIfNeeded: row), column: Int32(truncatingIfNeeded: column))
  }

  /// Reads a cell that is there.
  @inlinable func value<Value: PostgresDecodable>(
    _ type: Value.Type, row: Int32, column: Int32
  ) throws(PostgresError) -> Value {
    let length = length(row: row, column: column)
    do {
      if length == 0, isNull(row: row, column: column) { return try Value.decodeNull() }
      return try Value(from: cell(row: row, column: column, length: length))
    } catch {
      throw located(error, type, row: row, column: column)
    }
  }

  @inlinable @inline(__always) func isNull(row: Int32, column: Int32) -> Bool {
    PQgetisnull(result, firstRow &+ row, column) != 0
  }

  @inlinable @inline(__always) func length(row: Int32, column: Int32) -> Int32 {
    PQgetlength(result, firstRow &+ row, column)
  }

  @inlinable @inline(__always) func cell(row: Int32, column: Int32, length: Int32) -> PostgresCell {
    PostgresCell(
      bytes: UnsafeRawBufferPointer(start: PQgetvalue(result, firstRow &+ row, column), count: Int(length)),
      type: PostgresType(rawValue: PQftype(result, column)),
      format: PQfformat(result, column) == 0 ? .text : .binary)
  }

  @usableFromInline func outside(row: Int, column: Int) -> PostgresError {
    PostgresError(
      .decoding,
      "there is no column \(column) in row \(row): the result has \(columnCount) columns and \(count) rows")
  }

  @usableFromInline func located(
    _ error: PostgresError, _ type: Any.Type, row: Int32, column: Int32
  ) -> PostgresError {
    let column = columns[Int(column)]
    return error.located("column '\(column.name)' (\(column.type)) of row \(row) cannot be read as \(type)")
  }
}
