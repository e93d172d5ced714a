extension Double: PostgresCodable {
  /// `float8`
  @inlinable public static var postgresType: PostgresType { .float8 }

  /// Appends eight bytes.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: bitPattern)
  }

  /// Reads `float8`, `float4`, an integer that a `Double` holds exactly, or the nearest of a `numeric`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    switch (cell.type, cell.format) {
    case (.float8, .binary): self = Double(bitPattern: try cell.integer())
    case (.float4, .binary): self = Double(Float(bitPattern: try cell.integer()))
    case (.float8, .text), (.float4, .text):
      guard let value = Double(try cell.text()) else { throw cell.malformed() }
      self = value
    case (.int2, _), (.int4, _), (.int8, _):
      guard let value = Double(exactly: try cell.integer64()) else { throw cell.outOfRange() }
      self = value
    case (.numeric, _): self = try PostgresNumeric(from: cell).doubleValue
    default: throw cell.unsupported()
    }
  }
}

extension Float: PostgresCodable {
  /// `float4`
  @inlinable public static var postgresType: PostgresType { .float4 }

  /// Appends four bytes.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: bitPattern)
  }

  /// Reads `float4`, or an integer that a `Float` holds exactly. A `float8` would lose digits: read a `Double`.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    switch (cell.type, cell.format) {
    case (.float4, .binary): self = Float(bitPattern: try cell.integer())
    case (.float4, .text):
      guard let value = Float(try cell.text()) else { throw cell.malformed() }
      self = value
    case (.int2, _), (.int4, _), (.int8, _):
      guard let value = Float(exactly: try cell.integer64()) else { throw cell.outOfRange() }
      self = value
    default: throw cell.unsupported()
    }
  }
}
