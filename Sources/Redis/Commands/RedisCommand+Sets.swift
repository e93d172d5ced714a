extension RedisCommand {
  /// `SADD`: how many of the members are new.
  public static func sadd(_ key: String, _ values: any RedisArgument...) -> Self where Reply == Int {
    Self("SADD") {
      $0.append(key)
      for value in values { value.append(to: &$0) }
    }
  }

  /// `SREM`: how many of the members there were.
  public static func srem(_ key: String, _ values: any RedisArgument...) -> Self where Reply == Int {
    Self("SREM") {
      $0.append(key)
      for value in values { value.append(to: &$0) }
    }
  }

  /// `SMEMBERS`: all members.
  public static func smembers<Value: RedisDecodable & Hashable>(
    _ key: String, as type: Value.Type = String.self
  ) -> RedisCommand<Set<Value>> {
    RedisCommand<Set<Value>>("SMEMBERS", readOnly: true) {
      $0.append(key)
    }
  }

  /// `SISMEMBER`: whether it is a member.
  public static func sismember(_ key: String, _ value: some RedisArgument) -> Self where Reply == Bool {
    Self("SISMEMBER", readOnly: true) {
      $0.append(key)
      $0.append(value)
    }
  }

  /// `SCARD`: how many members there are.
  public static func scard(_ key: String) -> Self where Reply == Int {
    Self("SCARD", readOnly: true) {
      $0.append(key)
    }
  }

  /// `SPOP`: a member at random, which is taken out, or nil if there is none.
  public static func spop<Value: RedisDecodable>(
    _ key: String, as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("SPOP") {
      $0.append(key)
    }
  }

  /// `SINTER`: members of all the sets.
  public static func sinter<Value: RedisDecodable & Hashable>(
    _ keys: [String], as type: Value.Type = String.self
  ) -> RedisCommand<Set<Value>> {
    RedisCommand<Set<Value>>("SINTER", readOnly: true) {
      for key in keys { $0.append(key) }
    }
  }

  /// `SUNION`: members of any of the sets.
  public static func sunion<Value: RedisDecodable & Hashable>(
    _ keys: [String], as type: Value.Type = String.self
  ) -> RedisCommand<Set<Value>> {
    RedisCommand<Set<Value>>("SUNION", readOnly: true) {
      for key in keys { $0.append(key) }
    }
  }

  /// `SDIFF`: members of the first set and of none of the others.
  public static func sdiff<Value: RedisDecodable & Hashable>(
    _ keys: [String], as type: Value.Type = String.self
  ) -> RedisCommand<Set<Value>> {
    RedisCommand<Set<Value>>("SDIFF", readOnly: true) {
      for key in keys { $0.append(key) }
    }
  }
}
