public import MainstayReactor
import Synchronization

/// A client of one Redis server.
///
/// Commands of all callers share one connection; what is written during a tick of the reactor leaves in few pieces, so a
/// command costs less the more callers there are. Commands that block, transactions that watch, and subscriptions have
/// connections of their own.
///
/// Works from any task. Work that uses Redis much is cheapest on the reactor: `withTaskExecutorPreference(reactor) { … }`
/// around all of it, so that no command crosses threads.
///
/// Every method throws ``RedisError``, or `CancellationError` when the task is cancelled; a command whose caller has gone
/// may be executed all the same.
public final class RedisClient: Sendable {
  /// What the client was made with.
  public let options: RedisOptions
  /// The thread on which its connections live.
  public let reactor: Reactor

  let dedicated: DedicatedConnections
  let hub: SubscriptionHub
  private let keepers: [ConnectionKeeper]
  /// The first of them. Apart, since taking it out of the array would retain it.
  private let keeper: ConnectionKeeper
  private let turn = Atomic<Int>(0)

  /// A client. Nothing is connected before it is needed; see ``connect(deadline:)``.
  ///
  /// - Parameters:
  ///   - meter: Counts commands.
  ///   - observe: told when the shared connection opens, ends, or cannot be opened. It must be short.
  /// - Throws: ``RedisError`` of code `configuration` if the options cannot be used.
  public init(
    _ options: RedisOptions, reactor: Reactor, meter: (any RedisMeter)? = nil,
    observe: @escaping @Sendable (RedisClientEvent) -> Void = { _ in }
  ) throws {
    try options.validate()
    var options = options
    options.meter = meter
    options.tlsContext = try options.tls.map { try TLSContext($0) }
    self.options = options
    self.reactor = reactor
    keeper = ConnectionKeeper(options, reactor: reactor, observe: observe)
    keepers =
      [keeper]
      + (1..<options.sharedConnections).map { [options] _ in
        ConnectionKeeper(options, reactor: reactor, observe: observe)
      }
    dedicated = DedicatedConnections(options, reactor: reactor)
    hub = SubscriptionHub(options, reactor: reactor)
  }

  deinit { close() }

  /// Waits until the shared connections are open; throws why the first of them could not be opened.
  public func connect(deadline: ContinuousClock.Instant? = nil) async throws {
    for keeper in keepers { _ = try await keeper.connection(by: limit(deadline, options.connectTimeout)) }
  }

  /// Closes every connection. Whoever waits for a reply gets an error of code `closed`; so does every later call.
  public func close() {
    for keeper in keepers { keeper.close() }
    dedicated.close()
    hub.close()
  }

  /// Sends a command and reads its reply, which must be there `commandTimeout` after it is sent.
  @inlinable
  public nonisolated(nonsending) func send<Reply>(_ command: RedisCommand<Reply>) async throws -> Reply {
    try await send(command, by: nil)
  }

  // Not a default of the one above: a moment of a host's clock is of a type whose size is known at run time only, so that
  // every frame it passes through asks for memory.
  /// Sends a command and reads its reply.
  ///
  /// - Parameter deadline: by when the reply must be there; if nil, `commandTimeout` after it is sent.
  @inlinable
  public nonisolated(nonsending) func send<Reply>(
    _ command: RedisCommand<Reply>, deadline: ContinuousClock.Instant?
  ) async throws -> Reply {
    try await send(command, by: deadline.map { MonotonicInstant($0) })
  }

  /// What the client does now.
  public var statistics: RedisClientStatistics {
    let counts = dedicated.counts
    let open = keepers.compactMap(\.current)
    return RedisClientStatistics(
      sharedConnections: open.count, commandsInFlight: open.reduce(0) { $0 + $1.inFlight },
      queuedBytes: open.reduce(0) { $0 + $1.queuedBytes },
      dedicatedConnections: counts.open, idleDedicatedConnections: counts.idle, dedicatedWaiters: counts.waiting,
      subscriptionConnections: hub.isConnected ? 1 : 0)
  }

  func replies(_ batch: [RedisArguments], deadline: ContinuousClock.Instant?) async throws -> [RESPValue] {
    let connection = try await keeper(nextTurn()).connection(by: limit(deadline, options.commandTimeout))
    return try await connection.send(batch, deadline: deadline.map(MonotonicInstant.init), as: .pipeline)
  }

