public import MainstayReactor

/// The rows of a statement as they arrive, each read as a value; can be gone through once.
public struct PostgresTypedStream<Element>: AsyncSequence, Sendable {
  /// Reads a row. Made anew for each iterator, since it may keep what it has found out about the columns.
  typealias Reading = (PostgresRow) throws(PostgresError) -> Element

  let rows: PostgresRowStream
  let makeReading: @Sendable () -> Reading

  /// Sends the statement at its first `next()`.
  public func makeAsyncIterator() -> Iterator {
    Iterator(rows: rows.makeAsyncIterator(), read: makeReading())
  }

  /// Goes through the values.
  public struct Iterator: AsyncIteratorProtocol {
    var rows: PostgresRowStream.Iterator
    let read: Reading

    /// The next value, nil behind the last one. What has come already costs no change of executors.
    public mutating func next(
      isolation actor: isolated (any Actor)? = #isolation
    ) async throws(PostgresError) -> Element? {
      guard let row = try await rows.next(isolation: actor) else { return nil }
      return try read(row)
    }
  }
}

extension PostgresRowStream {
  /// The rows as values of a `Decodable` type, whose keys name columns.
  public func decode<Value: Decodable & SendableMetatype>(
    _ type: Value.Type, naming: PostgresColumnNaming = .snakeCase
  ) -> PostgresTypedStream<Value> {
    PostgresTypedStream(rows: self) {
      var decoder: RowDecoder?
      return { row throws(PostgresError) in
        let known = decoder ?? RowDecoder(row.result, naming: naming)
        decoder = known
        return try known.decode(type, from: row)
      }
    }
  }

  /// The only column of the rows.
  public func decode<Value: PostgresDecodable>(_ type: Value.Type) -> PostgresTypedStream<Value> {
    PostgresTypedStream(rows: self) {
      { row throws(PostgresError) in
        try row.result.checkColumnCount(1)
        return try row.decode(type, at: 0)
      }
    }
  }

  /// The only column of the rows.
  public func decode<Value: PostgresDecodable & Decodable & SendableMetatype>(_ type: Value.Type)
    -> PostgresTypedStream<Value>
  {
    func single<Cell: PostgresDecodable>(_ type: Cell.Type) -> PostgresTypedStream<Cell> { decode(type) }
    return single(type)
  }

  /// The rows as tuples, one type for each column.
  public func decode<First: PostgresDecodable, Second: PostgresDecodable, each Value: PostgresDecodable>(
    _ first: First.Type, _ second: Second.Type, _ types: repeat (each Value).Type
  ) -> PostgresTypedStream<(First, Second, repeat each Value)> {
    PostgresTypedStream(rows: self) {
      { row throws(PostgresError) in try row.decode(first, second, repeat each types) }
    }
  }
}

extension PostgresConnection {
  /// The rows of a statement as they arrive, read as values of a `Decodable` type, whose keys name columns. The rules are
  /// those of `stream(_:deadline:)`.
  public func stream<Value: Decodable & SendableMetatype>(
    _ query: PostgresQuery, as type: Value.Type, deadline: MonotonicInstant? = nil
  ) -> PostgresTypedStream<Value> {
    stream(query, deadline: deadline).decode(type)
  }

  /// The rows of a statement as they arrive, each its only column.
  public func stream<Value: PostgresDecodable>(
    _ query: PostgresQuery, as type: Value.Type, deadline: MonotonicInstant? = nil
  ) -> PostgresTypedStream<Value> {
    stream(query, deadline: deadline).decode(type)
  }

  /// The rows of a statement as they arrive, each its only column.
  public func stream<Value: PostgresDecodable & Decodable & SendableMetatype>(
    _ query: PostgresQuery, as type: Value.Type, deadline: MonotonicInstant? = nil
  ) -> PostgresTypedStream<Value> {
    stream(query, deadline: deadline).decode(type)
  }

  /// The rows of a statement as they arrive, read as tuples, one type for each column.
  public func stream<First: PostgresDecodable, Second: PostgresDecodable, each Value: PostgresDecodable>(
    _ query: PostgresQuery, as first: First.Type, _ second: Second.Type, _ types: repeat (each Value).Type,
    deadline: MonotonicInstant? = nil
  ) -> PostgresTypedStream<(First, Second, repeat each Value)> {
    stream(query, deadline: deadline).decode(first, second, repeat each types)
  }
}
