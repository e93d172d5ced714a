/// Events as they come, for one consumer.
///
/// The subscription begins when the stream is made, so nothing is lost before the loop begins. It ends, after what
/// waits has been delivered, when ``cancel()`` is called or the consuming task is cancelled; and at once when the
/// stream and its iterator are dropped. A second iterator beside a living one ends immediately; after the first is
/// gone, a new one goes on where it stopped.
public struct EventStream<Element: Sendable>: AsyncSequence, Sendable {
  /// What the loop gets. Streams do not fail.
  public typealias Failure = Never

  @usableFromInline
  final class Handle: Sendable {
    @usableFromInline let mailbox: Mailbox<Element>
    let identity: SubscriptionIdentity?
    let subscription: Subscription

    init(_ mailbox: Mailbox<Element>, _ identity: SubscriptionIdentity?, _ subscription: Subscription) {
      self.mailbox = mailbox
      self.identity = identity
      self.subscription = subscription
    }

    deinit {
      subscription.cancel()
      mailbox.close(discarding: true)
    }
  }

  let handle: Handle

  init(_ mailbox: Mailbox<Element>, _ identity: SubscriptionIdentity?, _ subscription: Subscription) {
    handle = Handle(mailbox, identity, subscription)
  }

  static func ended(_ buffer: EventBuffer) -> EventStream {
    let mailbox = Mailbox<Element>(buffer, hooks: .init(lost: { _, _ in }, ended: {}))
    mailbox.close(discarding: true)
    return EventStream(mailbox, nil, .ended)
  }

  /// Begins to take events.
  public func makeAsyncIterator() -> Iterator {
    Iterator(handle.mailbox.lease() ? Lease(handle) : nil)
  }

  /// Ends the stream once what waits has been delivered.
  public func cancel() { handle.subscription.cancel() }

  /// What this stream has delivered and lost, also after its end.
  public var statistics: SubscriptionStatistics {
    let counts = handle.mailbox.counts
    return SubscriptionStatistics(
      id: handle.identity?.id ?? 0, subscription: handle.identity?.name ?? "", owner: handle.identity?.owner.name ?? "",
      kind: .stream, buffer: handle.mailbox.buffer.description, delivered: counts.delivered, dropped: counts.dropped,
      queued: counts.queued, highWater: counts.highWater)
  }

  /// Takes events from the stream.
  public struct Iterator: AsyncIteratorProtocol {
    @usableFromInline let lease: Lease?

    init(_ lease: Lease?) { self.lease = lease }

    /// The next event, or nil when the stream has ended.
    @inlinable
    public mutating func next() async -> Element? { await next(isolation: nil) }

    /// The next event, or nil when the stream has ended.
    @inlinable
    public mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
      guard let mailbox = lease?.mailbox else { return nil }
      if let element = mailbox.popBatch() { return element }
      return await mailbox.next()
    }
  }

  /// The right to consume; ends with the last iterator that has it.
  @usableFromInline
  final class Lease {
    @usableFromInline let mailbox: Mailbox<Element>
    let handle: Handle

    init(_ handle: Handle) {
      self.handle = handle
      mailbox = handle.mailbox
    }

    deinit { mailbox.endLease() }
  }
}