  func limit(_ deadline: ContinuousClock.Instant?, _ timeout: Duration) -> MonotonicInstant {
    deadline.map(MonotonicInstant.init) ?? MonotonicInstant.now.advanced(by: timeout)
  }

  func limit(_ deadline: MonotonicInstant?, _ timeout: Duration) -> MonotonicInstant {
    deadline ?? MonotonicInstant.now.advanced(by: timeout)
  }

  /// Which of the shared connections is next.
  @usableFromInline
  func nextTurn() -> Int {
    guard keepers.count > 1 else { return 0 }
    return Int(bitPattern: UInt(bitPattern: turn.wrappingAdd(1, ordering: .relaxed).newValue) % UInt(keepers.count))
  }

  @inline(__always)
  private func keeper(_ turn: Int) -> ConnectionKeeper { keepers.count > 1 ? keepers[turn] : keeper }
}

// What becomes of a command. The inlined part is specialized where it is called and has one frame, since each frame
// between the caller and the continuation costs some 20 ns.
extension RedisClient {
  @inlinable @inline(__always)
  nonisolated(nonsending) func send<Reply>(
    _ command: RedisCommand<Reply>, by deadline: MonotonicInstant?
  ) async throws -> Reply {
    if command.blocks != nil { return try await sendBlocking(command, deadline) }
    if command.needs != .nothing, let refusal = command.refusal(isCleared: false) { throw refusal }
    do {
      return try Reply(reply: try await reply(command.arguments, command.isReadOnly, deadline))
    } catch let error as RedisError {
      throw error.named(command.name)
    }
  }

  @inlinable @inline(__always)
  nonisolated(nonsending) func reply(
    _ arguments: RedisArguments, _ isReadOnly: Bool, _ deadline: MonotonicInstant?
  ) async throws -> RESPValue {
    // All tries of a command are made by one keeper: another one's connection may be as old as the one that was lost.
    let turn = nextTurn()
    do {
      // The form without the underscore looks for the caller's executor before it runs the closure, although this function
      // is on it already: 50 ns, a tenth of a command. It can stand here whenever this one goes.
      return try await _unsafeInheritExecutor_withUnsafeThrowingContinuation {
        sendNow(arguments, isReadOnly, deadline, turn, $0)
      }
    } catch {
      return try await reply(arguments, isReadOnly, deadline, turn, after: error)
    }
  }

  /// Sends a command if a connection is open; else the continuation gets ``NotOpen``.
  @usableFromInline
  func sendNow(
    _ arguments: RedisArguments, _ isReadOnly: Bool, _ deadline: MonotonicInstant?, _ turn: Int,
    _ continuation: UnsafeContinuation<RESPValue, any Error>
  ) {
    guard let connection = keeper(turn).current else { return continuation.resume(throwing: NotOpen()) }
    connection.send(arguments, deadline: deadline, as: isReadOnly ? .read : .write, continuation)
  }

  /// Sends a command that was not sent, or of which the next connection may know better; else throws the error.
  @usableFromInline
  nonisolated(nonsending) func reply(
    _ arguments: RedisArguments, _ isReadOnly: Bool, _ deadline: MonotonicInstant?, _ turn: Int, after error: any Error
  ) async throws -> RESPValue {
    switch error {
    case is NotOpen: break
    // It was not executed, or may be executed twice.
    case let lost as RedisError where lost.code == .connectionLost && (isReadOnly || !lost.isIndeterminate): break
    default: throw error
    }
    let connection = try await keeper(turn).connection(by: limit(deadline, options.commandTimeout))
    return try await connection.send(arguments, deadline: deadline, as: isReadOnly ? .read : .write)
  }
}

/// There is no connection yet: it has to be waited for.
private struct NotOpen: Error {}

/// What a client does at a moment.
public struct RedisClientStatistics: Sendable, Hashable {
  /// Shared connections that are open.
  public var sharedConnections: Int
  /// Commands on them whose replies are due.
  public var commandsInFlight: Int
  /// Bytes of commands on them that have not been sent yet.
  public var queuedBytes: Int
  /// Dedicated connections that are open or being opened.
  public var dedicatedConnections: Int
  /// Those of them that nobody uses.
  public var idleDedicatedConnections: Int
  /// Callers that wait for a dedicated connection.
  public var dedicatedWaiters: Int
  /// Connections of subscriptions that are open: one for all of them, none before the first and after it was lost.
  public var subscriptionConnections: Int
}
