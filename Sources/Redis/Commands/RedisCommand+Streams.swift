/// An entry of a stream.
public struct RedisStreamEntry: RedisDecodable, Hashable {
  /// Its place in the stream, such as `1526919030474-55`.
  public let id: String
  /// Its fields in order, with their values; none if the entry has been deleted.
  public let fields: [RedisStreamField]

  /// Reads an array of an id and the fields.
  public init(reply: RESPValue) throws {
    guard case .array(let parts) = reply, parts.count == 2 else {
      throw reply.mismatch(expected: "an entry of a stream")
    }
    id = try String(reply: parts[0])
    guard case .array(let items) = parts[1], items.count.isMultiple(of: 2) else {
      fields = []
      return
    }
    fields = try stride(from: 0, to: items.count, by: 2).map {
      RedisStreamField(name: try String(reply: items[$0]), value: try [UInt8](reply: items[$0 + 1]))
    }
  }

  /// The value of a field as text, or nil if there is none.
  public subscript(name: String) -> String? {
    fields.first { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
  }
}

/// A field of a stream's entry.
public struct RedisStreamField: Sendable, Hashable {
  /// Its name.
  public let name: String
  /// Its value.
  public let value: [UInt8]
}

/// Entries by the keys of their streams; empty when there were none for so long.
public struct RedisStreams: RedisDecodable, Hashable {
  /// The entries of each stream that has new ones, in order.
  public let entries: [String: [RedisStreamEntry]]

  /// Reads the reply of `XREAD`.
  public init(reply: RESPValue) throws {
    if case .null = reply {
      entries = [:]
      return
    }
    guard case .array(let streams) = reply else { throw reply.mismatch(expected: "entries of streams") }
    var entries: [String: [RedisStreamEntry]] = [:]
    for stream in streams {
      guard case .array(let parts) = stream, parts.count == 2 else { throw stream.mismatch(expected: "a stream") }
      entries[try String(reply: parts[0])] = try [RedisStreamEntry](reply: parts[1])
    }
    self.entries = entries
  }

  /// The entries of a stream.
  public subscript(key: String) -> [RedisStreamEntry] { entries[key] ?? [] }
}

extension RedisCommand {
  /// `XADD`: the new entry's id.
  ///
  /// - Parameter maxLength: about how many entries the stream keeps; older ones go.
  public static func xadd(
    _ key: String, id: String = "*", _ fields: [(name: String, value: any RedisArgument)], maxLength: Int? = nil
  ) -> Self where Reply == String {
    Self("XADD") {
      $0.append(key)
      if let maxLength {
        $0.append("MAXLEN")
        $0.append("~")
        $0.append(maxLength)
      }
      $0.append(id)
      for (name, value) in fields {
        $0.append(name)
        value.append(to: &$0)
      }
    }
  }

  /// `XLEN`: how many entries the stream has.
  public static func xlen(_ key: String) -> Self where Reply == Int { Self("XLEN", readOnly: true) { $0.append(key) } }

  /// `XDEL`: how many of the entries there were.
  public static func xdel(_ key: String, _ ids: [String]) -> Self where Reply == Int {
    Self("XDEL") {
      $0.append(key)
      for id in ids { $0.append(id) }
    }
  }

  /// `XRANGE`: entries from one id to another, both included; `-` and `+` are the first and the last.
  public static func xrange(
    _ key: String, from first: String = "-", to last: String = "+", count: Int? = nil
  ) -> Self where Reply == [RedisStreamEntry] {
    Self("XRANGE", readOnly: true) {
      $0.append(key)
      $0.append(first)
      $0.append(last)
      appendCount(count, to: &$0)
    }
  }

  /// `XREAD`: entries after an id of each stream; `$` waits for new ones.
  ///
  /// - Parameter block: how long to wait if there are none; `.zero` without end, nil not at all.
  public static func xread(
    _ streams: [(key: String, after: String)], count: Int? = nil, block: Duration? = nil
  ) -> Self where Reply == RedisStreams {
    var command = Self("XREAD", readOnly: true) {
      appendCount(count, to: &$0)
      appendBlock(block, to: &$0)
      appendStreams(streams, to: &$0)
    }
    command.blocks = block
    return command
  }

