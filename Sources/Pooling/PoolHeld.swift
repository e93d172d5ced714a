/// The connections that a task holds, so that one that asks for another of the same pool can be told from others. Looked at
/// only when the caller would have to wait.
@usableFromInline
struct PoolHeld: Sendable {
  /// Written out, because what `@TaskLocal` makes cannot be inlined into other modules.
  @usableFromInline static let current = TaskLocal<PoolHeld?>(wrappedValue: nil)

  /// A holding further out, of this pool or another; boxed, because there rarely is one.
  @usableFromInline
  final class Outer: Sendable {
    @usableFromInline let held: PoolHeld

    @usableFromInline
    init(_ held: PoolHeld) { self.held = held }
  }

  /// A task that starts its successor while it uses a connection would lengthen the chain for ever; so many are looked at.
  @usableFromInline static let deepest = 16

  @usableFromInline let pool: ObjectIdentifier
  @usableFromInline let lease: LeaseRef
  @usableFromInline let outer: Outer?
  @usableFromInline let depth: Int

  @inlinable
  init(_ engine: PoolEngine, _ lease: LeaseRef) {
    self.init(pool: ObjectIdentifier(engine), lease, within: Self.current.get())
  }

  @inlinable
  init(pool: ObjectIdentifier, _ lease: LeaseRef, within outer: PoolHeld?) {
    self.pool = pool
    self.lease = lease
    self.outer = outer.map { Outer($0.depth < Self.deepest ? $0 : PoolHeld(pool: $0.pool, $0.lease, within: nil)) }
    depth = self.outer.map { $0.held.depth + 1 } ?? 1
  }

  /// How many there are, itself included.
  var count: Int { 1 + (outer?.held.count ?? 0) }

  /// What the present task holds of a pool, the one taken last first. A task that was started within somebody's use counts
  /// as holding it as long as that use lasts: whoever started it usually waits for it.
  static func leases(of engine: PoolEngine) -> [LeaseRef] {
    var leases: [LeaseRef] = []
    var held = current.get()
    while let one = held {
      if one.pool == ObjectIdentifier(engine) { leases.append(one.lease) }
      held = one.outer?.held
    }
    return leases
  }
}
