import MainstayReactor
import Synchronization

/// Keeps one connection open: opens it when it is first asked for, and again whenever it ends.
///
/// ```
///   idle ──asked──▶ opening ──▶ open ──ended──▶ opening …          callers during
///                     │  ▲                                           opening: wait, until their deadline
///                failed  └── pause over ── pausing                   pausing: get the last failure at once
///                     └────────────────────▶─┘
/// ```
/// An outage so costs callers no waiting, and one that ends is over for them within the pause, which is bounded.
final class ConnectionKeeper: Sendable {
  private enum State {
    case idle
    case opening([OneShot<RedisConnection>])
    case open(RedisConnection)
    case pausing(RedisError)
    case closed
  }

  /// Who does more with a new connection before callers get it.
  typealias Preparation = @Sendable (RedisConnection) async throws -> Void

  private static let maxWaiters = 65_536
  /// The second connection in a row that lives shorter counts as a failed attempt.
  private static let usefulLife = Duration.seconds(1)

  private let options: RedisOptions
  private let reactor: Reactor
  private let observe: @Sendable (RedisClientEvent) -> Void
  private let prepare: Preparation
  private let state = Mutex(State.idle)
  private let work = Mutex<Task<Void, Never>?>(nil)

  init(
    _ options: RedisOptions, reactor: Reactor, observe: @escaping @Sendable (RedisClientEvent) -> Void,
    prepare: @escaping Preparation = { _ in }
  ) {
    self.options = options
    self.reactor = reactor
    self.observe = observe
    self.prepare = prepare
  }

  /// The connection if it is open.
  @inline(__always)
  var current: RedisConnection? {
    state.withLock { if case .open(let connection) = $0 { connection } else { nil } }
  }

  /// The connection, which is waited for while it is being opened.
  func connection(by deadline: MonotonicInstant) async throws -> RedisConnection {
    let turn = OneShot<RedisConnection>()
    let (isFirst, ready) = try enter(turn)
    if let ready { return ready }
    if isFirst { start() }
    return try await turn.value(by: deadline, on: reactor) {
      RedisError(.notConnected, "no connection was open before the deadline; the command was not sent")
    }
  }

  func close() {
    let before = state.withLock { state in
      defer { state = .closed }
      return state
    }
    work.withLock { $0.take() }?.cancel()
    switch before {
    case .open(let connection): connection.close(.clientClosed)
    case .opening(let waiters): for waiter in waiters { waiter.resolve(.failure(RedisError.clientClosed)) }
    case .idle, .pausing, .closed: break
    }
  }

  private func enter(_ turn: OneShot<RedisConnection>) throws -> (isFirst: Bool, ready: RedisConnection?) {
    try state.withLock { state in
      switch state {
      case .open(let connection) where connection.end == nil: return (false, connection)
      case .open:
        // It has ended, and its successor is on the way.
        state = .opening([turn])
        return (false, nil)
      case .pausing(let failure): throw failure
      case .closed: throw RedisError.clientClosed
      case .idle:
        state = .opening([turn])
        return (true, nil)
      case .opening(var waiters):
        state = .idle
        guard waiters.count < Self.maxWaiters else {
          state = .opening(waiters)
          throw RedisError(.overloaded, "\(waiters.count) callers wait for the connection to open already")
        }
        waiters.append(turn)
        state = .opening(waiters)
        return (false, nil)
      }
    }
  }

  private func start() {
    let task = Task(executorPreference: reactor) { await self.keep() }
    work.withLock { $0 = task }
    if case .closed = state.withLock({ $0 }) { task.cancel() }
  }

  private func keep() async {
    var schedule = ReconnectSchedule(first: options.reconnectPause, longest: options.maxReconnectPause)
    var shortLives = 0
    while !Task.isCancelled {
      do {
        try await hold(&schedule, &shortLives)
      } catch {
        // Without its reactor there is nothing to wait for: timers are due at once, and sockets refused.
        if (try? await reactor.run { [reactor] in reactor.isStopping }) ?? true { return close() }
        let pause = schedule.pauseAfterFailure(random: Double.random(in: 0..<1))
        report(error, pause: pause)
        guard await sleep(for: pause) else { return }
        state.withLock { state in
          if case .pausing = state { state = .opening([]) }
        }
      }
    }
  }

  /// Opens a connection and returns when it has ended. Throws if that is the second one in a row that ended too soon.
  private func hold(_ schedule: inout ReconnectSchedule, _ shortLives: inout Int) async throws {
    let begun = MonotonicInstant.now
    let connection = try await RedisConnection.open(
      options, for: .shared, by: begun.advanced(by: options.connectTimeout), on: reactor)
    try await prepare(connection)
    let ended = OneShot<RedisError>()
    let opened = MonotonicInstant.now
    reactor.submit { connection.whenEnded { ended.resolve(.success($0)) } }
    guard publish(connection) else { return connection.close(.clientClosed) }
    observe(.connected(after: begun.duration(to: opened)))
    let end = try await ended.value()
    observe(.lost(end))
    shortLives = opened.duration(to: .now) < Self.usefulLife ? shortLives + 1 : 0
    if shortLives > 1 { throw end }
    schedule.succeeded()
    state.withLock { state in
      if case .open = state { state = .opening([]) }
    }
  }

  private func publish(_ connection: RedisConnection) -> Bool {
    let waiters: [OneShot<RedisConnection>]? = state.withLock { state in
      if case .closed = state { return nil }
      defer { state = .open(connection) }
      if case .opening(let waiters) = state { return waiters }
      return []
    }
    guard let waiters else { return false }
    for waiter in waiters { waiter.resolve(.success(connection)) }
    return true
  }

  private func report(_ error: any Error, pause: Duration) {
    let reason = error as? RedisError ?? RedisError(.notConnected, "the attempt to connect was cancelled")
    let failure = RedisError(.notConnected, "\(reason.message); the next attempt follows within \(pause)")
    let waiters: [OneShot<RedisConnection>] = state.withLock { state in
      if case .closed = state { return [] }
      defer { state = .pausing(failure) }
      if case .opening(let waiters) = state { return waiters }
      return []
    }
    for waiter in waiters { waiter.resolve(.failure(failure)) }
    if !Task.isCancelled { observe(.attemptFailed(reason, nextWithin: pause)) }
  }

  /// False when the task has been cancelled meanwhile.
  private func sleep(for pause: Duration) async -> Bool {
    let end = OneShot<Void>()
    let timer = ReactorTimer { _ = end.resolve(.success(())) }
    reactor.submit { [reactor] in reactor.set(timer, for: MonotonicInstant.now.advanced(by: pause)) }
    defer { reactor.submit { [reactor] in reactor.cancel(timer) } }
    do {
      try await end.value()
      return true
    } catch {
      return false
    }
  }
}
