// Commands that the server keeps waiting. A client sends each on a connection of its own, from which others wait until it
// is given back; a cancelled caller gives it up at once.

/// A key and a value that was taken from it.
public struct RedisPopped<Value: RedisDecodable>: RedisDecodable {
  /// The key.
  public let key: String
  /// The value.
  public let value: Value

  /// Reads an array of two.
  public init(reply: RESPValue) throws {
    guard case .array(let items) = reply, items.count == 2 else { throw reply.mismatch(expected: "a key and a value") }
    key = try String(reply: items[0])
    value = try Value(reply: items[1])
  }
}

extension RedisCommand {
  /// `BLPOP`: the first value of the first list that has one; nil when there was none for so long. `.zero` waits without
  /// end.
  public static func blpop<Value: RedisDecodable>(
    _ keys: [String], timeout: Duration, as type: Value.Type = String.self
  ) -> RedisCommand<RedisPopped<Value>?> {
    RedisCommand<RedisPopped<Value>?>.blockingPop("BLPOP", keys, timeout)
  }

  /// `BRPOP`: as `blpop`, from the back.
  public static func brpop<Value: RedisDecodable>(
    _ keys: [String], timeout: Duration, as type: Value.Type = String.self
  ) -> RedisCommand<RedisPopped<Value>?> {
    RedisCommand<RedisPopped<Value>?>.blockingPop("BRPOP", keys, timeout)
  }

  /// `BLMOVE`: moves a value from one list to another once there is one; nil when there was none for so long.
  public static func blmove<Value: RedisDecodable>(
    _ source: String, _ from: RedisListEnd, to target: String, _ end: RedisListEnd, timeout: Duration,
    as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("BLMOVE") {
      $0.append(source)
      $0.append(target)
      $0.append(from.rawValue)
      $0.append(end.rawValue)
      $0.append(timeout.blockingSeconds)
    }.blocking(timeout)
  }

  private static func blockingPop(_ name: String, _ keys: [String], _ timeout: Duration) -> Self {
    Self(name) {
      for key in keys { $0.append(key) }
      $0.append(timeout.blockingSeconds)
    }.blocking(timeout)
  }
}

extension Duration {
  /// Seconds, as commands that block take them. 0 is without end for the server, so that a short time must not become it.
  var blockingSeconds: Double { self <= .zero ? 0 : Double(atLeastOneMillisecond) / 1000 }
}
