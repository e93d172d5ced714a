/// How large a reply may become. A reply past a limit is an error and closes its connection: what follows on it cannot
/// be told apart any more.
public struct RESPLimits: Sendable, Hashable {
  /// Arrays within arrays. At most 8, which is as far as the codec goes.
  public var depth: Int
  /// Values in one reply, those of nested arrays included.
  public var elements: Int
  /// Bytes of one bulk string.
  public var bulkBytes: Int
  /// Bytes of one reply: its strings, and 16 for each value.
  public var replyBytes: Int
  /// Bytes of one line: a simple string, an error, a number.
  public var lineBytes: Int

  /// Limits; the defaults suit a backend that reads many small values and now and then a large one.
  public init(
    depth: Int = 8, elements: Int = 4 << 20, bulkBytes: Int = 64 << 20, replyBytes: Int = 128 << 20,
    lineBytes: Int = 64 << 10
  ) {
    self.depth = min(max(depth, 1), 8)
    self.elements = max(elements, 1)
    self.bulkBytes = max(bulkBytes, 1)
    self.replyBytes = max(replyBytes, 1)
    self.lineBytes = max(lineBytes, 64)
  }
}

/// Why bytes of the server cannot be read. The connection is of no more use.
struct RESPViolation: Error, Equatable {
  let message: String

  init(_ message: String) { self.message = message }
}
