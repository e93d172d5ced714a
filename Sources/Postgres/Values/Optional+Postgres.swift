// nil is NULL.

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
  /// As what is wrapped.
  @inlinable public static var postgresType: PostgresType { Wrapped.postgresType }
  /// As what is wrapped.
  @inlinable public static var postgresFormat: PostgresFormat { Wrapped.postgresFormat }
  /// Whether there is no value, or the value itself is NULL.
  @inlinable public var isPostgresNull: Bool { self?.isPostgresNull ?? true }

  /// Appends the value.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    if let self { try self.encode(into: &writer) }
  }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
  /// Reads a value.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    self = .some(try Wrapped(from: cell))
  }

  /// nil
  @inlinable public static func decodeNull() throws(PostgresError) -> Wrapped? { nil }
}
