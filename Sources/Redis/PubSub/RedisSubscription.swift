/// What a subscription yields.
public enum RedisSubscriptionEvent: Sendable, Hashable {
  /// A message.
  case message(RedisMessage)
  /// Messages may be missing here. Redis keeps none for those who are not there: read anew what you derive from them.
  case gap(RedisSubscriptionGap)
}

/// A message of a channel.
public struct RedisMessage: Sendable, Hashable {
  /// The channel that it was published on.
  public let channel: String
  /// The pattern through which it came, for subscriptions to patterns.
  public let pattern: String?
  /// What was published.
  public let payload: [UInt8]

  /// The payload as text; bytes that are not UTF-8 are replaced.
  public var text: String { String(decoding: payload, as: UTF8.self) }
}

/// Why messages may be missing.
public enum RedisSubscriptionGap: Sendable, Hashable {
  /// The connection was lost, and is there again: the subscription is in force again from here on.
  case reconnected
  /// The buffer was full; so many messages were dropped.
  case overflow(dropped: Int)
}

/// What a full buffer does with one more message.
public enum RedisSubscriptionOverflow: Sendable, Hashable {
  /// The oldest buffered message goes.
  case dropOldest
  /// The new message goes.
  case dropNewest
}

/// Messages of channels and patterns, as an asynchronous sequence for one consumer. It ends when it is cancelled, when the
/// last reference to it goes, or when the client is closed.
public final class RedisSubscription: AsyncSequence, Sendable {
  private let buffer: SubscriptionBuffer
  private let onEnd: @Sendable () -> Void

  init(_ buffer: SubscriptionBuffer, onEnd: @escaping @Sendable () -> Void) {
    self.buffer = buffer
    self.onEnd = onEnd
  }

  deinit { cancel() }

  /// Ends the subscription; the sequence ends after what is buffered.
  public func cancel() {
    buffer.end()
    onEnd()
  }

  /// An iterator. All iterators of a subscription take from the same buffer.
  public func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }

  /// Takes events one after another.
  public struct Iterator: AsyncIteratorProtocol {
    let subscription: RedisSubscription

    /// The next event, or nil when the subscription has ended or the task has been cancelled.
    public func next() async -> RedisSubscriptionEvent? { await subscription.buffer.next() }
  }
}
