public import MainstayPooling
import MainstayResilience
import Synchronization

extension PostgresDatabase {
  /// Runs a statement that only reads for each of many values, as one: the server is asked once, with all values in arrays,
  /// and answers several times as fast as so many statements, pipelined or not.
  ///
  /// ```swift
  /// let names = try await database.read(each: ids) { "SELECT name FROM patients WHERE id = \($0)" }
  /// ```
  /// It returns a result for each value, in their order. See `read(all:)` for what may be in the statement.
  @inlinable
  public nonisolated(nonsending) func read<Value>(
    each values: some Sequence<Value>, priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line,
    _ query: (Value) throws -> PostgresQuery
  ) async throws -> [PostgresResult] {
    try await read(
      all: values.map(query), priority: priority, tenant: tenant, deadline: deadline, file: file, line: line)
  }

  /// Runs many statements that only read, and returns a result for each, in their order.
  ///
  /// Those that differ in nothing but the values of their parameters become one statement, up to `batchSize` of them at a
  /// time, which sees the database at one moment: their values in arrays, joined with what was the statement
  /// (`unnest(…) CROSS JOIN LATERAL (SELECT …)`). Other ones go as a batch: texts or types that differ, statements without
  /// parameters, parameters that are arrays or of a type of the database's own, and what cannot be a part of another
  /// statement. The answers are the same. What is not:
  /// * Rows whose order the statement itself does not say (that of a view or a subquery is not its own) may come in another.
  /// * Functions that are `VOLATILE` may be called less or more often.
  /// * The server plans without knowing the values: what it does for one only where it knows it, such as looking up the
  ///   beginning of a `LIKE` in an index, it does not do.
  /// * A read that fails makes all of them fail; they are run once more, as a batch, to learn which it was.
  /// * The limits of a statement (`statementTimeout`, `maxResultSize`) count for all of a part together.
  /// * Each result keeps the memory of all of them.
  ///
  /// A column that is nothing but a parameter, or the cast of one, needs a name (`\(day)::date AS day`): without one the
  /// statements go as a batch, and in a subquery that becomes a record or JSON it is called otherwise.
  public nonisolated(nonsending) func read(
    all queries: [PostgresQuery], priority: PoolPriority = .normal, tenant: String? = nil,
    deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> [PostgresResult] {
    guard queries.count > 1, let first = queries.first, let merged = merging.read(for: first) else {
      return try await readBatch(queries, priority, tenant, deadline, file, line)
    }
    var failure: PostgresError?
    do {
      let results = try await read(queries, merged, priority, tenant, deadline, file, line)
      if let results { return results }
    } catch let error as PostgresError where error.maySpeakOfMerging {
      failure = error
    }
    let results = try await readBatch(queries, priority, tenant, deadline, file, line)
    // What runs by itself and not as a part of another statement need not be tried again, unless there were only too many.
    if let failure, failure.state != .queryCancelled { merging.giveUp(first) }
    return results
  }

  /// Each as a statement of its own. Like every declared read they are run once more if their connection is lost.
  private nonisolated(nonsending) func readBatch(
    _ queries: [PostgresQuery], _ priority: PoolPriority, _ tenant: String?, _ deadline: ContinuousClock.Instant?,
    _ file: StaticString, _ line: UInt
  ) async throws -> [PostgresResult] {
    let reads = queries.map { PostgresQuery.read($0) }
    do {
      return try await batch(
        reads, priority: priority, tenant: tenant, deadline: deadline, file: file, line: line)
    } catch let error as PostgresError where error.isLostConnection {
      return try await batch(
        reads, priority: priority, tenant: tenant, deadline: deadline, file: file, line: line)
    }
  }

  /// Nil if the queries differ in more than the values of their parameters, or the answer in more than the rows' order.
  private nonisolated(nonsending) func read(
    _ queries: [PostgresQuery], _ merged: MergedRead, _ priority: PoolPriority, _ tenant: String?,
    _ deadline: ContinuousClock.Instant?, _ file: StaticString, _ line: UInt
  ) async throws -> [PostgresResult]? {
    var results: [PostgresResult] = []
    results.reserveCapacity(queries.count)
    for start in stride(from: 0, to: queries.count, by: batchSize) {
      let part = queries[start..<min(start + batchSize, queries.count)]
      guard let query = merged.query(for: part) else { return nil }
      let answer = try await execute(
        query, priority: priority, tenant: tenant, deadline: deadline, file: file, line: line)
      guard MergedRead.keepsNames(in: answer) else {
        merging.giveUp(queries[0])
        return nil
      }
      results += try answer.sets(part.count)
    }
    return results
  }
}

extension PostgresError {
  /// Whether the server refused the statement or its data, and not its moment: a part by itself may do better, or say which
  /// one it is about. That includes `statement_timeout`, which is each statement's.
  fileprivate var maySpeakOfMerging: Bool { code == .server && callAdvice == .permanent }
}

/// Which reads can be merged, as far as is known.
final class MergedReads: Sendable {
  private static let most = 512

  private let known = Mutex<[MergedRead.Key: MergedRead?]>([:])

  /// Nil if the statement cannot be merged with its like.
  func read(for query: PostgresQuery) -> MergedRead? {
    let key = MergedRead.key(query)
    return known.withLock { known in
      if let found = known[key] { return found }
      let read = MergedRead(query)
      remember(read, key, &known)
      return read
    }
  }

  /// The server does not take it as a part of another statement.
  func giveUp(_ query: PostgresQuery) {
    known.withLock { remember(nil, MergedRead.key(query), &$0) }
  }

  private func remember(_ read: MergedRead?, _ key: MergedRead.Key, _ known: inout [MergedRead.Key: MergedRead?]) {
    if known.count >= MergedReads.most { known.removeAll() }
    known.updateValue(read, forKey: key)
  }
}
