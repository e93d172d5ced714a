public import MainstayPooling
public import MainstayReactor

/// A database, reached through a pool of connections.
///
/// ```swift
/// let database = try context.require(.postgres)
/// let names = try await database.query("SELECT name FROM patients WHERE clinic = \(clinic)", as: String.self)
/// try await database.withConnection { connection in
///   try await connection.execute("LOCK TABLE rooms IN SHARE MODE")
/// }
/// ```
/// Each method may be called from any task, by many at once. One that uses the database much is cheapest on a reactor:
/// `withTaskExecutorPreference(database.reactor) { … }` around all of it, so that no statement crosses threads: who runs on a
/// reactor is lent a connection that lives there, if one is idle.
///
/// Every method takes one `deadline`, which holds for all it does: the wait for a connection, the statements, their end.
/// Without one, the pool's `acquireTimeout` and the connection's `statementTimeout` limit each by itself.
public final class PostgresDatabase: Sendable {
  /// What it is called in errors, events and statistics.
  public let name: String
  /// Where it is; shows no password.
  public let options: PostgresOptions
  /// The most statements that one batch sends at a time; larger ones go in parts, within one transaction.
  public let batchSize: Int
  /// The most statements that `concurrently` runs at a time.
  public let parallelQueries: Int

  let pool: ConnectionPool<PostgresConnection>
  let factory: PostgresConnectionFactory
  /// One for each reactor.
  let readers: [SharedReaders]
  let merging = MergedReads()

  /// A database. Nothing is connected before `warmUp`, unless somebody asks.
  ///
  /// - Parameters:
  ///   - pool: How many connections there are, and for how long.
  ///   - connection: How each of them behaves.
  ///   - reactors: On whose threads they live, in turn; at least one.
  ///   - sharedReaders: The most connections that `read` uses for all its callers together, but at least one on each reactor.
  ///   - meter: Counts statements.
  ///   - observer: Is told what happens to the pool; it must not wait.
  public init(
    name: String, options: PostgresOptions, pool: PoolSettings = PoolSettings(),
    connection: PostgresConnectionSettings = PostgresConnectionSettings(), reactors: [Reactor], sharedReaders: Int = 4,
    batchSize: Int = 2_000, parallelQueries: Int = 20, clock: any PoolClock = SystemPoolClock(),
    meter: (any PostgresMeter)? = nil,
    observer: @escaping @Sendable (PoolEvent) -> Void = { _ in }
  ) throws(PostgresError) {
    guard !reactors.isEmpty else {
      throw PostgresError(.misuse, "the database '\(name)' has no reactor for its connections; give at least one")
    }
    self.name = name
    self.options = options
    self.batchSize = max(1, batchSize)
    self.parallelQueries = max(1, parallelQueries)
    factory = PostgresConnectionFactory(
      name: name, options: options, settings: connection, reactors: reactors, meter: meter)
    self.pool = ConnectionPool(name: name, settings: pool, factory: factory, clock: clock, observer: observer)
    let connections = self.pool
    factory.place.onMove { [weak connections] reason in connections?.startGeneration(reason: reason) }
    let most = max(1, sharedReaders / reactors.count)
    let full = connection.queueLimit / 4 * 3
    readers = reactors.map { _ in SharedReaders(most: most, full: full) }
  }

  /// What stands for a database that the host does not have: every call is refused at once, with the reason.
  public init(absent name: String, reason: String, reactor: Reactor) {
    self.name = name
    options = PostgresOptions()
    (batchSize, parallelQueries) = (1, 1)
    factory = PostgresConnectionFactory(
      name: name, options: options, settings: PostgresConnectionSettings(), reactors: [reactor], absence: reason)
    var settings = PoolSettings()
    (settings.min, settings.max) = (0, 1)
    pool = ConnectionPool(name: name, settings: settings, factory: factory)
    readers = [SharedReaders(most: 1, full: 1)]
  }

  /// A reactor for the caller: the one on whose thread it runs already, else one of those on which connections live, in turn.
  public var reactor: Reactor { factory.reactors[factory.nearest] }

  /// How the pool is at this moment.
  public var statistics: PoolStatistics { pool.statistics }
  /// What the pool may and must do.
  public var settings: PoolSettings { pool.settings }
  /// Why the last try to connect failed; nil when connections can be had.
  public var lastConnectError: (any Error)? { pool.lastConnectError }

  /// Lends a connection for as long as a closure runs. It must not be used after that.
  ///
  /// A transaction that the closure leaves open is rolled back, whether it returns, throws or is cancelled.
  /// - Parameters:
  ///   - priority: How urgent it is, should it have to wait for a connection.
  ///   - tenant: Whom it is for; each tenant may use and wait for a limited number of connections.
  ///   - deadline: No wait for a connection lasts longer.
  /// - Throws: `PoolError` if there is no connection, or whatever the closure throws.
  @discardableResult
  public nonisolated(nonsending) func withConnection<Result>(
    priority: PoolPriority = .normal, tenant: String? = nil, deadline: ContinuousClock.Instant? = nil,
    file: StaticString = #fileID, line: UInt = #line,
    _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await pool.withConnection(priority: priority, tenant: tenant, deadline: deadline, file: file, line: line) {
      connection in
      do {
        return try await body(connection)
      } catch let error as PostgresError {
        notice(error, on: connection)
        throw error
      }
    }
  }

  /// A server that was the primary and takes no writes any more has been demoted: every connection to it must go, not only
  /// the one that noticed.
  func notice(_ error: PostgresError, on connection: PostgresConnection) {
    guard error.state == .readOnlyTransaction, connection.role == .standby, factory.place.noticeDemotion() else {
      return
    }
    pool.startGeneration(reason: "the server takes no writes any more")
  }

  // MARK: The pool

  /// Opens the connections that are to be kept open, and waits until they are.
  /// - Throws: `PoolError` of code `unavailable`, with the reason as its cause: at the deadline, or at once where trying
  ///   again cannot help, such as after a wrong password.
  public func warmUp(by deadline: ContinuousClock.Instant) async throws(PoolError) {
    try await pool.warmUp(by: deadline)
  }

  /// Opens the connections that are to be kept open, without waiting for them.
  public func start() { pool.start() }

  /// Closes idle connections that the last minutes did not need, and opens what is to be kept open.
  @discardableResult
  public func optimize() -> (closed: Int, opening: Int) { pool.optimize() }

  /// Looks whether the pool is to grow or to shrink; does nothing unless its settings say that it scales.
  /// - Parameter processor: Percent of the machine's processors in use; nil if unknown.
  public func scale(processor: Double?) { pool.scale(processor: processor) }

  /// Replaces every connection: those that nobody uses at once, the others when they come back.
  public func startGeneration(reason: String) { pool.startGeneration(reason: reason) }

  /// Closes the pool: no new callers, who waits is served; at the deadline what is left is taken away.
  public func drain(by deadline: ContinuousClock.Instant) async {
    for readers in readers { readers.close() }
    await pool.drain(by: deadline)
  }

  /// Asks the server for a sign of life, over a connection of the pool, and says how long that took.
  public func ping(deadline: ContinuousClock.Instant) async throws -> Duration {
    let start = ContinuousClock.now
    try await withConnection(priority: .critical, deadline: deadline) { connection in
      _ = try await connection.execute("SELECT 1", deadline: MonotonicInstant(deadline))
    }
    return start.duration(to: .now)
  }
}
