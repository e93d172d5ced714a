/// How many events may wait for a subscriber, and what happens to the next one. A consumer takes all that waits in one
/// go, so up to as many again can be on their way to it.
public enum EventBuffer: Sendable, Hashable, CustomStringConvertible {
  /// The oldest waiting event makes room.
  case dropOldest(Int)
  /// The new event is dropped.
  case dropNewest(Int)
  /// `await bus.send(_:)` waits for room. `publish`, which never waits, drops the new event.
  case suspend(Int)
  /// The subscription ends, once what waits has been delivered.
  case disconnect(Int)

  /// The largest number of events that may wait: a larger buffer is cut to it.
  public static let maximumCapacity = 1 << 20

  /// 1,024 events; then the oldest makes room.
  public static let standard = EventBuffer.dropOldest(1024)

  /// How many events may wait; at least one.
  public var capacity: Int {
    switch self {
    case .dropOldest(let count), .dropNewest(let count), .suspend(let count), .disconnect(let count):
      min(max(count, 1), EventBuffer.maximumCapacity)
    }
  }

  /// Policy and capacity: `dropOldest(1024)`.
  public var description: String {
    switch self {
    case .dropOldest: "dropOldest(\(capacity))"
    case .dropNewest: "dropNewest(\(capacity))"
    case .suspend: "suspend(\(capacity))"
    case .disconnect: "disconnect(\(capacity))"
    }
  }
}
