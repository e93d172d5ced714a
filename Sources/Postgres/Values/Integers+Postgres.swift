// Every integer is read from any integer column, and from `numeric` without a fraction, if its value fits.

extension Int: PostgresCodable {
  /// `int8`
  @inlinable public static var postgresType: PostgresType { .int8 }

  /// Appends the integer.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: Int64(self))
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension Int64: PostgresCodable {
  /// `int8`
  @inlinable public static var postgresType: PostgresType { .int8 }

  /// Appends the integer.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: self)
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension Int32: PostgresCodable {
  /// `int4`
  @inlinable public static var postgresType: PostgresType { .int4 }

  /// Appends the integer.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: self)
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension Int16: PostgresCodable {
  /// `int2`
  @inlinable public static var postgresType: PostgresType { .int2 }

  /// Appends the integer.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: self)
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension Int8: PostgresCodable {
  /// `int2`
  @inlinable public static var postgresType: PostgresType { .int2 }

  /// Appends the integer.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: Int16(self))
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension UInt32: PostgresCodable {
  /// `int8`
  @inlinable public static var postgresType: PostgresType { .int8 }

  /// Appends the integer.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: Int64(self))
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension UInt16: PostgresCodable {
  /// `int4`
  @inlinable public static var postgresType: PostgresType { .int4 }

  /// Appends the integer.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: Int32(self))
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension UInt: PostgresCodable {
  /// `int8`, the largest integer that PostgreSQL has.
  @inlinable public static var postgresType: PostgresType { .int8 }

  /// Appends the integer. Throws if it is larger than `Int64.max`; such a one can be sent as a `PostgresNumeric`.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    guard let value = Int64(exactly: self) else { throw PostgresWriter.tooLarge(UInt.self) }
    writer.write(integer: value)
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension UInt64: PostgresCodable {
  /// `int8`, the largest integer that PostgreSQL has.
  @inlinable public static var postgresType: PostgresType { .int8 }

  /// Appends the integer. Throws if it is larger than `Int64.max`; such a one can be sent as a `PostgresNumeric`.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    guard let value = Int64(exactly: self) else { throw PostgresWriter.tooLarge(UInt64.self) }
    writer.write(integer: value)
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }
}

extension PostgresWriter {
  fileprivate static func tooLarge(_ type: Any.Type) -> PostgresError {
    PostgresError(.encoding, "a \(type) is larger than int8 can hold; send a PostgresNumeric instead")
  }
}

extension PostgresCell {
  /// Reads an integer of any size that fits the type asked for.
  @inlinable func exactInteger<Value: FixedWidthInteger>() throws(PostgresError) -> Value {
    let wide = try integer64()
    guard let value = Value(exactly: wide) else { throw outOfRange() }
    return value
  }

  @inlinable func integer64() throws(PostgresError) -> Int64 {
    if type == .int8, format == .binary { return try integer() }
    if type == .int4, format == .binary { return Int64(try integer(Int32.self)) }
    return try otherInteger64()
  }

  @usableFromInline func otherInteger64() throws(PostgresError) -> Int64 {
    switch (type, format) {
    case (.int2, .binary): return Int64(try integer(Int16.self))
    case (.oid, .binary): return Int64(try integer(UInt32.self))
    case (.int2, .text), (.int4, .text), (.int8, .text), (.oid, .text):
      guard let value = Int64(try text()) else { throw malformed() }
      return value
    case (.numeric, _):
      guard let value = Int64(exactly: try PostgresNumeric(from: self)) else { throw outOfRange() }
      return value
    default: throw unsupported()
    }
  }

  /// The error of a number that the type asked for cannot hold.
  @usableFromInline func outOfRange() -> PostgresError {
    PostgresError(.decoding, "the value is too large or too small, or has a fraction")
  }
}
