extension RedisClient {
  /// Executes commands all together or not at all (`MULTI`, `EXEC`): no other client's command comes in between. Redis
  /// undoes nothing, though: if one command fails while it is executed, the others have been executed all the same, and
  /// its error is thrown.
  /// ```swift
  /// let (balance, count) = try await redis.transaction(.decrby("account", 5), .incr("transfers"))
  /// ```
  public func transaction<each Reply>(
    _ command: repeat RedisCommand<each Reply>, deadline: ContinuousClock.Instant? = nil
  ) async throws -> (repeat each Reply) {
    var body: [RedisArguments] = []
    for command in repeat each command { body.append(try command.unblocked()) }
    let replies = try await replies(Transaction.batch(body), deadline: deadline)
    guard let results = try Transaction.results(replies) else { throw Transaction.unexpected }
    var iterator = results.makeIterator()
    return (repeat try (each command).decode(from: &iterator))
  }

  /// Reads keys, decides, and writes, as long as none of the keys changes in between; if one does, all of it is done
  /// again.
  /// ```swift
  /// let left = try await redis.transaction(watching: ["seats"]) { session in
  ///   let seats: Int = try await session.send(.get("seats", as: Int.self)) ?? 0
  ///   return seats > 0 ? RedisTransaction(.decrby("seats", 1)) : nil
  /// }
  /// ```
  /// `body` runs once for each attempt, on a connection of its own, and must do nothing but read.
  ///
  /// - Parameter attempts: how often it is tried before a ``RedisError`` of code `transactionAborted`.
  /// - Returns: the replies of the commands; nil if `body` returned nil, and so nothing was written.
  public func transaction<each Reply>(
    watching keys: [String], attempts: Int = 16, deadline: ContinuousClock.Instant? = nil,
    _ body: (RedisSession) async throws -> RedisTransaction<repeat each Reply>?
  ) async throws -> (repeat each Reply)? {
    var transaction: RedisTransaction<repeat each Reply>?
    let results = try await execute(watching: keys, attempts: max(attempts, 1), deadline) { session in
      transaction = try await body(session)
      return try transaction?.arguments()
    }
    guard let results, let transaction else { return nil }
    let values = try transaction.decode(results)
    return .some(values)
  }

  private func execute(
    watching keys: [String], attempts: Int, _ deadline: ContinuousClock.Instant?,
    _ body: (RedisSession) async throws -> [RedisArguments]?
  ) async throws -> [RESPValue]? {
    try await withCleanSession(deadline: deadline) { session in
      for _ in 0..<attempts {
        _ = try await session.send(.watch(keys), deadline: deadline)
        guard let commands = try await body(session) else {
          _ = try await session.send(.unwatch, deadline: deadline)
          return nil
        }
        let replies = try await session.replies(Transaction.batch(commands), deadline: deadline)
        if let results = try Transaction.results(replies) { return results }
      }
      throw RedisError(
        .transactionAborted, "a watched key was changed by others in each of \(attempts) attempts; nothing was written")
    }
  }
}

/// The commands of one transaction.
public struct RedisTransaction<each Reply: RedisDecodable>: Sendable {
  let commands: (repeat RedisCommand<each Reply>)

  /// Commands to be executed together.
  public init(_ command: repeat RedisCommand<each Reply>) { commands = (repeat each command) }

  func arguments() throws -> [RedisArguments] {
    var body: [RedisArguments] = []
    for command in repeat each commands { body.append(try command.unblocked()) }
    return body
  }

  func decode(_ results: [RESPValue]) throws -> (repeat each Reply) {
    var iterator = results.makeIterator()
    return (repeat try (each commands).decode(from: &iterator))
  }
}

enum Transaction {
  static func batch(_ body: [RedisArguments]) -> [RedisArguments] {
    [RedisCommand<RedisOK>("MULTI").arguments] + body + [RedisCommand<RESPValue>("EXEC").arguments]
  }

  /// The results of the commands; nil if a watched key had changed. Throws if a command was refused when it was queued.
  static func results(_ replies: [RESPValue]) throws -> [RESPValue]? {
    guard let exec = replies.last else { throw unexpected }
    if case .array(let results) = exec { return results }
    if case .null = exec { return nil }
    // The refusal itself says more than the EXECABORT that follows from it.
    for case .error(let text) in replies { throw RedisError(serverText: text) }
    throw unexpected
  }

  static var unexpected: RedisError { RedisError(.decoding, "the server's reply to EXEC is no array", command: "EXEC") }
}
