public import MainstayReactor

extension RedisClient {
  /// Sends a command that the server may keep waiting, on a connection of its own.
  ///
  /// Without a deadline it ends `commandTimeout` after the time that the command itself names; if that is without end, so
  /// is the wait, until the task is cancelled or the connection breaks.
  @usableFromInline
  func sendBlocking<Reply>(_ command: RedisCommand<Reply>, _ deadline: MonotonicInstant?) async throws -> Reply {
    let connection = try await dedicated.acquire(by: limit(deadline, options.commandTimeout))
    var isClean = false
    defer { dedicated.release(connection, isClean: isClean) }
    do {
      let reply = try await connection.sendAlone(command.arguments, deadline: replyLimit(command.blocks, deadline))
      isClean = true
      return try Reply(reply: reply)
    } catch let error as RedisError {
      throw error.named(command.name)
    }
  }

  private func replyLimit(_ blocks: Duration?, _ deadline: MonotonicInstant?) -> MonotonicInstant? {
    if let deadline { return deadline }
    guard let blocks, blocks > .zero else { return .distantFuture }
    return MonotonicInstant.now.advanced(by: blocks).advanced(by: options.commandTimeout)
  }
}

extension RedisConnection {
  /// Sends a command on a connection that nobody else uses; a cancelled caller leaves at once.
  func sendAlone(_ arguments: RedisArguments, deadline: MonotonicInstant?) async throws -> RESPValue {
    try await withTaskCancellationHandler {
      try await send(arguments, deadline: deadline, as: .dedicated)
    } onCancel: {
      sweepSoon()
    }
  }

  /// The same for several commands.
  func sendAlone(_ batch: [RedisArguments], deadline: MonotonicInstant?) async throws -> [RESPValue] {
    try await withTaskCancellationHandler {
      try await send(batch, deadline: deadline, as: .dedicated)
    } onCancel: {
      sweepSoon()
    }
  }
}
