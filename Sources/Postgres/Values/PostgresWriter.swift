/// Appends the bytes of values, in network byte order, to one growing buffer.
public struct PostgresWriter: Sendable {
  @usableFromInline var bytes: [UInt8] = []

  /// An empty buffer.
  public init() {}

  /// The number of bytes.
  @inlinable public var count: Int { bytes.count }

  /// Appends a byte.
  @inlinable public mutating func write(_ byte: UInt8) { bytes.append(byte) }

  /// Appends an integer, most significant byte first.
  @inlinable public mutating func write(integer value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// Appends bytes.
  @inlinable public mutating func write(bytes more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// Appends the UTF-8 bytes of a text. The server stores no text with U+0000, and libpq would cut one there.
  public mutating func write(_ text: String) throws(PostgresError) {
    let start = bytes.count
    bytes.append(contentsOf: text.utf8)
    guard bytes[start...].firstIndex(of: 0) == nil else {
      bytes.removeSubrange(start...)
      throw PostgresError(
        .encoding, "a text holds U+0000, which PostgreSQL cannot store; remove it, or send bytes (bytea)")
    }
  }

  /// Appends what `body` writes, preceded by its length in four bytes; -1 if `body` returns false.
  @inlinable public mutating func writeLengthPrefixed(
    _ body: (inout PostgresWriter) throws(PostgresError) -> Bool
  ) throws(PostgresError) {
    let start = bytes.count
    write(integer: Int32(-1))
    guard try body(&self) else { return }
    try fillLength(at: start)
  }

  @usableFromInline mutating func fillLength(at start: Int) throws(PostgresError) {
    guard let length = Int32(exactly: bytes.count - start - 4) else {
      throw PostgresError(.encoding, "a value is longer than 2 GiB, the most that the protocol can carry")
    }
    withUnsafeBytes(of: length.bigEndian) { bytes.replaceSubrange(start..<(start + 4), with: $0) }
  }
}
