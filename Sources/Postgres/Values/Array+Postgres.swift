// Arrays of one dimension. NULL elements are read as optionals: `[Int?]`.
//
// The binary form (`array_send` in PostgreSQL's arrayfuncs.c): the number of dimensions, a flag for NULLs and the type
// of the elements; for each dimension its length and its lower bound; then each element, preceded by its length.

extension Array: PostgresEncodable where Element: PostgresEncodable {
  /// The array type of the elements' type; `bytea` for bytes.
  public static var postgresType: PostgresType { Element.postgresArrayType }
  /// As the elements ask for.
  public static var postgresFormat: PostgresFormat { Element.postgresArrayFormat }

  /// Appends the array.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    try Element.encodeArray(self, into: &writer)
  }

  /// Appends an array of bytes (`bytea[]`). Throws for every other array of arrays.
  public static func encodeArray(_ elements: [Self], into writer: inout PostgresWriter) throws(PostgresError) {
    guard Element.postgresArrayType == .bytea else {
      throw PostgresError(.encoding, "arrays of several dimensions cannot be sent; send one dimension, or json")
    }
    try writer.write(array: elements)
  }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
  /// Reads an array of one dimension.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) { self = try Element.decodeArray(from: cell) }
}

extension PostgresEncodable {
  /// Appends an array of one dimension.
  public static func encodeArray(_ elements: [Self], into writer: inout PostgresWriter) throws(PostgresError) {
    try writer.write(array: elements)
  }
}

extension PostgresDecodable {
  /// Reads an array of one dimension.
  public static func decodeArray(from cell: borrowing PostgresCell) throws(PostgresError) -> [Self] {
    switch cell.format {
    case .binary: try cell.binaryArray()
    case .text: try cell.textArray()
    }
  }
}

// MARK: Writing

extension PostgresWriter {
  fileprivate mutating func write<Element: PostgresEncodable>(array: [Element]) throws(PostgresError) {
    switch Element.postgresFormat {
    case .binary: try write(binary: array)
    case .text: try write(text: array)
    }
  }

  private mutating func write<Element: PostgresEncodable>(binary array: [Element]) throws(PostgresError) {
    guard let count = Int32(exactly: array.count) else {
      throw PostgresError(.encoding, "the array has more elements than the protocol can count")
    }
    writeArrayHeader(of: Element.postgresType, count: count, hasNulls: array.contains { $0.isPostgresNull })
    for element in array {
      try writeLengthPrefixed { writer throws(PostgresError) in
        if element.isPostgresNull { return false }
        try element.encode(into: &writer)
        return true
      }
    }
  }

  /// What stands before the elements in the binary form.
  mutating func writeArrayHeader(of element: PostgresType, count: Int32, hasNulls: Bool) {
    write(integer: Int32(count == 0 ? 0 : 1))
    write(integer: Int32(hasNulls ? 1 : 0))
    write(integer: element.rawValue)
    if count == 0 { return }
    write(integer: count)
    write(integer: Int32(1))
  }

  /// `{"a","b \"c\"",NULL}`
  private mutating func write<Element: PostgresEncodable>(text array: [Element]) throws(PostgresError) {
    write(UInt8(ascii: "{"))
    var isFirst = true
    for element in array {
      if !isFirst { write(UInt8(ascii: ",")) }
      isFirst = false
      if element.isPostgresNull {
        write(bytes: "NULL".utf8)
      } else {
        var inner = PostgresWriter()
        try element.encode(into: &inner)
        writeQuoted(inner.bytes)
      }
    }
    write(UInt8(ascii: "}"))
  }

  private mutating func writeQuoted(_ content: [UInt8]) {
    write(UInt8(ascii: "\""))
    for byte in content {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { write(UInt8(ascii: "\\")) }
      write(byte)
    }
    write(UInt8(ascii: "\""))
  }
}

// MARK: Reading

extension PostgresCell {
  fileprivate func binaryArray<Element: PostgresDecodable>() throws(PostgresError) -> [Element] {
    var reader = PostgresReader(bytes)
    let dimensions: Int32 = try reader.integer()
    _ = try reader.integer(Int32.self)
    let type = PostgresType(rawValue: try reader.integer())
    if dimensions == 0 { return [] }
    try PostgresCell.checkDimensions(Int(dimensions))
    let count: Int32 = try reader.integer()
    _ = try reader.integer(Int32.self)
    // Each element takes four bytes at least, so that a false count reserves no memory.
    guard count >= 0, Int(count) <= reader.remaining / 4 else { throw malformed() }
    var elements: [Element] = []
    elements.reserveCapacity(Int(count))
    for _ in 0..<count {
      elements.append(try PostgresCell.element(at: elements.count, try reader.lengthPrefixed(), type, .binary))
    }
    guard reader.remaining == 0 else { throw malformed() }
    return elements
  }

  fileprivate func textArray<Element: PostgresDecodable>() throws(PostgresError) -> [Element] {
    let elementType = type.element ?? .unspecified
    var parser = ArrayText(bytes)
    var elements: [Element] = []
    try parser.parse { content throws(PostgresError) in
      elements.append(try PostgresCell.element(at: elements.count, content, elementType))
    }
    return elements
  }

  static func checkDimensions(_ count: Int) throws(PostgresError) {
    guard count == 1 else {
      throw PostgresError(
        .decoding, "the array has several dimensions; flatten it in the statement (unnest), or select it as json")
    }
  }

  private static func element<Element: PostgresDecodable>(
    at index: Int, _ bytes: UnsafeRawBufferPointer?, _ type: PostgresType, _ format: PostgresFormat
  ) throws(PostgresError) -> Element {
    do {
      guard let bytes else { return try Element.decodeNull() }
      return try Element(from: PostgresCell(bytes: bytes, type: type, format: format))
    } catch {
      throw error.located("element \(index)")
    }
  }

  private static func element<Element: PostgresDecodable>(
    at index: Int, _ content: [UInt8]?, _ type: PostgresType
  ) throws(PostgresError) -> Element {
    guard let content else { return try element(at: index, nil, type, .text) }
    // The typed throw does not pass through the closure of the standard library.
    let result: Result<Element, PostgresError> = content.withUnsafeBytes { bytes in
      do throws(PostgresError) { return .success(try element(at: index, bytes, type, .text)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}
