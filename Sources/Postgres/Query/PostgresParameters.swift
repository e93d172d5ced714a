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
  private var writer = PostgresWriter()

  /// The most values that the protocol can carry in one statement.
  public static let limit = 65_535

  private static let firstCapacity = 128

  /// No values.
  public init() {}

  /// The values as `$1`, `$2` and so on.
  public init<each Value: PostgresEncodable>(_ values: repeat each Value) {
    repeat append(each values)
  }

  /// Appends a value as the next `$n`.
  public mutating func append<Value: PostgresEncodable>(_ value: Value) {
    append(value, placeholder: .max)
  }

  /// Appends a value whose `$n` stands at that byte of the statement's text.
  mutating func append<Value: PostgresEncodable>(_ value: Value, placeholder: UInt32) {
    if count == 0 { writer.bytes.reserveCapacity(PostgresParameters.firstCapacity) }
    let start = writer.bytes.count
    let type = Value.postgresType.rawValue
    let format = Value.postgresFormat
    var entry = Entry(type: type, length: -1, format: format.rawValue, placeholder: placeholder)
    writer.append(entry)
    if !value.isPostgresNull {
      do { try value.encode(into: &writer) } catch { fail(error) }
      entry.length = Int32(clamping: writer.bytes.count - start - Entry.size)
      writer.replace(entry, at: start)
      if format == .text { writer.write(0) }
    }
    count += 1
    typeSignature = (typeSignature ^ UInt64(type)) &* 0x100_0000_01B3
    if count > PostgresParameters.limit { failTooMany() }
  }

  /// Appends a parameter of another statement; its bytes are copied as they are.
  mutating func append(_ entry: Entry, bytes: ArraySlice<UInt8>, placeholder: UInt32) {
    writer.append(Entry(type: entry.type, length: entry.length, format: entry.format, placeholder: placeholder))
    writer.write(bytes: bytes)
    count += 1
    typeSignature = (typeSignature ^ UInt64(entry.type)) &* 0x100_0000_01B3
    if count > PostgresParameters.limit { failTooMany() }
  }

  mutating func fail(_ error: PostgresError) {
    if failure == nil { failure = error.located("parameter $\(count + 1)") }
  }

  private mutating func failTooMany() {
    if failure != nil { return }
    failure = PostgresError(
      .encoding, "a statement can have \(PostgresParameters.limit) parameters at most; send an array instead")
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
  public func withPointers<Result>(_ body: (Pointers) -> Result) throws(PostgresError) -> Result {
    if let failure { throw failure }
    return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: 3 * count) { numbers in
        writer.bytes.withUnsafeBytes { bytes in
          fill(values, numbers, from: bytes)
          return body(Pointers(count: count, values: values, numbers: numbers))
        }
      }
    }
  }

  /// `numbers` holds all types, then all lengths, then all formats.
  private func fill(
    _ values: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>, _ numbers: UnsafeMutableBufferPointer<Int32>,
    from bytes: UnsafeRawBufferPointer
  ) {
    var offset = 0
    for index in 0..<count {
      let entry = bytes.loadUnaligned(fromByteOffset: offset, as: Entry.self)
      offset += Entry.size
      let start = bytes.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self)
      values.initializeElement(at: index, to: entry.length < 0 ? nil : start)
      numbers.initializeElement(at: index, to: Int32(bitPattern: entry.type))
      numbers.initializeElement(at: count + index, to: max(entry.length, 0))
      numbers.initializeElement(at: 2 * count + index, to: entry.format)
      offset += entry.byteCount
    }
  }
}

extension PostgresParameters.Pointers {
  fileprivate init(
    count: Int, values: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>, numbers: UnsafeMutableBufferPointer<Int32>
  ) {
    self.count = Int32(count)
    self.values = UnsafePointer(values.baseAddress)
    let first = numbers.baseAddress.map { UnsafePointer($0) }
    types = first.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt32.self) }
    lengths = first?.advanced(by: count)
    formats = first?.advanced(by: 2 * count)
  }
}

extension PostgresWriter {
  fileprivate mutating func append(_ entry: PostgresParameters.Entry) {
    withUnsafeBytes(of: entry) { bytes.append(contentsOf: $0) }
  }

  fileprivate mutating func replace(_ entry: PostgresParameters.Entry, at offset: Int) {
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: entry, toByteOffset: offset, as: PostgresParameters.Entry.self) }
  }
}
