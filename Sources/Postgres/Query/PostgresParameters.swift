/// The values of a statement, ready for `PQsendQueryPrepared` and `PQsendQueryParams`: one buffer, one allocation for
/// as many values as fit in 128 bytes.
///
/// A value that cannot be sent does not stop the building; the first such error is thrown when the parameters are used.
public struct PostgresParameters: Sendable {
  /// The number of values.
  public private(set) var count = 0
  /// Why the values cannot be sent: the first error of an encoding.
  public private(set) var failure: PostgresError?
  /// A hash of the values' types, in order. Together with the text it is the key of a prepared statement.
  public private(set) var typeSignature: UInt64 = 0xCBF2_9CE4_8422_2325

  // For each value an Entry, its bytes, and for text the zero byte that libpq looks for.
  @usableFromInline var writer = PostgresWriter()

  /// The most values that the protocol can carry in one statement.
  public static let limit = 65_535

  private static let firstCapacity = 128

  /// No values.
  public init() {}

  /// The values as `$1`, `$2` and so on.
  @inlinable public init<each Value: PostgresEncodable>(_ values: repeat each Value) {
    repeat append(each values)
  }

  /// Appends a value as the next `$n`.
  @inlinable public mutating func append<Value: PostgresEncodable>(_ value: Value) {
    append(value, placeholder: .max)
  }

  /// Appends a value whose `$n` stands at that byte of the statement's text.
  @inlinable mutating func append<Value: PostgresEncodable>(_ value: Value, placeholder: UInt32) {
    let start = begin(Value.postgresType, Value.postgresFormat, placeholder)
    if value.isPostgresNull { return }
    do { try value.encode(into: &writer) } catch { fail(error) }
    finish(at: start, Value.postgresFormat)
  }

  /// Appends the entry of a NULL and returns where it begins.
  @usableFromInline mutating func begin(_ type: PostgresType, _ format: PostgresFormat, _ placeholder: UInt32) -> Int {
    if count == 0 { writer.bytes.reserveCapacity(PostgresParameters.firstCapacity) }
    let start = writer.bytes.count
    let entry = Entry(type: type.rawValue, length: -1, format: format.rawValue, placeholder: placeholder)
    writer.append(entry)
    countOne(type.rawValue)
    return start
  }

  /// Writes the length of the value that was appended into its entry.
  @usableFromInline mutating func finish(at start: Int, _ format: PostgresFormat) {
    let length = Int32(clamping: writer.bytes.count - start - Entry.size)
    writer.bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: length, toByteOffset: start + Entry.lengthOffset, as: Int32.self)
    }
    if format == .text { writer.write(0) }
  }

  /// Appends a parameter of another statement; its bytes are copied as they are.
  mutating func append(_ entry: Entry, bytes: ArraySlice<UInt8>, placeholder: UInt32) {
    writer.append(Entry(type: entry.type, length: entry.length, format: entry.format, placeholder: placeholder))
    writer.write(bytes: bytes)
    countOne(entry.type)
  }

  /// FNV-1a over the types (Fowler, Noll and Vo), a type at a time.
  private mutating func countOne(_ type: UInt32) {
    count += 1
    typeSignature = (typeSignature ^ UInt64(type)) &* 0x100_0000_01B3
    if count > PostgresParameters.limit, failure == nil {
      failure = PostgresError(
        .encoding, "a statement can have \(PostgresParameters.limit) parameters at most; send an array instead")
    }
  }

  /// Keeps the first error, one that is not about a value.
  mutating func fail(part error: PostgresError) {
    if failure == nil { failure = error }
  }

  /// Keeps the first error. The parameter that it is about has been counted.
  @usableFromInline mutating func fail(_ error: PostgresError) {
    if failure == nil { failure = error.located("parameter $\(count)") }
  }
}

extension PostgresParameters {
  /// What stands before the bytes of each value.
  struct Entry: BitwiseCopyable {
    var type: UInt32
    var length: Int32
    var format: Int32
    var placeholder: UInt32

    static var size: Int { MemoryLayout<Entry>.size }
    /// Where `length` stands, behind `type`.
    static var lengthOffset: Int { MemoryLayout<UInt32>.size }

    /// How many bytes follow: the value's, and the zero byte behind text.
    var byteCount: Int { length < 0 ? 0 : Int(length) + (format == PostgresFormat.text.rawValue ? 1 : 0) }
  }

  /// Calls `body` with each entry and the bytes that follow it.
  func forEach(_ body: (Entry, ArraySlice<UInt8>) -> Void) {
    var offset = 0
    for _ in 0..<count {
      let entry = writer.bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Entry.self) }
      let start = offset + Entry.size
      offset = start + entry.byteCount
      body(entry, writer.bytes[start..<offset])
    }
  }
}

extension PostgresParameters {
  /// The arrays that libpq takes; valid within the call only.
  public struct Pointers {
    /// The number of values.
    public let count: Int32
    /// The object identifiers of their types; 0 where the server is to infer one.
    public let types: UnsafePointer<UInt32>?
    /// The values; nil where NULL.
    public let values: UnsafePointer<UnsafePointer<CChar>?>?
    /// Their lengths in bytes.
    public let lengths: UnsafePointer<Int32>?
    /// Their forms: 0 for text, 1 for binary.
    public let formats: UnsafePointer<Int32>?
  }

  /// Calls `body` with the values as libpq takes them. Throws if one of them could not be encoded.
  @inlinable public func withPointers<Result>(_ body: (Pointers) -> Result) throws(PostgresError) -> Result {
    if let failure { throw failure }
    // Memory of a size that the compiler knows is on the stack.
    if count <= 8 {
      return withUnsafeTemporaryAllocation(byteCount: 8 * 20, alignment: 8) { scratch in
        writer.bytes.withUnsafeBytes { body(Pointers(scratch, count, $0)) }
      }
    }
    return withUnsafeTemporaryAllocation(byteCount: count * 20, alignment: 8) { scratch in
      writer.bytes.withUnsafeBytes { body(Pointers(scratch, count, $0)) }
    }
  }
}

extension PostgresParameters.Pointers {
  /// Fills `scratch`, 20 bytes for each value: all pointers, then all types, all lengths, all formats.
  @usableFromInline init(_ scratch: UnsafeMutableRawBufferPointer, _ count: Int, _ bytes: UnsafeRawBufferPointer) {
    self.count = Int32(count)
    let values = scratch.baseAddress?.bindMemory(to: UnsafePointer<CChar>?.self, capacity: count)
    let numbers = scratch.baseAddress?.advanced(by: 8 * count).bindMemory(to: Int32.self, capacity: 3 * count)
    self.values = UnsafePointer(values)
    types = numbers.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt32.self) }
    lengths = UnsafePointer(numbers?.advanced(by: count))
    formats = UnsafePointer(numbers?.advanced(by: 2 * count))
    guard let values, let numbers else { return }
    var offset = 0
    for index in 0..<count {
      let entry = bytes.loadUnaligned(fromByteOffset: offset, as: PostgresParameters.Entry.self)
      offset += PostgresParameters.Entry.size
      let start = bytes.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self)
      (values + index).initialize(to: entry.length < 0 ? nil : start)
      (numbers + index).initialize(to: Int32(bitPattern: entry.type))
      (numbers + count + index).initialize(to: max(entry.length, 0))
      (numbers + 2 * count + index).initialize(to: entry.format)
      offset += entry.byteCount
    }
  }
}

extension PostgresWriter {
  fileprivate mutating func append(_ entry: PostgresParameters.Entry) {
    withUnsafeBytes(of: entry) { bytes.append(contentsOf: $0) }
  }
}
