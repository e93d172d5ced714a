/// An end of a list.
public enum RedisListEnd: String, Sendable {
  /// Its front.
  case left = "LEFT"
  /// Its back.
  case right = "RIGHT"
}

extension RedisCommand {
  /// `LPUSH`: the length afterwards. The last value comes to stand first.
  public static func lpush(_ key: String, _ values: any RedisArgument...) -> Self where Reply == Int {
    Self("LPUSH") {
      $0.append(key)
      for value in values { value.append(to: &$0) }
    }
  }

  /// `RPUSH`: the length afterwards.
  public static func rpush(_ key: String, _ values: any RedisArgument...) -> Self where Reply == Int {
    Self("RPUSH") {
      $0.append(key)
      for value in values { value.append(to: &$0) }
    }
  }

  /// `LPOP`: the first value, which is taken out, or nil if there is none.
  public static func lpop<Value: RedisDecodable>(
    _ key: String, as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("LPOP") {
      $0.append(key)
    }
  }

  /// `RPOP`: the last value, which is taken out, or nil if there is none.
  public static func rpop<Value: RedisDecodable>(
    _ key: String, as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("RPOP") {
      $0.append(key)
    }
  }

  /// `LPOP` of several values; nil if there is no such key.
  public static func lpop<Value: RedisDecodable>(
    _ key: String, count: Int, as type: Value.Type = String.self
  ) -> RedisCommand<[Value]?> {
    RedisCommand<[Value]?>("LPOP") {
      $0.append(key)
      $0.append(count)
    }
  }

  /// `LRANGE`: values; negative positions count from the end.
  public static func lrange<Value: RedisDecodable>(
    _ key: String, _ first: Int = 0, _ last: Int = -1, as type: Value.Type = String.self
  ) -> RedisCommand<[Value]> {
    RedisCommand<[Value]>("LRANGE", readOnly: true) {
      $0.append(key)
      $0.append(first)
      $0.append(last)
    }
  }

  /// `LLEN`: the length, 0 if there is no such key.
  public static func llen(_ key: String) -> Self where Reply == Int {
    Self("LLEN", readOnly: true) {
      $0.append(key)
    }
  }

  /// `LINDEX`: the value at a position, or nil.
  public static func lindex<Value: RedisDecodable>(
    _ key: String, _ index: Int, as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("LINDEX", readOnly: true) {
      $0.append(key)
      $0.append(index)
    }
  }

  /// `LSET`: changes the value at a position.
  public static func lset(_ key: String, _ index: Int, _ value: some RedisArgument) -> Self where Reply == RedisOK {
    Self("LSET") {
      $0.append(key)
      $0.append(index)
      $0.append(value)
    }
  }

  /// `LREM`: takes out values that are equal; how many. A negative count begins at the end, 0 means all.
  public static func lrem(_ key: String, _ value: some RedisArgument, count: Int = 0) -> Self where Reply == Int {
    Self("LREM") {
      $0.append(key)
      $0.append(count)
      $0.append(value)
    }
  }

  /// `LTRIM`: keeps only these positions.
  public static func ltrim(_ key: String, _ first: Int, _ last: Int) -> Self where Reply == RedisOK {
    Self("LTRIM") {
      $0.append(key)
      $0.append(first)
      $0.append(last)
    }
  }

  /// `LMOVE`: moves a value from one list to another and returns it, or nil if there is none.
  public static func lmove<Value: RedisDecodable>(
    _ source: String, _ from: RedisListEnd, to target: String, _ end: RedisListEnd, as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("LMOVE") {
      $0.append(source)
      $0.append(target)
      $0.append(from.rawValue)
      $0.append(end.rawValue)
    }
  }
}
