extension RedisClient {
  /// Sends commands in one piece, with nothing of other callers between them, and reads all replies. They are not a
  /// transaction: each is executed on its own, whatever becomes of the others.
  /// ```swift
  /// let (name, visits) = try await redis.pipeline(.get("name"), .incr("visits"))
  /// ```
  /// Throws the first error of the server. Use the form that takes an array to see each one.
  public func pipeline<each Reply>(
    _ command: repeat RedisCommand<each Reply>, deadline: ContinuousClock.Instant? = nil
  ) async throws -> (repeat each Reply) {
    var batch: [RedisArguments] = []
    for command in repeat each command { batch.append(try command.unblocked()) }
    var replies = try await replies(batch, deadline: deadline).makeIterator()
    return (repeat try (each command).decode(from: &replies))
  }

  /// Sends commands in one piece; what came of each is in the result at its place.
  public func pipeline<Reply>(
    _ commands: [RedisCommand<Reply>], deadline: ContinuousClock.Instant? = nil
  ) async throws -> [Result<Reply, RedisError>] {
    let replies = try await replies(try commands.map { try $0.unblocked() }, deadline: deadline)
    return zip(commands, replies).map { $0.result($1) }
  }
}

extension RedisCommand {
  /// The arguments, unless the command blocks: on a shared connection it would hold up everybody.
  func unblocked() throws -> RedisArguments {
    if let refusal = refusal(isCleared: false) { throw refusal }
    guard blocks == nil else {
      throw RedisError(
        .configuration, "a command that blocks cannot be part of a pipeline or transaction", command: name)
    }
    return arguments
  }

  func decode(from replies: inout IndexingIterator<[RESPValue]>) throws -> Reply {
    guard let reply = replies.next() else { throw RedisError(.decoding, "there is no reply", command: name) }
    return try decode(reply)
  }

  func result(_ reply: RESPValue) -> Result<Reply, RedisError> {
    do {
      return .success(try decode(reply))
    } catch let error as RedisError {
      return .failure(error)
    } catch {
      return .failure(RedisError(.decoding, "the reply could not be read as \(Reply.self)", command: name))
    }
  }
}
