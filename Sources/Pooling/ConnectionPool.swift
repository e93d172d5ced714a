/// Keeps connections open and lends them to who needs one, for as long as a closure runs.
///
/// ```swift
/// let pool = ConnectionPool(name: "main", settings: settings, factory: factory)
/// try await pool.warmUp(by: .now + .seconds(5))
/// let name = try await pool.withConnection { connection in try await connection.name() }
/// await pool.drain(by: .now + .seconds(5))
/// ```
/// Whoever finds an idle connection gets it without suspending. Else it waits in line: by priority, first come, first served
/// within one, until its deadline; a connection that comes back goes to the next in line directly.
public final class ConnectionPool<Connection: AnyObject & Sendable>: Sendable {
  @usableFromInline let engine: PoolEngine
  @usableFromInline let factory: any PooledConnectionFactory<Connection>

  /// A pool. Nothing is opened before `warmUp`, unless somebody asks.
  /// - Parameters:
  ///   - name: Named in errors.
  ///   - settings: What it may and must do.
  ///   - factory: Opens, tries and closes connections.
  ///   - clock: The time.
  ///   - seed: For what is left to chance: lifetimes and waits between tries to connect.
  ///   - observer: Is told what happens, outside the pool's lock, by whoever made it happen: it must not wait.
  public init(
    name: String, settings: PoolSettings, factory: any PooledConnectionFactory<Connection>,
    clock: any PoolClock = SystemPoolClock(), seed: UInt64 = .random(in: 0 ... .max),
    observer: @escaping @Sendable (PoolEvent) -> Void = { _ in }
  ) {
    self.factory = factory
    engine = PoolEngine(
      name: name, settings: settings, clock: clock, seed: seed, effects: Self.effects(factory, clock),
      observer: observer)
  }

  /// The name.
  public var name: String { engine.name }
  /// What it may and must do.
  public var settings: PoolSettings { engine.settings }
  /// How it is at this moment.
  public var statistics: PoolStatistics { engine.statistics }
  /// Why the last try to connect failed; nil when connections can be had.
  public var lastConnectError: (any Error)? { engine.lastConnectError }

  /// Who has used connections longest, first the one that has for the longest time.
  public func holders(_ count: Int) -> [PoolHolder] { engine.holders(count) }

  // MARK: Use

  /// Lends a connection for as long as a closure runs.
  ///
  /// When the closure ends, by returning, throwing or being cancelled, the connection is looked at: it goes to the next
  /// caller, is tidied first (an open transaction is rolled back), or is closed. It must not be used after that.
  /// - Parameters:
  ///   - priority: How urgent it is, should it have to wait.
  ///   - tenant: Whom it is for; each tenant may use and wait for a limited number.
  ///   - deadline: No wait lasts longer; without one, `acquireTimeout` limits it.
  /// - Throws: `PoolError` if there is no connection, or whatever the closure throws.
  @inlinable
  public nonisolated(nonsending) func withConnection<Result>(
    priority: PoolPriority = .normal, tenant: String? = nil, deadline: ContinuousClock.Instant? = nil,
    file: StaticString = #fileID, line: UInt = #line,
    _ body: nonisolated(nonsending) (Connection) async throws -> Result
  ) async throws -> Result {
    let site = PoolSite(file: file, line: line)
    let affinity = affinity
    let hold: PoolHold
    if let idle = engine.tryAcquire(priority, tenant, site, affinity) {
      hold = idle
    } else {
      hold = try await engine.acquire(priority, tenant, site, affinity, deadline)
    }
    // Only connections that the factory made are ever put into the engine.
    let connection = unsafeDowncast(hold.object, to: Connection.self)
    defer { end(hold, connection) }
    return try await PoolHeld.current.withValue(PoolHeld(engine, hold.lease)) { try await body(connection) }
  }

  /// An idle connection, if there is one: for callers that rather do something else than wait.
  /// - Parameter onlyNear: Whether one that is not near to the caller is of no use to it.
  @inlinable
  package func tryLease(
    priority: PoolPriority = .normal, tenant: String? = nil, onlyNear: Bool = false, file: StaticString = #fileID,
    line: UInt = #line
  ) -> PoolLease<Connection>? {
    let site = PoolSite(file: file, line: line)
    return engine.tryAcquire(priority, tenant, site, affinity, onlyNear: onlyNear).map { PoolLease(self, $0) }
  }

  /// A connection that is kept beyond the end of a function, for cursors and subscriptions.
  @inlinable
  package nonisolated(nonsending) func lease(
    priority: PoolPriority = .normal, tenant: String? = nil, deadline: ContinuousClock.Instant? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) async throws(PoolError) -> PoolLease<Connection> {
    let site = PoolSite(file: file, line: line)
    let affinity = affinity
    if let idle = engine.tryAcquire(priority, tenant, site, affinity) { return PoolLease(self, idle) }
    return PoolLease(self, try await engine.acquire(priority, tenant, site, affinity, deadline))
  }

