public import Synchronization

/// Publishes events of one type without a search for the type. Keep it where events are frequent.
public struct EventPublisher<E: Event>: Sendable {
  @usableFromInline let channel: EventChannel<E>
  @usableFromInline let owner: EventBusOwner

  init(channel: EventChannel<E>, owner: EventBusOwner) {
    self.channel = channel
    self.owner = owner
  }

  /// Whether an event published now would be received or kept. Ask before making an event that is costly to make.
  @inlinable
  public var isObserved: Bool { channel.isObserved.load(ordering: .acquiring) }

  /// Publishes an event. Never waits and never fails; one atomic load while nobody listens.
  @inlinable
  public func publish(_ event: E) { channel.publish(event, from: owner.name) }

  /// Publishes an event, and waits while a subscriber with a full `.suspend` buffer works through it.
  @inlinable
  public nonisolated(nonsending) func send(_ event: E) async { await channel.send(event, from: owner.name) }
}
