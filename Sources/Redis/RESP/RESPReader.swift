import CHiredis

/// Reads replies out of bytes, in whatever pieces they come: hiredis' reader, which builds our values directly instead of
/// its own tree of replies. Not thread-safe: it belongs to the one thread that reads the socket.
final class RESPReader {
  /// The reader gives its buffer back when it is empty and has more room than this, so that one giant reply does not
  /// occupy its size for ever, and ordinary ones never allocate.
  private static let keptBuffer = 1 << 20

  private let reader: UnsafeMutablePointer<redisReader>
  private let builder: UnsafeMutablePointer<ReplyBuilder>
  private let limits: RESPLimits
  private var failure: RESPViolation?

  /// A reader with limits. Nil when there is no memory for it.
  init?(limits: RESPLimits) {
    guard let reader = redisReaderCreateWithFunctions(ReplyFunctions.table) else { return nil }
    self.limits = limits
    self.reader = reader
    builder = .allocate(capacity: 1)
    builder.initialize(to: ReplyBuilder(limits: limits))
    reader.pointee.privdata = UnsafeMutableRawPointer(builder)
    reader.pointee.maxbuf = Self.keptBuffer
  }

  deinit {
    redisReaderFree(reader)
    builder.deinitialize(count: 1)
    builder.deallocate()
  }

  /// Bytes that have arrived and belong to no finished reply yet.
  var bufferedBytes: Int { reader.pointee.len - reader.pointee.pos }

  /// Takes bytes from the server. Feed in pieces of some 16 KiB: the reader moves what it has not read yet with each
  /// kilobyte that it has.
  func feed(_ bytes: UnsafeRawBufferPointer) throws(RESPViolation) {
    if let failure { throw failure }
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    guard redisReaderFeed(reader, start.assumingMemoryBound(to: CChar.self), bytes.count) == REDIS_OK else {
      throw fail(RESPViolation("no memory for the reply"))
    }
  }

  /// The next finished reply, or nil until more bytes come. Once it has thrown it always throws.
  func next() throws(RESPViolation) -> RESPValue? {
    if let failure { throw failure }
    var finished: UnsafeMutableRawPointer?
    guard redisReaderGetReply(reader, &finished) == REDIS_OK else {
      throw fail(builder.pointee.violation ?? RESPViolation(protocolError))
    }
    if let reply = builder.pointee.takeReply() { return reply }
    // Newer versions of the codec know RESP3, whose further types have no function here.
    if finished != nil { throw fail(RESPViolation("a reply in RESP3, which was not asked for")) }
    if let violation = violationOfPendingItem() { throw fail(violation) }
    return nil
  }

  private func fail(_ violation: RESPViolation) -> RESPViolation {
    builder.pointee.abandon()
    failure = violation
    return violation
  }

  /// The codec's own words, which quote at most one byte of what the server sent.
  private var protocolError: String {
    withUnsafeBytes(of: &reader.pointee.errstr) { text in
      "not a reply in RESP2: " + String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// Looks at the item that has not arrived in full, so that a limit is held before the bytes are there.
  private func violationOfPendingItem() -> RESPViolation? {
    let pending = bufferedBytes
    let type = mainstay_pending_type(reader)
    guard type >= 0, pending > 0, let buffer = reader.pointee.buf else { return nil }
    guard type == REDIS_REPLY_STRING else {
      return pending > limits.lineBytes
        ? RESPViolation("a line of more than \(limits.lineBytes) bytes (lineBytes)") : nil
    }
    let start = UnsafeRawPointer(buffer + reader.pointee.pos)
    return violation(ofBulk: UnsafeRawBufferPointer(start: start, count: min(pending, 32)))
  }

  /// `head` starts with the length of a bulk string, up to the line's end.
  private func violation(ofBulk head: UnsafeRawBufferPointer) -> RESPViolation? {
    // "-1" is null; whatever else begins with a sign is refused by the codec.
    if head.first == UInt8(ascii: "-") { return nil }
    var length = 0
    for byte in head {
      if byte == UInt8(ascii: "\r") { return builder.pointee.admits(bulkBytes: length) }
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), length <= Int.max / 16 else {
        return RESPViolation("a bulk string whose length is no number")
      }
      length = length * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return head.count < 32 ? nil : RESPViolation("a bulk string whose length is no number")
  }
}

/// The functions that hiredis calls for each value it has read. Its own notion of an object is not used: any pointer that
/// is not null means "taken".
private enum ReplyFunctions {
  // Written once, before its first use, and only read from then on.
  nonisolated(unsafe) static let table: UnsafeMutablePointer<redisReplyObjectFunctions> = {
    let table = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
    // One by one: newer versions of the codec have functions for RESP3 too, which stay unset.
    var functions = redisReplyObjectFunctions()
    functions.createString = { task, text, length in ReplyFunctions.string(task, text, length) }
    functions.createArray = { task, count in ReplyFunctions.withBuilder(task) { $0.openArray(count: Int(count)) } }
    functions.createInteger = { task, value in ReplyFunctions.withBuilder(task) { $0.add(.integer(value), bytes: 0) } }
    functions.createNil = { task in ReplyFunctions.withBuilder(task) { $0.add(.null, bytes: 0) } }
    functions.freeObject = { _ in }
    table.initialize(to: functions)
    return table
  }()

  private static var taken: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }

  @inline(__always)
  private static func withBuilder(
    _ task: UnsafePointer<redisReadTask>?, _ body: (inout ReplyBuilder) -> Bool
  ) -> UnsafeMutableRawPointer? {
    guard let builder = task?.pointee.privdata?.assumingMemoryBound(to: ReplyBuilder.self) else { return nil }
    return body(&builder.pointee) ? taken : nil
  }

  @inline(__always)
  private static func string(
    _ task: UnsafePointer<redisReadTask>?, _ text: UnsafeMutablePointer<CChar>?, _ length: Int
  ) -> UnsafeMutableRawPointer? {
    withBuilder(task) { builder in
      let bytes = UnsafeRawBufferPointer(start: text, count: length)
      switch task?.pointee.type {
      case REDIS_REPLY_STRING:
        return builder.add(.bulk([UInt8](bytes)), bytes: length)
      case REDIS_REPLY_ERROR: return builder.add(.error(String(decoding: bytes, as: UTF8.self)), bytes: length)
      default: return builder.add(.simple(String(decoding: bytes, as: UTF8.self)), bytes: length)
      }
    }
  }
}