  /// `XREADGROUP`: entries for one consumer of a group; `>` stands for those that nobody has got yet.
  public static func xreadgroup(
    _ group: String, _ consumer: String, _ streams: [(key: String, after: String)], count: Int? = nil,
    block: Duration? = nil, acknowledged: Bool = false
  ) -> Self where Reply == RedisStreams {
    var command = Self("XREADGROUP") {
      $0.append("GROUP")
      $0.append(group)
      $0.append(consumer)
      appendCount(count, to: &$0)
      appendBlock(block, to: &$0)
      if acknowledged { $0.append("NOACK") }
      appendStreams(streams, to: &$0)
    }
    command.blocks = block
    return command
  }

  /// `XACK`: how many of the entries were waiting to be acknowledged.
  public static func xack(_ key: String, _ group: String, _ ids: [String]) -> Self where Reply == Int {
    Self("XACK") {
      $0.append(key)
      $0.append(group)
      for id in ids { $0.append(id) }
    }
  }

  /// `XGROUP CREATE … MKSTREAM`: makes a group, and the stream if there is none. The error `BUSYGROUP` says that there is
  /// such a group.
  public static func xgroupCreate(_ key: String, _ group: String, from id: String = "$") -> Self
  where Reply == RedisOK {
    Self("XGROUP") {
      for word in ["CREATE", key, group, id, "MKSTREAM"] { $0.append(word) }
    }
  }

  /// `XPENDING`: how many entries of a group wait to be acknowledged.
  public static func xpendingCount(_ key: String, _ group: String) -> Self where Reply == RedisPendingCount {
    Self("XPENDING", readOnly: true) {
      $0.append(key)
      $0.append(group)
    }
  }

  /// `XAUTOCLAIM`: takes over entries that other consumers have left for so long.
  public static func xautoclaim(
    _ key: String, _ group: String, _ consumer: String, idle: Duration, from id: String = "0-0", count: Int = 100
  ) -> Self where Reply == RedisClaimed {
    Self("XAUTOCLAIM") {
      for word in [key, group, consumer] { $0.append(word) }
      $0.append(idle.milliseconds)
      $0.append(id)
      appendCount(count, to: &$0)
    }
  }

  /// `XTRIM`: how many of the oldest entries went.
  public static func xtrim(_ key: String, maxLength: Int) -> Self where Reply == Int {
    Self("XTRIM") {
      $0.append(key)
      $0.append("MAXLEN")
      $0.append(maxLength)
    }
  }

  private static func appendCount(_ count: Int?, to arguments: inout RedisArguments) {
    guard let count else { return }
    arguments.append("COUNT")
    arguments.append(count)
  }

  private static func appendBlock(_ block: Duration?, to arguments: inout RedisArguments) {
    guard let block else { return }
    arguments.append("BLOCK")
    arguments.append(block <= .zero ? 0 : block.atLeastOneMillisecond)
  }

  private static func appendStreams(_ streams: [(key: String, after: String)], to arguments: inout RedisArguments) {
    arguments.append("STREAMS")
    for stream in streams { arguments.append(stream.key) }
    for stream in streams { arguments.append(stream.after) }
  }
}

/// How many entries of a group wait to be acknowledged.
public struct RedisPendingCount: RedisDecodable, Hashable {
  /// How many.
  public let count: Int

  /// Reads the summary of `XPENDING`.
  public init(reply: RESPValue) throws {
    guard case .array(let parts) = reply, let first = parts.first else { throw reply.mismatch(expected: "a summary") }
    count = try Int(reply: first)
  }
}

/// Entries that a consumer has taken over from others.
public struct RedisClaimed: RedisDecodable, Hashable {
  /// Where to go on; `0-0` when all has been looked at.
  public let next: String
  /// The entries.
  public let entries: [RedisStreamEntry]

  /// Reads the reply of `XAUTOCLAIM`.
  public init(reply: RESPValue) throws {
    guard case .array(let parts) = reply, parts.count >= 2 else { throw reply.mismatch(expected: "claimed entries") }
    next = try String(reply: parts[0])
    entries = try [RedisStreamEntry](reply: parts[1])
  }
}
