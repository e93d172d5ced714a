extension RedisCommand {
  /// `HGET`: the field's value, or nil if there is none.
  public static func hget<Value: RedisDecodable>(
    _ key: String, _ field: String, as type: Value.Type = String.self
  ) -> RedisCommand<Value?> {
    RedisCommand<Value?>("HGET", readOnly: true) {
      $0.append(key)
      $0.append(field)
    }
  }

  /// `HSET`: how many of the fields are new.
  public static func hset(_ key: String, _ fields: [String: any RedisArgument]) -> Self where Reply == Int {
    Self("HSET") {
      $0.append(key)
      for (field, value) in fields {
        $0.append(field)
        value.append(to: &$0)
      }
    }
  }

  /// `HSET` of one field: 1 if it is new, 0 if it had a value.
  public static func hset(_ key: String, _ field: String, _ value: some RedisArgument) -> Self where Reply == Int {
    Self("HSET") {
      $0.append(key)
      $0.append(field)
      $0.append(value)
    }
  }

  /// `HSETNX`: whether the field was set, which it is only if it had no value.
  public static func hsetnx(_ key: String, _ field: String, _ value: some RedisArgument) -> Self where Reply == Bool {
    Self("HSETNX") {
      $0.append(key)
      $0.append(field)
      $0.append(value)
    }
  }

  /// `HMGET`: the values in the order of the fields, nil where there is none.
  public static func hmget<Value: RedisDecodable>(
    _ key: String, _ fields: [String], as type: Value.Type = String.self
  ) -> RedisCommand<[Value?]> {
    RedisCommand<[Value?]>("HMGET", readOnly: true) {
      $0.append(key)
      for field in fields { $0.append(field) }
    }
  }

  /// `HGETALL`: all fields, empty if there is no such key.
  public static func hgetall<Value: RedisDecodable>(
    _ key: String, as type: Value.Type = String.self
  ) -> RedisCommand<[String: Value]> {
    RedisCommand<[String: Value]>("HGETALL", readOnly: true) {
      $0.append(key)
    }
  }

  /// `HDEL`: how many of the fields there were.
  public static func hdel(_ key: String, _ fields: [String]) -> Self where Reply == Int {
    Self("HDEL") {
      $0.append(key)
      for field in fields { $0.append(field) }
    }
  }

  /// `HEXISTS`: whether the field has a value.
  public static func hexists(_ key: String, _ field: String) -> Self where Reply == Bool {
    Self("HEXISTS", readOnly: true) {
      $0.append(key)
      $0.append(field)
    }
  }

  /// `HINCRBY`: the field's number after adding.
  public static func hincr(_ key: String, _ field: String, by amount: Int = 1) -> Self where Reply == Int {
    Self("HINCRBY") {
      $0.append(key)
      $0.append(field)
      $0.append(amount)
    }
  }

  /// `HINCRBYFLOAT`: the field's number after adding.
  public static func hincr(_ key: String, _ field: String, byFloat amount: Double) -> Self where Reply == Double {
    Self("HINCRBYFLOAT") {
      $0.append(key)
      $0.append(field)
      $0.append(amount)
    }
  }

  /// `HKEYS`: the names of the fields.
  public static func hkeys(_ key: String) -> Self where Reply == [String] {
    Self("HKEYS", readOnly: true) {
      $0.append(key)
    }
  }

  /// `HVALS`: the values of the fields.
  public static func hvals<Value: RedisDecodable>(
    _ key: String, as type: Value.Type = String.self
  ) -> RedisCommand<[Value]> {
    RedisCommand<[Value]>("HVALS", readOnly: true) {
      $0.append(key)
    }
  }

  /// `HLEN`: how many fields there are.
  public static func hlen(_ key: String) -> Self where Reply == Int {
    Self("HLEN", readOnly: true) {
      $0.append(key)
    }
  }
}
