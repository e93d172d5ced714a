import Synchronization

/// One instance of a plugin, or the host itself, as the bus knows it.
@usableFromInline
final class EventBusOwner: Sendable {
  @usableFromInline let name: String
  private let closed = Atomic<Bool>(false)

  init(name: String) { self.name = name }

  var isClosed: Bool { closed.load(ordering: .acquiring) }

  func close() { closed.store(true, ordering: .releasing) }
}

/// Who subscribed to what.
final class SubscriptionIdentity: Sendable {
  let id: Int
  let name: String
  let kind: SubscriptionStatistics.Kind
  let owner: EventBusOwner
  /// When this subscription's losses were last told about.
  let lastReport = Mutex<ContinuousClock.Instant?>(nil)

  init(id: Int, name: String, kind: SubscriptionStatistics.Kind, owner: EventBusOwner) {
    self.id = id
    self.name = name
    self.kind = kind
    self.owner = owner
  }
}
