/// When a key that is set goes away.
public enum RedisExpiry: Sendable, Hashable {
  /// After a time; the server counts milliseconds, and less than one counts as one.
  case after(Duration)
  /// At a moment, given as the time since 1970.
  case at(sinceEpoch: Duration)
  /// When the value before it would have gone.
  case keep

  @usableFromInline
  func append(to arguments: inout RedisArguments) {
    switch self {
    case .after(let time):
      arguments.append("PX")
      arguments.append(time.atLeastOneMillisecond)
    case .at(let moment):
      arguments.append("PXAT")
      arguments.append(moment.atLeastOneMillisecond)
    case .keep: arguments.append("KEEPTTL")
    }
  }
}

/// Whether a key is set depending on what is there.
public enum RedisSetCondition: String, Sendable {
  /// Only if there is nothing.
  case ifAbsent = "NX"
  /// Only if there is something.
  case ifPresent = "XX"
}

extension Duration {
  /// Whole milliseconds, bounded to what the server takes.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    let bounded = min(max(seconds, -9_000_000_000_000), 9_000_000_000_000)
    return bounded * 1000 + attoseconds / 1_000_000_000_000_000
  }

  var atLeastOneMillisecond: Int64 { max(milliseconds, 1) }
}

extension RedisCommand {
  /// `GET`: the value, or nil if there is none.
  @inlinable
  public static func get<Value: RedisDecodable>(_ key: String, as type: Value.Type = String.self) -> RedisCommand<
    Value?
  > {
    RedisCommand<Value?>("GET", readOnly: true) { $0.append(key) }
  }

  /// `GETDEL`: the value, which is deleted.
  public static func getdel<Value: RedisDecodable>(_ key: String, as type: Value.Type = String.self) -> RedisCommand<
    Value?
  > {
    RedisCommand<Value?>("GETDEL") { $0.append(key) }
  }

  /// `GETEX`: the value, whose expiry is changed.
  public static func getex<Value: RedisDecodable>(
    _ key: String, expires expiry: RedisExpiry, as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("GETEX") {
      $0.append(key)
      if expiry == .keep { $0.append("PERSIST") } else { expiry.append(to: &$0) }
    }
  }

  /// `SET`: true if the key was set, which only a condition prevents.
  @inlinable
  public static func set(
    _ key: String, _ value: some RedisArgument, expires expiry: RedisExpiry? = nil,
    _ condition: RedisSetCondition? = nil
  ) -> Self where Reply == Bool {
    Self("SET") {
      $0.append(key)
      value.append(to: &$0)
      expiry?.append(to: &$0)
      if let condition { $0.append(condition.rawValue) }
    }
  }

  /// `SET … GET`: sets the key and returns the value before, or nil if there was none.
  public static func setReturningOld<Value: RedisDecodable>(
    _ key: String, _ value: some RedisArgument, expires expiry: RedisExpiry? = nil, as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("SET") {
      $0.append(key)
      value.append(to: &$0)
      $0.append("GET")
      expiry?.append(to: &$0)
    }
  }

  /// `MGET`: the values in the order of the keys, nil where there is none.
  public static func mget<Value: RedisDecodable>(_ keys: [String], as type: Value.Type = String.self) -> RedisCommand<
    [Value?]
  > {
    RedisCommand<[Value?]>("MGET", readOnly: true) { for key in keys { $0.append(key) } }
  }

  /// `MSET`: sets all keys at once.
  public static func mset(_ values: [(String, any RedisArgument)]) -> Self where Reply == RedisOK {
    Self("MSET") {
      for (key, value) in values {
        $0.append(key)
        value.append(to: &$0)
      }
    }
  }

  /// `INCRBY`: the number after adding.
  public static func incr(_ key: String, by amount: Int = 1) -> Self where Reply == Int {
    Self("INCRBY") {
      $0.append(key)
      $0.append(amount)
    }
  }

  /// `DECRBY`: the number after subtracting.
  public static func decr(_ key: String, by amount: Int = 1) -> Self where Reply == Int {
    Self("DECRBY") {
      $0.append(key)
      $0.append(amount)
    }
  }

  /// `INCRBYFLOAT`: the number after adding.
  public static func incr(_ key: String, byFloat amount: Double) -> Self where Reply == Double {
    Self("INCRBYFLOAT") {
      $0.append(key)
      amount.append(to: &$0)
    }
  }

  /// `APPEND`: the length of the value in bytes, after appending.
  public static func append(_ key: String, _ value: some RedisArgument) -> Self where Reply == Int {
    Self("APPEND") {
      $0.append(key)
      value.append(to: &$0)
    }
  }

  /// `STRLEN`: the length of the value in bytes, 0 if there is none.
  public static func strlen(_ key: String) -> Self where Reply == Int {
    Self("STRLEN", readOnly: true) { $0.append(key) }
  }

  /// `GETRANGE`: bytes of the value; negative positions count from its end.
  public static func getrange(_ key: String, _ first: Int, _ last: Int) -> Self where Reply == [UInt8] {
    Self("GETRANGE", readOnly: true) {
      $0.append(key)
      $0.append(first)
      $0.append(last)
    }
  }

  /// `SETRANGE`: overwrites bytes from an offset on; the length of the value afterwards.
  public static func setrange(_ key: String, at offset: Int, _ value: some RedisArgument) -> Self where Reply == Int {
    Self("SETRANGE") {
      $0.append(key)
      $0.append(offset)
      value.append(to: &$0)
    }
  }
}
