/// Takes values from bytes one after the other; what is not there is an error.
struct PostgresReader {
  private var rest: UnsafeRawBufferPointer.SubSequence

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

  /// How many bytes are left.
  var remaining: Int { rest.count }

  mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type = Value.self
  ) throws(PostgresError) -> Value {
    Value(bigEndian: try bytes(MemoryLayout<Value>.size).loadUnaligned(as: Value.self))
  }

  mutating func bytes(_ count: Int) throws(PostgresError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= rest.count else { throw PostgresError(.decoding, "the bytes end too early") }
    let taken = rest.prefix(count)
    rest = rest.dropFirst(count)
    return UnsafeRawBufferPointer(rebasing: taken)
  }

  /// A length in four bytes and as many bytes; nil for a length of -1, which stands for NULL.
  mutating func lengthPrefixed() throws(PostgresError) -> UnsafeRawBufferPointer? {
    let length: Int32 = try integer()
    return length == -1 ? nil : try bytes(Int(length))
  }
}
