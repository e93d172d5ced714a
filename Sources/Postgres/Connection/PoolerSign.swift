import Synchronization

/// Whether a pooler has been recognised at one place, by any of the connections to it. One connection in a thousand cannot
/// tell by itself (`PostgresPooler`); it learns it from the others, before its next statement.
final class PoolerSign: Sendable {
  private let seen = Atomic<Bool>(false)

  /// Whether there is a pooler for certain.
  var isSeen: Bool { seen.load(ordering: .relaxed) }

  /// A connection has recognised it.
  func see() { seen.store(true, ordering: .relaxed) }
}