  /// A connection, as above; nil if the caller was withdrawn while it waited.
  @inlinable
  package nonisolated(nonsending) func lease(
    priority: PoolPriority, tenant: String?, deadline: ContinuousClock.Instant?, file: StaticString, line: UInt,
    unless withdrawal: PoolWithdrawal
  ) async throws(PoolError) -> PoolLease<Connection>? {
    let site = PoolSite(file: file, line: line)
    let hold = try await engine.acquire(priority, tenant, site, affinity, deadline, unless: withdrawal)
    return hold.map { PoolLease(self, $0) }
  }

  /// Which connections are nearest to the caller.
  @inlinable
  var affinity: Int32 { Self.slotAffinity(factory.affinity) }

  @inlinable
  static func slotAffinity(_ affinity: Int?) -> Int32 { affinity.flatMap { Int32(exactly: $0) } ?? -1 }

  /// Takes a connection back in whatever state it is.
  @inlinable
  func end(_ hold: PoolHold, _ connection: Connection) {
    switch factory.condition(of: connection) {
    case .reusable: engine.release(hold.lease, .reusable)
    case .broken: engine.release(hold.lease, .broken)
    case .untidy: tidy(hold, connection)
    }
  }

  /// In a task of its own: the caller need not wait for it, and its cancellation must not end it.
  @usableFromInline
  func tidy(_ hold: PoolHold, _ connection: Connection) {
    let (engine, factory) = (engine, factory)
    let deadline = engine.clock.continuous(engine.clock.now.advanced(by: settings.validationTimeout))
    Task.detached {
      let isTidy = await factory.tidy(connection, deadline: deadline)
      engine.release(hold.lease, isTidy ? .reusable : .broken)
    }
  }

  // MARK: The whole pool

  /// Opens the connections that are to be kept open, and waits until they are. They go on being opened after an error.
  /// - Throws: `PoolError.Code.unavailable` with the last error as its cause, at the deadline, or at once if trying again
  ///   cannot help.
  public func warmUp(by deadline: ContinuousClock.Instant) async throws(PoolError) {
    try await engine.warmUp(by: engine.clock.instant(deadline))
  }

  /// Opens the connections that are to be kept open, without waiting for them.
  public func start() { engine.apply { $0.core.start($1) } }

  /// Closes idle connections that the last minutes did not need, and opens what is to be kept open.
  /// - Returns: How many are closed, and how many are being opened.
  @discardableResult
  public func optimize() -> (closed: Int, opening: Int) { engine.optimize() }

  /// Looks whether more or fewer connections shall be allowed. Does nothing without `PoolSettings.scaling`.
  /// - Parameter processor: Percent of the processors in use; nil if unknown.
  public func scale(processor: Double?) { engine.apply { $0.core.scale(processor: processor, now: $1) } }

  /// Retires every connection opened so far: at once if it is idle, else when it comes back. For when the server has changed
  /// its role or its place.
  public func startGeneration(reason: String) { engine.startGeneration(reason) }

  /// Closes the pool: no new callers; who waits is served, what comes back is closed. At the deadline who still waits is
  /// refused, and connections still in use are closed under their users.
  public func drain(by deadline: ContinuousClock.Instant) async {
    await engine.drain(by: engine.clock.instant(deadline))
  }

  private static func effects(
    _ factory: any PooledConnectionFactory<Connection>, _ clock: any PoolClock
  ) -> PoolEngine.Effects {
    PoolEngine.Effects(
      connect: { engine, ref, deadline in
        let deadline = clock.continuous(deadline)
        Task.detached {
          do {
            let connection = try await factory.connect(deadline: deadline) { [weak engine] in
              engine?.apply { $0.core.died(ref, now: $1) }
            }
            engine.connected(ref, connection, Self.slotAffinity(factory.affinity(of: connection)))
          } catch {
            engine.connectFailed(ref, error, isHopeless: factory.isHopeless(error))
          }
        }
      },
      validate: { engine, ref, object, deadline in
        let connection = unsafeDowncast(object, to: Connection.self)
        let deadline = clock.continuous(deadline)
        Task.detached {
          let works = await factory.validate(connection, deadline: deadline)
          engine.apply { $0.core.validated(ref, works: works, now: $1) }
        }
      },
      close: { engine, ref, object in
        let connection = unsafeDowncast(object, to: Connection.self)
        Task.detached {
          await factory.close(connection)
          if let ref { engine.apply { $0.core.closed(ref, now: $1) } }
        }
      })
  }
}

/// A connection in use that is not bound to a closure. It cannot be copied; when it goes out of scope, the connection goes
/// back.
@usableFromInline
package struct PoolLease<Connection: AnyObject & Sendable>: ~Copyable, Sendable {
  /// The connection. It must not be used after the lease has ended.
  @usableFromInline package let connection: Connection
  @usableFromInline let pool: ConnectionPool<Connection>
  @usableFromInline let hold: PoolHold

  @inlinable
  init(_ pool: ConnectionPool<Connection>, _ hold: PoolHold) {
    connection = unsafeDowncast(hold.object, to: Connection.self)
    self.pool = pool
    self.hold = hold
  }

  /// Gives the connection back.
  @inlinable
  package consuming func end() {}

  @inlinable
  deinit { pool.end(hold, connection) }
}
