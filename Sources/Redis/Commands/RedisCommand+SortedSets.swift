/// A member of a sorted set and its score.
public struct RedisScored<Member: RedisDecodable>: Sendable {
  /// The member.
  public let member: Member
  /// Where it stands: lower scores come first.
  public let score: Double

  /// A member and its score.
  public init(member: Member, score: Double) {
    self.member = member
    self.score = score
  }
}

extension RedisScored: Equatable where Member: Equatable {}
extension RedisScored: Hashable where Member: Hashable {}

/// Members with their scores, which the server sends as a flat array.
public struct RedisScoredMembers<Member: RedisDecodable>: RedisDecodable {
  /// The members in order.
  public let members: [RedisScored<Member>]

  /// Reads members and scores in turn.
  public init(reply: RESPValue) throws {
    guard case .array(let items) = reply, items.count.isMultiple(of: 2) else {
      throw reply.mismatch(expected: "an array of members and scores")
    }
    members = try stride(from: 0, to: items.count, by: 2).map {
      RedisScored(member: try Member(reply: items[$0]), score: try Double(reply: items[$0 + 1]))
    }
  }
}

extension RedisCommand {
  /// `ZADD`: how many of the members are new.
  public static func zadd(
    _ key: String, _ members: [(score: Double, member: any RedisArgument)], _ condition: RedisSetCondition? = nil
  ) -> Self where Reply == Int {
    Self("ZADD") {
      $0.append(key)
      if let condition { $0.append(condition.rawValue) }
      for (score, member) in members {
        $0.append(score)
        member.append(to: &$0)
      }
    }
  }

  /// `ZADD` of one member: 1 if it is new, else 0.
  public static func zadd(_ key: String, _ score: Double, _ member: some RedisArgument) -> Self where Reply == Int {
    Self("ZADD") {
      $0.append(key)
      $0.append(score)
      $0.append(member)
    }
  }

  /// `ZINCRBY`: the member's score after adding.
  public static func zincr(
    _ key: String, _ member: some RedisArgument, by amount: Double
  ) -> Self where Reply == Double {
    Self("ZINCRBY") {
      $0.append(key)
      $0.append(amount)
      $0.append(member)
    }
  }

  /// `ZSCORE`: the member's score, or nil if it is none.
  public static func zscore(_ key: String, _ member: some RedisArgument) -> Self where Reply == Double? {
    Self("ZSCORE", readOnly: true) {
      $0.append(key)
      $0.append(member)
    }
  }

  /// `ZRANK`: the member's place, from 0 on, or nil if it is none.
  public static func zrank(_ key: String, _ member: some RedisArgument) -> Self where Reply == Int? {
    Self("ZRANK", readOnly: true) {
      $0.append(key)
      $0.append(member)
    }
  }

  /// `ZCARD`: how many members there are.
  public static func zcard(_ key: String) -> Self where Reply == Int {
    Self("ZCARD", readOnly: true) {
      $0.append(key)
    }
  }

  /// `ZCOUNT`: how many members have a score in the range, both ends included.
  public static func zcount(_ key: String, _ scores: ClosedRange<Double>) -> Self where Reply == Int {
    Self("ZCOUNT", readOnly: true) {
      $0.append(key)
      $0.append(scores.lowerBound)
      $0.append(scores.upperBound)
    }
  }

  /// `ZREM`: how many of the members there were.
  public static func zrem(_ key: String, _ values: any RedisArgument...) -> Self where Reply == Int {
    Self("ZREM") {
      $0.append(key)
      for value in values { value.append(to: &$0) }
    }
  }

  /// `ZRANGE`: members by place; negative places count from the end.
  public static func zrange<Value: RedisDecodable>(
    _ key: String, _ first: Int = 0, _ last: Int = -1, reversed: Bool = false, as type: Value.Type = String.self
  ) -> RedisCommand<[Value]> {
    RedisCommand<[Value]>("ZRANGE", readOnly: true) {
      $0.append(key)
      $0.append(first)
      $0.append(last)
      if reversed { $0.append("REV") }
    }
  }

  /// `ZRANGE … WITHSCORES`: members by place, with their scores.
  public static func zrangeWithScores<Value: RedisDecodable>(
    _ key: String, _ first: Int = 0, _ last: Int = -1, as type: Value.Type = String.self
  ) -> RedisCommand<RedisScoredMembers<Value>> {
    RedisCommand<RedisScoredMembers<Value>>("ZRANGE", readOnly: true) {
      $0.append(key)
      $0.append(first)
      $0.append(last)
      $0.append("WITHSCORES")
    }
  }

  /// `ZRANGE … BYSCORE`: members by score, both ends included, at most `limit`.
  public static func zrange<Value: RedisDecodable>(
    _ key: String, scores: ClosedRange<Double>, limit: Int = -1, as type: Value.Type = String.self
  ) -> RedisCommand<[Value]> {
    RedisCommand<[Value]>("ZRANGE", readOnly: true) {
      $0.append(key)
      $0.append(scores.lowerBound)
      $0.append(scores.upperBound)
      $0.append("BYSCORE")
      $0.append("LIMIT")
      $0.append(0)
      $0.append(limit)
    }
  }

  /// `ZREMRANGEBYSCORE`: how many members had a score in the range and are gone.
  public static func zrem(_ key: String, scores: ClosedRange<Double>) -> Self where Reply == Int {
    Self("ZREMRANGEBYSCORE") {
      $0.append(key)
      $0.append(scores.lowerBound)
      $0.append(scores.upperBound)
    }
  }

  /// `ZPOPMIN`: the members with the lowest scores, which are taken out.
  public static func zpopmin<Value: RedisDecodable>(
    _ key: String, count: Int = 1, as type: Value.Type = String.self
  ) -> RedisCommand<RedisScoredMembers<Value>> {
    RedisCommand<RedisScoredMembers<Value>>("ZPOPMIN") {
      $0.append(key)
      $0.append(count)
    }
  }
}
