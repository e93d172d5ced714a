import MainstayReactor
import Synchronization

/// The one connection on which all subscriptions of a client live. After it was lost, everything is subscribed to again,
/// and each listener finds a gap where it may have missed messages.
final class SubscriptionHub: Sendable {
  private struct State {
    var table = SubscriptionTable()
    var connection: RedisConnection?
    var lastPush = MonotonicInstant.now
    var isClosed = false
  }

  private let options: RedisOptions
  private let reactor: Reactor
  private let state: Mutex<State>
  private let keeper: Mutex<ConnectionKeeper?>

  init(_ options: RedisOptions, reactor: Reactor) {
    self.options = options
    self.reactor = reactor
    state = Mutex(State())
    keeper = Mutex(nil)
  }

  /// Whether its connection is open.
  var isConnected: Bool { state.withLock { state in state.connection.map { $0.end == nil } ?? false } }

  /// Subscribes, and returns when the server has confirmed all of it.
  func subscribe(
    to topics: [RedisTopic], buffer: SubscriptionBuffer, by deadline: MonotonicInstant
  ) async throws -> RedisSubscription {
    let waiting: [(RedisTopic, OneShot<Void>)] = try state.withLock { state in
      if state.isClosed { throw RedisError.clientClosed }
      return topics.compactMap { topic in state.table.add(buffer, to: topic).map { (topic, $0) } }
    }
    // From here on letting go of it unsubscribes, also when this throws.
    let subscription = RedisSubscription(buffer) { [weak self] in self?.unsubscribe(buffer, from: topics) }
    guard !waiting.isEmpty else { return subscription }
    let connection = try await openKeeper().connection(by: deadline)
    for (topic, _) in waiting { connection.sendUnanswered(topic.subscribe) }
    for (_, waiter) in waiting {
      try await waiter.value(by: deadline, on: reactor) {
        RedisError(.timedOut, "the server did not confirm the subscription before the deadline")
      }
    }
    return subscription
  }

  func close() {
    let (buffers, waiters) = state.withLock { state in
      state.isClosed = true
      return state.table.removeAll()
    }
    for buffer in buffers { buffer.end() }
    for waiter in waiters { waiter.resolve(.failure(RedisError.clientClosed)) }
    keeper.withLock { $0 }?.close()
  }

  private func unsubscribe(_ buffer: SubscriptionBuffer, from topics: [RedisTopic]) {
    // Sent under the lock: who subscribes to the same topic a moment later must not have it ended by this.
    state.withLock { state in
      for topic in state.table.remove(buffer, from: topics) { state.connection?.sendUnanswered(topic.unsubscribe) }
    }
  }

  private func openKeeper() -> ConnectionKeeper {
    keeper.withLock { keeper in
      if let keeper { return keeper }
      let made = ConnectionKeeper(options, reactor: reactor, observe: { _ in }) { [weak self] connection in
        try await self?.adopt(connection)
      }
      keeper = made
      return made
    }
  }

  /// Makes a connection one of subscriptions, and subscribes to everything that is wanted.
  private func adopt(_ connection: RedisConnection) async throws {
    try await reactor.run { [self] in
      connection.receivePushes { [weak self] in self?.receive($0) }
      connection.sendUnanswered(RedisCommand<RedisOK>("PING").arguments)
      let heart = Heartbeat(connection, interval: options.stallTimeout) { [weak self] in
        self?.state.withLock { $0.lastPush } ?? .distantFuture
      }
      heart.start()
    }
    let wanted = state.withLock { state in
      state.connection = connection
      state.lastPush = .now
      state.table.interrupt()
      return state.table.wanted
    }
    for topic in wanted { connection.sendUnanswered(topic.subscribe) }
  }

  private func receive(_ push: RESPValue) {
    state.withLock { $0.lastPush = .now }
    switch Push(push) {
    case .message(let message, let topic):
      for buffer in state.withLock({ $0.table.listeners(of: topic) }) { buffer.receive(message) }
    case .confirmed(let topic):
      let (waiters, interrupted) = state.withLock { $0.table.confirm(topic) }
      for waiter in waiters { waiter.resolve(.success(())) }
      for buffer in interrupted { buffer.reconnected() }
    case .refused(let error):
      for waiter in state.withLock({ $0.table.refuse() }) { waiter.resolve(.failure(error)) }
    case .other: break
    }
  }
}

/// Asks a quiet connection now and then whether the server is still there, and gives it up if no answer comes. A connection
/// with subscriptions owes no replies, so silence alone says nothing.
final class Heartbeat: @unchecked Sendable {
  // because it is used on the reactor's thread only.
  private weak var connection: RedisConnection?
  private let interval: Duration
  private let lastSign: () -> MonotonicInstant
  private var timer: ReactorTimer?
  private var asked: MonotonicInstant?

  init(_ connection: RedisConnection, interval: Duration, lastSign: @escaping () -> MonotonicInstant) {
    self.connection = connection
    self.interval = interval
    self.lastSign = lastSign
  }

  func start() {
    timer = ReactorTimer { self.beat() }
    setTimer()
  }

  /// The timer keeps this object alive; it ends with the connection.
  private func beat() {
    guard let connection, connection.end == nil else { return timer = nil }
    if let asked, lastSign() < asked {
      connection.close(
        RedisError(.connectionLost, "the server has not answered PING on the connection of the subscriptions"))
      return timer = nil
    }
    asked = connection.reactor.now
    connection.sendUnanswered(RedisCommand<RedisOK>("PING").arguments)
    setTimer()
  }

  private func setTimer() {
    guard let connection, let timer else { return }
    connection.reactor.set(timer, for: connection.reactor.now.advanced(by: interval))
  }
}
