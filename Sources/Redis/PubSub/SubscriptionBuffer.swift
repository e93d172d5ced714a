import Synchronization

/// Events that wait for the consumer of a subscription, at most so many. A gap stands where messages are missing.
final class SubscriptionBuffer: Sendable {
  private struct State: ~Copyable {
    var events = FIFO<RedisSubscriptionEvent>()
    /// Messages dropped before the first one that is buffered.
    var droppedBefore = 0
    var isEnded = false
    var waiters: [OneShot<RedisSubscriptionEvent?>] = []
  }

  private let state = Mutex(State())
  private let capacity: Int
  private let overflow: RedisSubscriptionOverflow

  init(capacity: Int, overflow: RedisSubscriptionOverflow) {
    self.capacity = max(capacity, 1)
    self.overflow = overflow
  }

  /// The next event; nil when there will be none, or the task has been cancelled.
  func next() async -> RedisSubscriptionEvent? {
    let turn = OneShot<RedisSubscriptionEvent?>()
    state.withLock { state in
      if let event = Self.takeFirst(&state) {
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
      state.withLock { state in state.waiters.removeAll { $0 === turn } }
      return nil
    }
  }

  /// How many wait for an event.
  var waiting: Int { state.withLock { $0.waiters.count } }

  func receive(_ message: RedisMessage) {
    state.withLock { state in
      if state.isEnded || handOver(.message(message), &state) { return }
      if state.events.count < capacity { return state.events.append(.message(message)) }
      switch overflow {
      case .dropNewest: addGap(.overflow(dropped: 1), &state)
      case .dropOldest:
        // A gap that goes says no more than the one that takes its place at the front.
        state.events.popFirst()
        state.droppedBefore += 1
        state.events.append(.message(message))
      }
    }
  }

  /// The subscription is in force again after the connection was lost.
  func reconnected() {
    state.withLock { state in
      if state.isEnded || handOver(.gap(.reconnected), &state) { return }
      addGap(.reconnected, &state)
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

  private static func takeFirst(_ state: inout State) -> RedisSubscriptionEvent? {
    if state.droppedBefore > 0 {
      defer { state.droppedBefore = 0 }
      return .gap(.overflow(dropped: state.droppedBefore))
    }
    return state.events.popFirst()
  }

  /// Appends a gap, or makes one of it and the gap that is last already: so there are never more of them than messages.
  private func addGap(_ gap: RedisSubscriptionGap, _ state: inout State) {
    guard !state.events.isEmpty, case .gap(let last) = state.events[state.events.count - 1].pointee else {
      return state.events.append(.gap(gap))
    }
    if case .overflow(let before) = last, case .overflow(let more) = gap {
      state.events[state.events.count - 1].pointee = .gap(.overflow(dropped: before + more))
    } else {
      state.events[state.events.count - 1].pointee = .gap(.reconnected)
    }
  }

  /// True if somebody waited and took it. Resuming a task under the lock is harmless: it runs elsewhere.
  private func handOver(_ event: RedisSubscriptionEvent, _ state: inout State) -> Bool {
    while !state.waiters.isEmpty {
      if state.waiters.removeFirst().resolve(.success(event)) { return true }
    }
    return false
  }
}
