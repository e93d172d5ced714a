import Synchronization

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
  private struct State {
    var buffer = FIFO<RedisMessage>()
    var dropped = 0
    var isReconnected = false
    var isEnded = false
    var waiters: [OneShot<RedisSubscriptionEvent?>] = []

    /// What the consumer gets next, a gap before the messages that follow it.
    mutating func next(_ overflow: RedisSubscriptionOverflow) -> RedisSubscriptionEvent? {
      if isReconnected, buffer.isEmpty || overflow == .dropOldest {
        isReconnected = false
        return .gap(.reconnected)
      }
      if dropped > 0, buffer.isEmpty || overflow == .dropOldest {
        defer { dropped = 0 }
        return .gap(.overflow(dropped: dropped))
      }
      return buffer.popFirst().map { .message($0) }
    }
  }

  private let state = Mutex(State())
  private let capacity: Int
  private let overflow: RedisSubscriptionOverflow
  private let onEnd: @Sendable (RedisSubscription) -> Void

  init(capacity: Int, overflow: RedisSubscriptionOverflow, onEnd: @escaping @Sendable (RedisSubscription) -> Void) {
    self.capacity = max(capacity, 1)
    self.overflow = overflow
    self.onEnd = onEnd
  }

  /// Ends the subscription; the sequence ends after what is buffered.
  public func cancel() {
    end()
    onEnd(self)
  }

  /// An iterator. All iterators of a subscription take from the same buffer.
  public func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }

  /// Takes events one after another.
  public struct Iterator: AsyncIteratorProtocol {
    let subscription: RedisSubscription

    /// The next event, or nil when the subscription has ended or the task has been cancelled.
    public func next() async -> RedisSubscriptionEvent? { await subscription.next() }
  }

  private func next() async -> RedisSubscriptionEvent? {
    let turn = OneShot<RedisSubscriptionEvent?>()
    state.withLock { state in
      if let event = state.next(overflow) {
        turn.resolve(.success(event))
      } else if state.isEnded {
        turn.resolve(.success(nil))
      } else {
        state.waiters.append(turn)
      }
    }
    do {
      return try await turn.value()
    } catch {
      return nil
    }
  }

  func receive(_ message: RedisMessage) {
    state.withLock { state in
      if state.isEnded { return }
      if state.buffer.isEmpty, handOver(.message(message), &state) { return }
      if state.buffer.count < capacity { return state.buffer.append(message) }
      state.dropped += 1
      if overflow == .dropOldest {
        state.buffer.popFirst()
        state.buffer.append(message)
      }
    }
  }

  func reconnected() {
    state.withLock { state in
      if state.isEnded { return }
      if state.buffer.isEmpty, handOver(.gap(.reconnected), &state) { return }
      state.isReconnected = true
    }
  }

  func end() {
    let waiters = state.withLock { state in
      state.isEnded = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resolve(.success(nil)) }
  }

  /// True if somebody waited and took it. Resuming a task under the lock is harmless: it runs elsewhere.
  private func handOver(_ event: RedisSubscriptionEvent, _ state: inout State) -> Bool {
    while !state.waiters.isEmpty {
      if state.waiters.removeFirst().resolve(.success(event)) { return true }
    }
    return false
  }
}
