/// What happened to the connection that all callers share.
public enum RedisClientEvent: Sendable {
  /// A connection is open and logged in; it took so long.
  case connected(after: Duration)
  /// It ended. Another attempt follows at once.
  case lost(RedisError)
  /// An attempt to connect failed; the next one follows within this time.
  case attemptFailed(RedisError, nextWithin: Duration)
}
