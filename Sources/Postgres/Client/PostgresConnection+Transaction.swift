public import MainstayReactor

extension PostgresConnection {
  /// Runs a transaction: commits if the closure returns, rolls back if it throws or its task is cancelled.
  ///
  /// If the server rolls it back because other transactions were in the way, the closure is run again, as `retry` says, so
  /// it must not do outside of the database what may not be done twice. An error whose `isIndeterminate` is true came
  /// after COMMIT was sent: nobody knows whether it was done, and nothing is run again.
  /// - Parameter deadline: For all attempts together; nil for the connection's `statementTimeout` for each statement.
  public nonisolated(nonsending) func transaction<Result>(
    _ mode: PostgresTransactionMode = PostgresTransactionMode(),
    retry: PostgresTransactionRetry = PostgresTransactionRetry(), deadline: MonotonicInstant? = nil,
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Result
  ) async throws -> Result {
    try await retry.run(deadline: deadline) { try await self.attempt(mode, deadline, body) }
  }

  nonisolated(nonsending) func attempt<Result>(
    _ mode: PostgresTransactionMode, _ deadline: MonotonicInstant?,
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Result
  ) async throws -> Result {
    let condition = condition
    guard condition == .idle || condition == .busy else {
      throw PostgresError(.misuse, "the connection is in a transaction or closed; nest by transaction.savepoint")
    }
    let transaction = PostgresTransaction(self, mode, deadline: deadline)
    do {
      let result = try await body(transaction)
      try await transaction.commit()
      return result
    } catch {
      await transaction.rollBack()
      throw error
    }
  }
}

extension PostgresTransactionRetry {
  nonisolated(nonsending) func run<Result>(
    deadline: MonotonicInstant?, _ attempt: nonisolated(nonsending) () async throws -> Result
  ) async throws -> Result {
    var generator = SystemRandomNumberGenerator()
    var count = 1
    while true {
      do {
        return try await attempt()
      } catch let error as PostgresError {
        let left = deadline.map { MonotonicInstant.now.duration(to: $0) }
        guard let wait = wait(after: count, error, left: left, using: &generator) else { throw error }
        if wait > .zero { try await Task.sleep(for: wait) }
        count += 1
      }
    }
  }
}
