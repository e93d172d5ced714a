/// How urgent a caller's work is. Waiters are served by urgency; one that has waited long overtakes more urgent ones, by
/// `PoolSettings.ageing`.
public enum PoolPriority: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// Work that nobody waits for.
  case low
  /// The usual.
  case normal
  /// Before the usual.
  case high
  /// What must go on when everything else waits. Only this one may use the reserve.
  case critical

  /// Whether the left one is less urgent.
  @inlinable
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
