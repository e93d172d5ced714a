public import MainstayPooling
import MainstayReactor

extension PostgresDatabase {
  /// Runs a transaction on a connection of the pool: commits if the closure returns, rolls back if it throws or its task is
  /// cancelled.
  ///
  /// If the server rolls it back because other transactions were in the way, the closure is run again, as `retry` says, so
  /// it must not do outside of the database what may not be done twice. Between two attempts it holds no connection. An
  /// error whose `isIndeterminate` is true came after COMMIT was sent: nobody knows whether it was done, and nothing is
  /// run again.
  /// - Parameters:
  ///   - priority: How urgent it is, should it have to wait for a connection.
  ///   - tenant: Whom it is for.
  ///   - deadline: For all attempts together.
  @discardableResult
  public nonisolated(nonsending) func transaction<Result>(
    _ mode: PostgresTransactionMode = PostgresTransactionMode(),
    retry: PostgresTransactionRetry = PostgresTransactionRetry(), priority: PoolPriority = .normal,
    tenant: String? = nil, deadline: ContinuousClock.Instant? = nil, file: StaticString = #fileID, line: UInt = #line,
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Result
  ) async throws -> Result {
    let limit = deadline.map(MonotonicInstant.init)
    return try await retry.run(deadline: limit) {
      try await self.withConnection(priority: priority, tenant: tenant, deadline: deadline, file: file, line: line) {
        try await $0.attempt(mode, limit, body)
      }
    }
  }
}
