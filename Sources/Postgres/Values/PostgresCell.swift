#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One cell of a result that is not NULL. It points into the result and so cannot be kept.
public struct PostgresCell: ~Copyable {
  @usableFromInline let bytes: UnsafeRawBufferPointer
  /// The type of the column.
  public let type: PostgresType
  /// The form of the bytes.
  public let format: PostgresFormat

  /// A cell over bytes that outlive it.
  @inlinable public init(bytes: UnsafeRawBufferPointer, type: PostgresType, format: PostgresFormat) {
    self.bytes = bytes
    self.type = type
    self.format = format
  }

  /// Calls `body` with the bytes; they are valid within the call only.
  @inlinable public func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws(PostgresError) -> Result
  ) throws(PostgresError) -> Result {
    try body(bytes)
  }

  /// The number of bytes.
  @inlinable public var count: Int { bytes.count }

  /// The bytes as text; an error if they are not UTF-8.
  public func text() throws(PostgresError) -> String {
    // `String(validating:as:)` is generic code that is not specialized and takes twice as long. What this one had to
    // repair is not what stood there.
    var text = String(decoding: bytes, as: UTF8.self)
    let isWhole = text.withUTF8 { decoded in
      guard decoded.count == bytes.count else { return false }
      guard let left = decoded.baseAddress, let right = bytes.baseAddress else { return true }
      return memcmp(left, right, bytes.count) == 0
    }
    guard isWhole else { throw PostgresCell.malformed("UTF-8") }
    return text
  }

  /// Reads an integer of exactly the cell's size, most significant byte first.
  @inlinable func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type = Value.self
  ) throws(PostgresError) -> Value {
    guard bytes.count == MemoryLayout<Value>.size else { throw malformed() }
    return Value(bigEndian: bytes.loadUnaligned(as: Value.self))
  }

  /// The error of a cell whose type cannot be read as the Swift type that was asked for.
  @usableFromInline func unsupported() -> PostgresError {
    PostgresError(.decoding, "this type cannot be read so")
  }

  /// The error of bytes that are not of the column's type.
  @usableFromInline func malformed() -> PostgresError { PostgresCell.malformed("\(type) in \(format) form") }

  static func malformed(_ what: String) -> PostgresError {
    PostgresError(.decoding, "the bytes are not valid \(what)")
  }
}
