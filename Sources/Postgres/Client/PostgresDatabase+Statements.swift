public import MainstayPooling
import MainstayReactor

extension PostgresDatabase {
  /// Runs a statement, on any connection, and returns its rows or how many it changed. It is committed when this returns.
  ///
  /// A declared read (`.read("SELECT …")`) whose connection is lost is run once more on another one.
  @discardableResult
  public nonisolated(nonsending) func execute(
    _ query: PostgresQuery, priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> PostgresResult {
    do {
      return try await executeOnce(query, priority, tenant, deadline, file, line)
    } catch let error as PostgresError where query.isRead && error.isLostConnection {
      return try await executeOnce(query, priority, tenant, deadline, file, line)
    }
  }

  private nonisolated(nonsending) func executeOnce(
    _ query: PostgresQuery, _ priority: PoolPriority, _ tenant: String?, _ deadline: ContinuousClock.Instant?,
    _ file: StaticString, _ line: UInt
  ) async throws -> PostgresResult {
    let lease = try await pool.lease(priority: priority, tenant: tenant, deadline: deadline, file: file, line: line)
    do {
      return try await lease.connection.execute(query, deadline: deadline.map(MonotonicInstant.init))
    } catch {
      notice(error, on: lease.connection)
      throw error
    }
  }

  /// Runs a statement and reads the only column of its rows.
  public nonisolated(nonsending) func query<Value: PostgresDecodable>(
    _ query: PostgresQuery, as type: Value.Type, priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> [Value] {
    try await execute(query, priority: priority, tenant: tenant, deadline: deadline, file: file, line: line).decode(
      type)
  }

  /// Runs a statement and reads its rows as values of a `Decodable` type, whose keys name columns.
  public nonisolated(nonsending) func query<Value: Decodable>(
    _ query: PostgresQuery, as type: Value.Type, priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> [Value] {
    try await execute(query, priority: priority, tenant: tenant, deadline: deadline, file: file, line: line).decode(
      type)
  }

  /// Runs a statement and reads the only column of its rows.
  public nonisolated(nonsending) func query<Value: PostgresDecodable & Decodable>(
    _ query: PostgresQuery, as type: Value.Type, priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> [Value] {
    try await execute(query, priority: priority, tenant: tenant, deadline: deadline, file: file, line: line).decode(
      type)
  }

  /// Runs a statement that only reads, together with those of other callers: what all of them ask at the same time shares
  /// round trips and a few connections, several times as fast as each by itself.
  ///
  /// It must not write, and not depend on anything of a session or a transaction: it may be run twice, and within one
  /// implicit transaction with others. Priority and tenant count only for whoever must wait for a connection.
  public nonisolated(nonsending) func read(
    _ query: PostgresQuery, priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> PostgresResult {
    let limit = deadline.map(MonotonicInstant.init)
    do {
      return try await readOnce(query, priority, tenant, deadline, limit, file, line)
    } catch let error as PostgresError where error.isOfTooLargeNeighbour {
      // Shared again, it might come to stand behind another such result.
      return try await executeOnce(.read(query), priority, tenant, deadline, file, line)
    } catch let error as PostgresError where error.isLostConnection {
      return try await readOnce(query, priority, tenant, deadline, limit, file, line)
    }
  }

  private nonisolated(nonsending) func readOnce(
    _ query: PostgresQuery, _ priority: PoolPriority, _ tenant: String?, _ deadline: ContinuousClock.Instant?,
    _ limit: MonotonicInstant?, _ file: StaticString, _ line: UInt
  ) async throws -> PostgresResult {
    let readers = readers[factory.nearest]
    // Nearly always there is a place, and then there is nothing to wait for.
    let shared: SharedReaders.Shared
    if let joined = readers.join() {
      shared = joined
    } else {
      shared = try await readers.place { onlyNear in
        pool.tryLease(priority: priority, tenant: tenant, onlyNear: onlyNear, file: file, line: line)
      } lease: { withdrawal in
        try await pool.lease(
          priority: priority, tenant: tenant, deadline: deadline, file: file, line: line, unless: withdrawal)
      }
    }
    defer { readers.leave(shared) }
    do {
      return try await shared.connection.read(query, deadline: limit)
    } catch {
      if error.isLostConnection { readers.drop(shared) }
      throw error
    }
  }

  /// Runs many statements as one: all of them are done, or none. They go in one round trip, or in several of `batchSize`
  /// within a transaction. Small results of one statement share memory, and each keeps that of all of them.
  public nonisolated(nonsending) func batch(
    _ queries: [PostgresQuery], priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> [PostgresResult] {
    if queries.isEmpty { return [] }
    let limit = deadline.map(MonotonicInstant.init)
    let lease = try await pool.lease(priority: priority, tenant: tenant, deadline: deadline, file: file, line: line)
    do {
      guard queries.count > batchSize else { return try await lease.connection.batch(queries, deadline: limit) }
      return try await inParts(queries, lease.connection, limit)
    } catch {
      notice(error, on: lease.connection)
      throw error
    }
  }

  /// If it throws, the transaction stays open, and is rolled back when the connection comes back to the pool.
  private nonisolated(nonsending) func inParts(
    _ queries: [PostgresQuery], _ connection: PostgresConnection, _ limit: MonotonicInstant?
  ) async throws(PostgresError) -> [PostgresResult] {
    var results: [PostgresResult] = []
    results.reserveCapacity(queries.count)
    _ = try await connection.execute("BEGIN", deadline: limit)
    for start in stride(from: 0, to: queries.count, by: batchSize) {
      let part = Array(queries[start..<min(start + batchSize, queries.count)])
      results += try await connection.batch(part, deadline: limit)
    }
    _ = try await connection.execute("COMMIT", deadline: limit)
    return results
  }

  /// Runs statements that have nothing to do with each other, some at a time, each on a connection of its own. Their
  /// results come in the order of the statements.
  /// - Parameter most: How many at a time; nil for `parallelQueries`.
  /// - Throws: The first error; what is under way is cancelled, what was done stays done.
  public func concurrently(
    _ queries: [PostgresQuery], atMost most: Int? = nil, priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> [PostgresResult] {
    try await withThrowingTaskGroup(of: (Int, PostgresResult).self) { group in
      var next = 0
      func start() {
        guard next < queries.count else { return }
        let index = next
        next += 1
        group.addTask {
          let result = try await self.execute(
            queries[index], priority: priority, tenant: tenant, deadline: deadline, file: file, line: line)
          return (index, result)
        }
      }
      for _ in 0..<max(1, min(most ?? parallelQueries, queries.count)) { start() }
      var results = [PostgresResult?](repeating: nil, count: queries.count)
      for try await (index, result) in group {
        results[index] = result
        start()
      }
      return results.compactMap { $0 }
    }
  }
}

extension PostgresError {
  /// Whether the connection is gone and another one may do.
  var isLostConnection: Bool {
    code == .connectionLost || code == .closed || effect == .evictConnection || effect == .evictAndRediscover
  }
}
