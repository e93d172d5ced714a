public import MainstayReactor
import Synchronization

/// An open transaction. Everything that is run by it is committed together, when the closure that was given it returns, or
/// not at all, if the closure throws.
///
/// It is begun with its first statement, in the same round trip. An error of a statement makes the server refuse all
/// further ones; `savepoint` limits how much is lost by one.
public final class PostgresTransaction: PostgresQueryable {
  /// Where it runs, for what this type has no word for. What is run on the connection itself is part of the transaction
  /// only after `begin()`.
  public let connection: PostgresConnection
  private let mode: PostgresTransactionMode
  private let deadline: MonotonicInstant?
  private let state = Mutex(State())

  private struct State {
    var phase = Phase.notBegun
    var savepoints = 0
    /// Why the server will roll it back, if it has said so.
    var failure: PostgresError?
  }

  private enum Phase {
    case notBegun
    /// The first statement is under way.
    case beginning
    case open
    /// The first statement failed. Nothing may be sent: it might run outside of a transaction.
    case failed(PostgresError)
    case ended
  }

  init(_ connection: PostgresConnection, _ mode: PostgresTransactionMode, deadline: MonotonicInstant?) {
    self.connection = connection
    self.mode = mode
    self.deadline = deadline
  }

  /// Runs a statement. `deadline` can only shorten the transaction's own.
  @discardableResult
  public func execute(
    _ query: PostgresQuery, deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> PostgresResult {
    let results = try await run([query], deadline)
    guard let result = results.last else { throw .outOfStep }
    return result
  }

  /// Runs many statements in one round trip.
  public func batch(
    _ queries: [PostgresQuery], deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> [PostgresResult] {
    queries.isEmpty ? [] : try await run(queries, deadline)
  }

  /// The rows of a statement as they arrive. Go through them before the next statement.
  public func stream(
    _ query: PostgresQuery, deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> PostgresRowStream {
    try await begin()
    return connection.stream(query, deadline: earlier(deadline))
  }

  /// Begins it, if no statement has.
  public func begin() async throws(PostgresError) {
    if try isFirst() { _ = try await first([], deadline) }
  }

  // MARK: Statements

  private func run(
    _ queries: [PostgresQuery], _ deadline: MonotonicInstant?
  ) async throws(PostgresError) -> [PostgresResult] {
    let deadline = earlier(deadline)
    if try isFirst() { return try await first(queries, deadline) }
    do throws(PostgresError) {
      if queries.count == 1 { return [try await connection.execute(queries[0], deadline: deadline)] }
      return try await connection.batch(queries, deadline: deadline)
    } catch {
      throw remember(error)
    }
  }

  private func earlier(_ other: MonotonicInstant?) -> MonotonicInstant? {
    guard let deadline, let other else { return deadline ?? other }
    return min(deadline, other)
  }

  private func isFirst() throws(PostgresError) -> Bool {
    let answer: Result<Bool, PostgresError> = state.withLock { state in
      switch state.phase {
      case .notBegun:
        state.phase = .beginning
        return .success(true)
      case .beginning: return .failure(.beginning)
      case .open: return .success(false)
      case .failed(let error): return .failure(error)
      case .ended: return .failure(.ended)
      }
    }
    return try answer.get()
  }

  /// BEGIN and the first statements under one Sync: if BEGIN fails, nothing else is run.
  private func first(
    _ queries: [PostgresQuery], _ deadline: MonotonicInstant?
  ) async throws(PostgresError) -> [PostgresResult] {
    do throws(PostgresError) {
      let results = try await connection.batch([mode.begin] + queries, deadline: deadline)
      state.withLock { $0.phase = .open }
      return Array(results.dropFirst())
    } catch {
      let error = remember(queries.count > 1 ? error : error.unlocated())
      state.withLock { $0.phase = .failed(error) }
      throw error
    }
  }

  private func remember(_ error: PostgresError) -> PostgresError {
    var error = error.determinate()
    // Refused because the caller wished it so, not because the server has become a standby.
    if mode.isReadOnly, error.state == .readOnlyTransaction { error = error.with(effect: .none) }
    state.withLock { [error] state in if state.failure == nil { state.failure = error } }
    return error
  }

  // MARK: Savepoints

  /// Runs a part of the transaction that may fail by itself: if the closure throws, what it did is undone, its error is
  /// thrown, and the transaction can go on. Savepoints can be nested.
  public nonisolated(nonsending) func savepoint<Result>(
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Result
  ) async throws -> Result {
    let number = state.withLock { state in
      state.savepoints += 1
      return state.savepoints
    }
    defer { state.withLock { $0.savepoints -= 1 } }
    try await execute(PostgresQuery(unsafe: "SAVEPOINT mainstay_\(number)"))
    let result: Result
    do {
      result = try await body(self)
    } catch {
      // If this fails too, the transaction can only be rolled back as a whole, and COMMIT will do so.
      _ = try? await undo(to: number)
      throw error
    }
    try await execute(PostgresQuery(unsafe: "RELEASE SAVEPOINT mainstay_\(number)"))
    return result
  }

  private func undo(to number: Int) async throws(PostgresError) {
    _ = try await connection.execute(
      PostgresQuery(unsafe: "ROLLBACK TO SAVEPOINT mainstay_\(number)"), deadline: deadline)
    state.withLock { $0.failure = nil }
    _ = try await connection.execute(PostgresQuery(unsafe: "RELEASE SAVEPOINT mainstay_\(number)"), deadline: deadline)
  }

  // MARK: The end

  func commit() async throws(PostgresError) {
    let (phase, failure) = end()
    switch phase {
    case .notBegun, .ended: return
    case .failed(let error): throw error
    case .beginning: throw .beginning
    case .open: break
    }
    if let reason = connection.closeReason { throw reason.determinate() }
    let answer: PostgresResult
    do throws(PostgresError) {
      answer = try await connection.execute(mode.commit, deadline: deadline)
    } catch {
      throw mode.isReadOnly || !error.isSessionsEnd ? error : error.indeterminate()
    }
    // A transaction that failed is rolled back by COMMIT, which the server does not count as an error.
    guard answer.commandTag == "COMMIT" else { throw failure ?? .rolledBack }
  }

  /// Undoes everything. If that cannot be done within a second, the connection is closed, which undoes it too.
  func rollBack() async {
    if case .notBegun = end().phase { return }
    if !Task.isCancelled {
      try? await connection.reset()
    } else {
      // The task is cancelled, and would cancel the ROLLBACK.
      await Task { [connection] in try? await connection.reset() }.value
    }
  }

  private func end() -> (phase: Phase, failure: PostgresError?) {
    state.withLock { state in
      defer { state.phase = .ended }
      return (state.phase, state.failure)
    }
  }
}

extension PostgresError {
  /// Whether the session ended with it. A server that ends it during COMMIT may have committed before it said so, such as
  /// while it waited for its standbys.
  fileprivate var isSessionsEnd: Bool { code == .connectionLost || severity == .fatal || severity == .panic }

  fileprivate static var beginning: PostgresError {
    PostgresError(
      .misuse, "the first statement of the transaction has not ended; await it, or begin(), before several at a time")
  }

  fileprivate static var ended: PostgresError {
    PostgresError(.misuse, "the transaction has ended; use it only within the closure that was given it")
  }

  fileprivate static var rolledBack: PostgresError {
    PostgresError(
      .server,
      "a statement of the transaction had failed, so the server rolled it back; use savepoint to survive errors")
  }
}
