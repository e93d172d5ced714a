/// What kind of work was asked of Redis: never a command's name or its keys.
public enum RedisOperation: UInt8, Sendable, CaseIterable {
  /// A command that changes nothing.
  case read
  /// Any other command.
  case write
  /// Several commands in one piece, or a transaction.
  case pipeline
  /// A command that may block, or of a session, on a connection of its own.
  case dedicated
}

/// What became of it.
public enum RedisOutcome: UInt8, Sendable, CaseIterable {
  /// It was answered.
  case ok
  /// A read was answered that there is no such value.
  case missing
  /// The server refused it.
  case error
  /// Its deadline passed.
  case timeout
  /// Its task was cancelled.
  case cancelled
  /// The connection was lost before its answer.
  case lost
}

/// Is told of every command when its reply has come, on the reactor's thread, outside of every lock. It must not block, and must
/// be quick: other replies wait for it.
public protocol RedisMeter: Sendable {
  /// A command, or several in one piece, has ended.
  /// - Parameter nanoseconds: From when it was sent until its last reply had come.
  func record(_ operation: RedisOperation, _ outcome: RedisOutcome, nanoseconds: UInt64)
}
