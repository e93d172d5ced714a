extension PostgresResult {
  /// Reads the only column of all rows: `try result.decode(Int.self)`. Throws if the result has several columns, and at
  /// the first cell that cannot be read.
  @inlinable public func decode<Value: PostgresDecodable>(_ type: Value.Type) throws(PostgresError) -> [Value] {
    try checkColumnCount(1)
    var values: [Value] = []
    values.reserveCapacity(count)
    for row in 0..<Int32(truncatingIfNeeded: count) { values.append(try value(type, row: row, column: 0)) }
    return values
  }

  /// Reads the only column of all rows.
  @inlinable public func decode<Value: PostgresDecodable & Decodable>(
    _ type: Value.Type
  ) throws(PostgresError) -> [Value] {
    func single<Cell: PostgresDecodable>(_ type: Cell.Type) throws(PostgresError) -> [Cell] { try decode(type) }
    return try single(type)
  }

  /// Reads all rows as tuples, one type for each column: `try result.decode(Int.self, String?.self)`. Throws if the
  /// result has another number of columns, and at the first cell that cannot be read.
  @inlinable public func decode<First: PostgresDecodable, Second: PostgresDecodable, each Value: PostgresDecodable>(
    _ first: First.Type, _ second: Second.Type, _ types: repeat (each Value).Type
  ) throws(PostgresError) -> [(First, Second, repeat each Value)] {
    var columns = 2
    for _ in repeat each types { columns += 1 }
    try checkColumnCount(columns)
    var rows: [(First, Second, repeat each Value)] = []
    rows.reserveCapacity(count)
    for row in 0..<Int32(truncatingIfNeeded: count) {
      var column: Int32 = 1
      rows.append(
        (
          try value(first, row: row, column: 0), try value(second, row: row, column: 1),
          repeat try next(each types, row: row, after: &column)
        ))
    }
    return rows
  }

  @inlinable func next<Value: PostgresDecodable>(
    _ type: Value.Type, row: Int32, after column: inout Int32
  ) throws(PostgresError) -> Value {
    column += 1
    return try value(type, row: row, column: column)
  }

  @usableFromInline func checkColumnCount(_ wanted: Int) throws(PostgresError) {
    guard wanted == columnCount else {
      throw PostgresError(.decoding, "\(wanted) columns were asked for; the result has \(columnCount)")
    }
  }
}

extension PostgresRow {
  /// Reads the row as a tuple, one type for each column. Throws if the result has another number of columns.
  public func decode<First: PostgresDecodable, Second: PostgresDecodable, each Value: PostgresDecodable>(
    _ first: First.Type, _ second: Second.Type, _ types: repeat (each Value).Type
  ) throws(PostgresError) -> (First, Second, repeat each Value) {
    var columns = 2
    for _ in repeat each types { columns += 1 }
    try result.checkColumnCount(columns)
    guard result.indices.contains(index) else { throw result.outside(row: index, column: 0) }
    let row = Int32(truncatingIfNeeded: index)
    var column: Int32 = 1
    return (
      try result.value(first, row: row, column: 0), try result.value(second, row: row, column: 1),
      repeat try result.next(each types, row: row, after: &column)
    )
  }
}
