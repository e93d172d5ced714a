/// What a pool tells.
public enum PoolEvent: Sendable {
  /// More or less of the pool is in use. Told once when a mark is passed, and when use is clearly lower again.
  case pressure(PoolPressureLevel, PoolStatistics)
  /// A connection has been in use for too long; `reclaimed`: and was taken away.
  case leak(PoolHolder, reclaimed: Bool)
  /// More or fewer connections may be opened.
  case scaled(from: Int, to: Int)
  /// A connection could not be opened.
  case connectFailed(any Error)
  /// There is no connection, and none can be opened.
  case down
  /// There is one again.
  case recovered(after: Duration)
  /// Every connection opened before is being replaced, and why.
  case generation(reason: String)
  /// A connection is closed.
  case closed(PoolCloseReason)
}
