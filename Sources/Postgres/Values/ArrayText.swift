/// Parses the text form of an array of one dimension ("Array Input and Output Syntax" in PostgreSQL's manual):
/// `{1,NULL,"a \"b\""}`, possibly with bounds before it: `[0:2]={…}`.
struct ArrayText {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Calls `body` with each element, nil for NULL.
  mutating func parse(_ body: ([UInt8]?) throws(PostgresError) -> Void) throws(PostgresError) {
    skipBounds()
    guard take() == UInt8(ascii: "{") else { throw malformed }
    if peek == UInt8(ascii: "}") {
      position += 1
    } else {
      try parseElements(body)
    }
    guard position == bytes.count else { throw malformed }
  }

  private mutating func parseElements(_ body: ([UInt8]?) throws(PostgresError) -> Void) throws(PostgresError) {
    while true {
      try body(try element())
      switch take() {
      case UInt8(ascii: ","): continue
      case UInt8(ascii: "}"): return
      default: throw malformed
      }
    }
  }

  private mutating func element() throws(PostgresError) -> [UInt8]? {
    switch peek {
    case UInt8(ascii: "{"): try PostgresCell.checkDimensions(2)
    case UInt8(ascii: "\""): return try quoted()
    default: break
    }
    var content: [UInt8] = []
    while let byte = peek, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}") {
      position += 1
      content.append(byte == UInt8(ascii: "\\") ? try escaped() : byte)
    }
    if content.isEmpty { throw malformed }
    return content.elementsEqual("NULL".utf8) ? nil : content
  }

  private mutating func quoted() throws(PostgresError) -> [UInt8] {
    position += 1
    var content: [UInt8] = []
    while let byte = take() {
      switch byte {
      case UInt8(ascii: "\""): return content
      case UInt8(ascii: "\\"): content.append(try escaped())
      default: content.append(byte)
      }
    }
    throw malformed
  }

  private mutating func escaped() throws(PostgresError) -> UInt8 {
    guard let byte = take() else { throw malformed }
    return byte
  }

  private mutating func skipBounds() {
    guard peek == UInt8(ascii: "[") else { return }
    while let byte = take(), byte != UInt8(ascii: "=") {}
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take() -> UInt8? {
    guard let byte = peek else { return nil }
    position += 1
    return byte
  }

  private var malformed: PostgresError { PostgresCell.malformed("array in text form") }
}
