/// How long a key lives.
public enum RedisTimeToLive: RedisDecodable, Hashable {
  /// There is no such key.
  case absent
  /// It stays.
  case unlimited
  /// It goes after this time.
  case remaining(Duration)

  /// Reads the milliseconds of `PTTL`.
  public init(reply: RESPValue) throws {
    switch try Int64(reply: reply) {
    case -2: self = .absent
    case -1: self = .unlimited
    case let milliseconds: self = .remaining(.milliseconds(milliseconds))
    }
  }
}

/// One page of a scan.
public struct RedisScanPage<Element: RedisDecodable>: RedisDecodable {
  /// What to go on with; 0 means that the scan is over.
  public let cursor: UInt64
  /// What was found; a scan may find the same more than once.
  public let elements: [Element]

  /// Reads an array of a cursor and the elements.
  public init(reply: RESPValue) throws {
    guard case .array(let parts) = reply, parts.count == 2 else { throw reply.mismatch(expected: "a page of a scan") }
    guard let cursor = UInt64(try String(reply: parts[0])) else { throw parts[0].mismatch(expected: "a cursor") }
    self.cursor = cursor
    elements = try [Element](reply: parts[1])
  }
}

extension RedisCommand {
  /// `DEL`: how many of the keys there were.
  public static func del(_ keys: String...) -> Self where Reply == Int { del(keys) }

  /// `DEL`: how many of the keys there were.
  public static func del(_ keys: [String]) -> Self where Reply == Int {
    Self("DEL") { for key in keys { $0.append(key) } }
  }

  /// `UNLINK`: as `DEL`, but the memory is given back in the background.
  public static func unlink(_ keys: [String]) -> Self where Reply == Int {
    Self("UNLINK") { for key in keys { $0.append(key) } }
  }

  /// `EXISTS`: how many of the keys there are.
  public static func exists(_ keys: String...) -> Self where Reply == Int {
    Self("EXISTS", readOnly: true) { for key in keys { $0.append(key) } }
  }

  /// `PEXPIRE` or `PEXPIREAT`: whether there is such a key. `.keep` leaves it as it is.
  public static func expire(_ key: String, _ expiry: RedisExpiry) -> Self where Reply == Bool {
    switch expiry {
    case .after(let time):
      Self("PEXPIRE") {
        $0.append(key)
        $0.append(time.milliseconds)
      }
    case .at(let moment):
      Self("PEXPIREAT") {
        $0.append(key)
        $0.append(moment.milliseconds)
      }
    case .keep: Self("EXISTS", readOnly: true) { $0.append(key) }
    }
  }

  /// `PERSIST`: whether the key had an expiry.
  public static func persist(_ key: String) -> Self where Reply == Bool { Self("PERSIST") { $0.append(key) } }

  /// `PTTL`: how long the key lives.
  public static func ttl(_ key: String) -> Self where Reply == RedisTimeToLive {
    Self("PTTL", readOnly: true) { $0.append(key) }
  }

  /// `TYPE`: what the key holds, such as `string`, `hash` or `none`.
  public static func type(_ key: String) -> Self where Reply == String {
    Self("TYPE", readOnly: true) { $0.append(key) }
  }

  /// `RENAME`: overwrites the new key. An error if there is no such key.
  public static func rename(_ key: String, to newKey: String) -> Self where Reply == RedisOK {
    Self("RENAME") {
      $0.append(key)
      $0.append(newKey)
    }
  }

  /// `SCAN`: a page of keys. `RedisClient.keys(matching:)` goes through all pages.
  public static func scan(
    cursor: UInt64 = 0, matching pattern: String? = nil, count: Int? = nil, type: String? = nil
  ) -> Self where Reply == RedisScanPage<String> {
    Self("SCAN", readOnly: true) {
      $0.append(cursor)
      Self.appendScan(pattern, count, to: &$0)
      if let type {
        $0.append("TYPE")
        $0.append(type)
      }
    }
  }

  static func appendScan(_ pattern: String?, _ count: Int?, to arguments: inout RedisArguments) {
    if let pattern {
      arguments.append("MATCH")
      arguments.append(pattern)
    }
    if let count {
      arguments.append("COUNT")
      arguments.append(count)
    }
  }
}

/// All elements of a scan, fetched page by page as they are asked for. Elements that change meanwhile may come twice or
/// not at all; those that are there all the time come at least once.
public struct RedisScan<Element: RedisDecodable>: AsyncSequence {
  let client: RedisClient
  let page: @Sendable (UInt64) -> RedisCommand<RedisScanPage<Element>>

  /// Starts a scan.
  public func makeAsyncIterator() -> Iterator { Iterator(client: client, page: page) }

  /// Goes through a scan.
  public struct Iterator: AsyncIteratorProtocol {
    let client: RedisClient
    let page: @Sendable (UInt64) -> RedisCommand<RedisScanPage<Element>>
    private var elements: ArraySlice<Element> = []
    private var cursor: UInt64? = 0

    init(client: RedisClient, page: @escaping @Sendable (UInt64) -> RedisCommand<RedisScanPage<Element>>) {
      self.client = client
      self.page = page
    }

    /// The next element, or nil at the end. Throws as `RedisClient.send` does.
    public mutating func next() async throws -> Element? {
      while elements.isEmpty, let start = cursor {
        let found = try await client.send(page(start))
        elements = found.elements[...]
        cursor = found.cursor == 0 ? nil : found.cursor
      }
      return elements.popFirst()
    }
  }
}

extension RedisClient {
  /// Keys of the database, without stopping the server as `KEYS` does.
  ///
  /// - Parameter count: about how many keys the server looks at for one page.
  public func keys(matching pattern: String? = nil, type: String? = nil, count: Int = 250) -> RedisScan<String> {
    RedisScan(client: self) { .scan(cursor: $0, matching: pattern, count: count, type: type) }
  }

  /// Members of a set.
  public func members<Value: RedisDecodable>(
    of key: String, matching pattern: String? = nil, count: Int = 250, as type: Value.Type = String.self
  ) -> RedisScan<Value> {
    RedisScan(client: self) { cursor in
      RedisCommand("SSCAN", readOnly: true) {
        $0.append(key)
        $0.append(cursor)
        RedisCommand<RedisOK>.appendScan(pattern, count, to: &$0)
      }
    }
  }
}
