// Bytes: `[UInt8]` is `bytea`, in both directions. A single `UInt8` is a small integer.

extension UInt8: PostgresCodable {
  /// `int2`
  @inlinable public static var postgresType: PostgresType { .int2 }
  /// `bytea`: an array of bytes is one value.
  @inlinable public static var postgresArrayType: PostgresType { .bytea }

  /// Appends the integer.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    writer.write(integer: Int16(self))
  }

  /// Appends the bytes.
  @inlinable public static func encodeArray(
    _ elements: [UInt8], into writer: inout PostgresWriter
  ) throws(PostgresError) {
    writer.write(bytes: elements)
  }

  /// Reads an integer that fits.
  @inlinable public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try cell.exactInteger() }

  /// Reads a `bytea`.
  public static func decodeArray(from cell: borrowing PostgresCell) throws(PostgresError) -> [UInt8] {
    guard cell.type == .bytea else { throw cell.unsupported() }
    return cell.format == .binary ? Array(cell.bytes) : try cell.hexadecimalBytes()
  }
}

extension PostgresCell {
  /// `\x0aff`, the text form of `bytea` unless the server is told otherwise.
  fileprivate func hexadecimalBytes() throws(PostgresError) -> [UInt8] {
    guard bytes.count >= 2, bytes.count % 2 == 0, bytes[0] == UInt8(ascii: "\\"), bytes[1] == UInt8(ascii: "x") else {
      throw PostgresError(.decoding, "the text is not `\\x` and hexadecimal digits; set bytea_output to hex")
    }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count / 2 - 1)
    for index in stride(from: 2, to: bytes.count, by: 2) {
      guard let high = PostgresCell.digit(bytes[index]), let low = PostgresCell.digit(bytes[index + 1]) else {
        throw malformed()
      }
      decoded.append(high << 4 | low)
    }
    return decoded
  }

  static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
