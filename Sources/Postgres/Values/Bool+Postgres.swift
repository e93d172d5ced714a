extension Bool: PostgresCodable {
  /// `bool`
  @inlinable public static var postgresType: PostgresType { .bool }

  /// Appends one byte.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) { writer.write(self ? 1 : 0) }

  /// Reads a `bool`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard cell.type == .bool else { throw cell.unsupported() }
    switch (cell.format, cell.bytes.count == 1 ? cell.bytes.first : nil) {
    case (.binary, 0), (.text, UInt8(ascii: "f")): self = false
    case (.binary, 1), (.text, UInt8(ascii: "t")): self = true
    default: throw cell.malformed()
    }
  }
}
