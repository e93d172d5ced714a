public import MainstayReactor

/// What statements can be run on: a connection, and a transaction.
public protocol PostgresQueryable: Sendable {
  /// Runs a statement and returns its rows.
  /// - Parameter deadline: When to give up; nil for the connection's `statementTimeout`.
  func execute(_ query: PostgresQuery, deadline: MonotonicInstant?) async throws(PostgresError) -> PostgresResult
}

extension PostgresConnection: PostgresQueryable {}

extension PostgresQueryable {
  /// Runs a statement and reads the only column of its rows.
  public func query<Value: PostgresDecodable>(
    _ query: PostgresQuery, as type: Value.Type, deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> [Value] {
    try await execute(query, deadline: deadline).decode(type)
  }

  /// Runs a statement and reads its rows as values of a `Decodable` type, whose keys name columns.
  public func query<Value: Decodable>(
    _ query: PostgresQuery, as type: Value.Type, deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> [Value] {
    try await execute(query, deadline: deadline).decode(type)
  }

  /// Runs a statement and reads the only column of its rows.
  public func query<Value: PostgresDecodable & Decodable>(
    _ query: PostgresQuery, as type: Value.Type, deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> [Value] {
    try await execute(query, deadline: deadline).decode(type)
  }

  /// Runs a statement and reads its rows as tuples, one type for each column.
  public func query<First: PostgresDecodable, Second: PostgresDecodable, each Value: PostgresDecodable>(
    _ query: PostgresQuery, as first: First.Type, _ second: Second.Type, _ types: repeat (each Value).Type,
    deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> [(First, Second, repeat each Value)] {
    try await execute(query, deadline: deadline).decode(first, second, repeat each types)
  }
}
