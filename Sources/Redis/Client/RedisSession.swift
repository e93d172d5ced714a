import MainstayReactor
import Synchronization

/// A connection that one caller has for itself, for commands that change its state: `WATCH`, `SELECT`, `CLIENT …`. Good
/// only until the closure that got it returns.
public final class RedisSession: Sendable {
  let connection: RedisConnection
  private let timeout: Duration
  /// Whether what the connection was told is forgotten before the next caller gets it.
  private let isCleared: Bool
  private let isEnded = Atomic(false)

  init(_ connection: RedisConnection, timeout: Duration, isCleared: Bool) {
    self.connection = connection
    self.timeout = timeout
    self.isCleared = isCleared
  }

  /// Sends a command and reads its reply. A command that blocks is waited for until its own time is up.
  ///
  /// - Parameter deadline: by when the reply must be there; by default `commandTimeout` after it is sent.
  public func send<Reply>(
    _ command: RedisCommand<Reply>, deadline: ContinuousClock.Instant? = nil
  ) async throws -> Reply {
    do {
      try checkOpen()
      if let refusal = command.refusal(isCleared: isCleared) { throw refusal }
      let reply = try await connection.sendAlone(command.arguments, deadline: limit(command.blocks, deadline))
      return try Reply(reply: reply)
    } catch let error as RedisError {
      throw error.named(command.name)
    }
  }

  /// Sends commands in one piece and reads all replies; throws the first error of the server.
  public func pipeline<each Reply>(
    _ command: repeat RedisCommand<each Reply>, deadline: ContinuousClock.Instant? = nil
  ) async throws -> (repeat each Reply) {
    var batch: [RedisArguments] = []
    for command in repeat each command {
      if let refusal = command.refusal(isCleared: isCleared) { throw refusal }
      batch.append(command.arguments)
    }
    var replies = try await replies(batch, deadline: deadline).makeIterator()
    return (repeat try (each command).decode(from: &replies))
  }

  func replies(_ batch: [RedisArguments], deadline: ContinuousClock.Instant?) async throws -> [RESPValue] {
    try checkOpen()
    return try await connection.sendAlone(batch, deadline: deadline.map(MonotonicInstant.init))
  }

  func end() { isEnded.store(true, ordering: .relaxed) }

  private func checkOpen() throws {
    if isEnded.load(ordering: .relaxed) {
      throw RedisError(.closed, "the session has ended; it is good only inside the closure that got it")
    }
  }

  private func limit(_ blocks: Duration?, _ deadline: ContinuousClock.Instant?) -> MonotonicInstant? {
    if let deadline { return MonotonicInstant(deadline) }
    guard let blocks else { return nil }
    return blocks > .zero ? MonotonicInstant.now.advanced(by: blocks).advanced(by: timeout) : .distantFuture
  }
}

extension RedisClient {
  /// Lends a connection for as long as the closure runs. Whatever state it is left in is cleared before the next caller
  /// gets it.
  ///
  /// - Parameter deadline: by when the connection must be there; by default `commandTimeout` from now.
  public func withSession<Value: Sendable>(
    deadline: ContinuousClock.Instant? = nil, _ body: (RedisSession) async throws -> Value
  ) async throws -> Value {
    try await lend(deadline, isCleared: true, body) { connection in
      // RESET forgets everything that a connection can have been told, the log-in included.
      Task(executorPreference: reactor) { [options, dedicated] in
        let limit = MonotonicInstant.now.advanced(by: options.commandTimeout)
        let isClean = await (try? connection.logIn(options, afterReset: true, by: limit)) != nil
        dedicated.release(connection, isClean: isClean)
      }
    }
  }

  /// The same for closures that leave the connection as they found it, unless they throw.
  func withCleanSession<Value: Sendable>(
    deadline: ContinuousClock.Instant?, _ body: (RedisSession) async throws -> Value
  ) async throws -> Value {
    try await lend(deadline, isCleared: false, body) { dedicated.release($0, isClean: true) }
  }

  private func lend<Value: Sendable>(
    _ deadline: ContinuousClock.Instant?, isCleared: Bool, _ body: (RedisSession) async throws -> Value,
    returning giveBack: (RedisConnection) -> Void
  ) async throws -> Value {
    let connection = try await dedicated.acquire(by: limit(deadline, options.commandTimeout))
    let session = RedisSession(connection, timeout: options.commandTimeout, isCleared: isCleared)
    do {
      let value = try await body(session)
      session.end()
      giveBack(connection)
      return value
    } catch {
      session.end()
      dedicated.release(connection, isClean: false)
      throw error
    }
  }
}
