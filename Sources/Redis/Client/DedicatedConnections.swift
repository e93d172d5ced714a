import MainstayReactor
import Synchronization

/// Connections that one caller has for itself at a time. The one used last is used first, so that the others may rest.
final class DedicatedConnections: Sendable {
  private struct State: ~Copyable {
    var idle: [RedisConnection] = []
    /// Connections there are, and those being opened.
    var count = 0
    /// A waiter gets a connection, or nil for the right to open one.
    var waiters = FIFO<OneShot<RedisConnection?>>()
    var isClosed = false
  }

  private let options: RedisOptions
  private let reactor: Reactor
  private let state = Mutex(State())

  init(_ options: RedisOptions, reactor: Reactor) {
    self.options = options
    self.reactor = reactor
  }

  /// How many are open or being opened, and how many of them rest.
  var counts: (open: Int, idle: Int, waiting: Int) {
    state.withLock { ($0.count, $0.idle.count, $0.waiters.count) }
  }

  /// A connection for the caller alone, to be given back with `release`.
  func acquire(by deadline: MonotonicInstant) async throws -> RedisConnection {
    enum Turn { case ready(RedisConnection), open, wait(OneShot<RedisConnection?>) }
    let turn: Turn = try state.withLock { state in
      if state.isClosed { throw RedisError.clientClosed }
      while let connection = state.idle.popLast() {
        if connection.end == nil { return .ready(connection) }
        state.count -= 1
      }
      if state.count < options.maxDedicatedConnections {
        state.count += 1
        return .open
      }
      guard state.waiters.count < options.maxDedicatedWaiters else { throw overload(state.count) }
      let waiter = OneShot<RedisConnection?>()
      state.waiters.append(waiter)
      return .wait(waiter)
    }
    switch turn {
    case .ready(let connection): return connection
    case .open: return try await open(by: deadline)
    case .wait(let waiter):
      if let granted = try await wait(on: waiter, by: deadline) { return granted }
      return try await open(by: deadline)
    }
  }

  /// Who has stopped waiting takes no place in the line any more.
  private func wait(on waiter: OneShot<RedisConnection?>, by deadline: MonotonicInstant) async throws
    -> RedisConnection?
  {
    do {
      return try await waiter.value(by: deadline, on: reactor) { [options] in
        RedisError(
          .timedOut,
          "all \(options.maxDedicatedConnections) dedicated connections were in use until the deadline "
            + "(maxDedicatedConnections)")
      }
    } catch {
      state.withLock { state in state.waiters.removeAll { $0 === waiter } }
      throw error
    }
  }

  /// Gives a connection back. One whose state is unknown is closed.
  func release(_ connection: RedisConnection, isClean: Bool) {
    let isReusable = isClean && connection.end == nil
    if !isReusable { connection.close(RedisError(.closed, "the session has ended")) }
    pass(isReusable ? connection : nil)
  }

  func close() {
    let (idle, waiters) = state.withLock { state in
      state.isClosed = true
      var waiters: [OneShot<RedisConnection?>] = []
      while let waiter = state.waiters.popFirst() { waiters.append(waiter) }
      defer { state.idle = [] }
      return (state.idle, waiters)
    }
    for connection in idle { connection.close(.clientClosed) }
    for waiter in waiters { waiter.resolve(.failure(RedisError.clientClosed)) }
  }

  private func open(by deadline: MonotonicInstant) async throws -> RedisConnection {
    let limit = MonotonicInstant.now.advanced(by: options.connectTimeout)
    do {
      return try await RedisConnection.open(options, for: .dedicated, by: min(limit, deadline), on: reactor)
    } catch {
      pass(nil)
      throw error
    }
  }

  /// Hands a connection, or the right to open one, to whoever waits longest.
  private func pass(_ connection: RedisConnection?) {
    while true {
      let (waiter, isDone): (OneShot<RedisConnection?>?, Bool) = state.withLock { state in
        if let waiter = state.waiters.popFirst() { return (waiter, false) }
        if let connection, !state.isClosed { state.idle.append(connection) } else { state.count -= 1 }
        return (nil, state.isClosed)
      }
      guard let waiter else {
        if isDone { connection?.close(.clientClosed) }
        return
      }
      // A waiter may have gone meanwhile; then the next one is asked.
      if waiter.resolve(.success(connection)) { return }
    }
  }

  private func overload(_ count: Int) -> RedisError {
    RedisError(
      .overloaded,
      "all \(count) dedicated connections are in use, and \(options.maxDedicatedWaiters) callers wait "
        + "already (maxDedicatedConnections, maxDedicatedWaiters)")
  }
}
