import Glibc
public import MainstayReactor

/// A connection to a PostgreSQL server, by libpq, on a reactor.
///
/// Any task may use it, several at once too: what they ask goes out in the order in which it was asked. A task that runs on
/// the connection's reactor pays for no lock that is contended and no change of threads; any other task sends by itself and
/// is resumed on its own executor.
///
/// Every statement has a deadline: its own, or `statementTimeout` after it was sent. Deadlines and the cancellation of tasks
/// are looked at every 10 ms. A statement that is given up is cancelled on the server; until that has come to its end, the
/// connection sends nothing else. If it does not come within `cancelGrace`, the connection is closed.
///
/// The connection is closed by `close()`, or when nobody holds it any more.
public final class PostgresConnection: Sendable {
  /// The reactor on whose thread the socket is read.
  public let reactor: Reactor
  /// The process id of the server's session.
  public let backendProcessID: Int32
  /// The server's version, such as 150008 for 15.8.
  public let serverVersion: Int
  /// Whether the connection is encrypted.
  public let isEncrypted: Bool

  let session: Session

  init(_ session: Session, backendProcessID: Int32, serverVersion: Int, isEncrypted: Bool) {
    self.session = session
    reactor = session.reactor
    self.backendProcessID = backendProcessID
    self.serverVersion = serverVersion
    self.isEncrypted = isEncrypted
  }

  deinit { session.close() }

  /// Ends the connection. What is under way fails; a second call does nothing.
  public func close() { session.close() }
}

extension PostgresConnection {
  /// Runs a statement and returns its rows. Outside a transaction it is one by itself, and committed when this returns.
  ///
  /// A statement is prepared when it is met for the first time. If the server has dropped it since, or its plan does not fit
  /// any more, it is prepared again and run once more, unless it stands in a transaction.
  ///
  /// - Parameter deadline: when to give up; nil for `statementTimeout` from now.
  @discardableResult
  public nonisolated(nonsending) func execute(
    _ query: PostgresQuery, deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> PostgresResult {
    try await one(SessionUnit(.statement, query, deadline: deadline))
  }

  /// Runs a statement that only reads, together with those of other callers: all that are asked within one tick of the
  /// reactor share a round trip and a Sync, and so one implicit transaction of the server's. An error of one of them is its
  /// own; the others are asked again.
  ///
  /// It must only read, and run on a connection without an open transaction: it may be run twice, and in a transaction
  /// together with others. Set `default_transaction_read_only` for such connections to have the server insist.
  public nonisolated(nonsending) func read(
    _ query: PostgresQuery, deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> PostgresResult {
    try await one(SessionUnit(.sharedRead, .read(query), deadline: deadline))
  }

  /// Runs many statements in one round trip under one Sync. Outside a transaction they are one: if one fails, none has been
  /// done, and the error says which it was. Small results of one statement share memory, and each keeps that of all of them.
  public nonisolated(nonsending) func batch(
    _ queries: [PostgresQuery], deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> [PostgresResult] {
    if queries.isEmpty { return [] }
    for query in queries { try check(query) }
    let unit = SessionUnit(.batch, "", batch: queries, deadline: deadline)
    try await finish(unit)
    return unit.extra?.results ?? []
  }

  /// Runs a text of several statements separated by semicolons, by the simple protocol: no parameters, cells as text.
  /// Waits until nothing else is under way on the connection. Without BEGIN and COMMIT in it, the text is one transaction.
  @discardableResult
  public nonisolated(nonsending) func script(
    _ sql: String, deadline: MonotonicInstant? = nil
  ) async throws(PostgresError) -> [PostgresResult] {
    let query = PostgresQuery(unsafe: sql, parameters: PostgresParameters())
    try check(query)
    let unit = SessionUnit(.script, query, deadline: deadline)
    try await finish(unit)
    return unit.extra?.results ?? []
  }

  @inline(__always)
  private nonisolated(nonsending) func one(_ unit: SessionUnit) async throws(PostgresError) -> PostgresResult {
    try check(unit.query)
    try await finish(unit)
    guard let result = unit.result else { throw .outOfStep }
    return result
  }

  @inline(__always)
  nonisolated(nonsending) func finish(_ unit: SessionUnit) async throws(PostgresError) {
    if Task.isCancelled { throw .cancelled }
    await session.runMetered(unit)
    if let error = unit.error { throw error }
  }

  /// A zero byte would end the text for libpq.
  func check(_ query: PostgresQuery) throws(PostgresError) {
    if let failure = query.parameters.failure { throw failure }
    let hasZero = query.sql.utf8.withContiguousStorageIfAvailable { bytes in
      bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
    }
    if hasZero ?? query.sql.utf8.contains(0) {
      throw PostgresError(.encoding, "the statement's text holds U+0000")
    }
  }
}
