import CLibPQ
public import MainstayReactor

/// What a server is in its cluster.
public enum PostgresRole: Sendable, Hashable {
  /// It takes writes.
  case primary
  /// It repeats another one's writes.
  case standby
  /// It takes no writes because it was told so (`default_transaction_read_only`).
  case readOnlyPrimary
  /// It does not say, as servers before version 14 do.
  case unknown
}

extension PostgresConnection {
  /// Where a session stands between two statements.
  public enum Condition: Sendable, Hashable {
    /// Nothing is under way, no transaction is open.
    case idle
    /// A transaction is open.
    case inTransaction
    /// The open transaction has failed and can only be rolled back.
    case inFailedTransaction
    /// Something is under way, or is being cancelled.
    case busy
    /// The connection has ended.
    case closed
  }

  /// Where the session stands.
  public var condition: Condition { session.condition }

  /// Why the connection has ended; nil while it lives.
  public var closeReason: PostgresError? { session.locked { session.failure } }

  /// What the server is, as it said last; it says so by itself when it is promoted.
  public var role: PostgresRole {
    switch (parameter("in_hot_standby"), parameter("default_transaction_read_only")) {
    case (nil, _): .unknown
    case ("on", _): .standby
    case (_, "on"): .readOnlyPrimary
    default: .primary
    }
  }

  /// A setting that the server reports by itself, such as `TimeZone`; nil for any other.
  public func parameter(_ name: String) -> String? {
    session.locked {
      guard session.failure == nil else { return nil }
      return PQparameterStatus(session.connection, name).map { String(cString: $0) }
    }
  }

  /// Makes the connection fit for another user: waits for what is being cancelled and rolls an open transaction back. If
  /// that cannot be done by the deadline (nil: one second), the connection is closed and the error says why.
  public nonisolated(nonsending) func reset(deadline: MonotonicInstant? = nil) async throws(PostgresError) {
    if condition == .idle { return }
    let deadline = deadline ?? MonotonicInstant.now.advanced(by: .seconds(1))
    do throws(PostgresError) {
      let unit = SessionUnit(.barrier, "", deadline: deadline)
      await session.run(unit)
      if let error = unit.error { throw error }
      if condition != .idle {
        let rollback = SessionUnit(.statement, ("ROLLBACK" as PostgresQuery).unprepared(), deadline: deadline)
        await session.run(rollback)
        if let error = rollback.error { throw error }
      }
    } catch {
      session.close()
      throw error
    }
  }
}

extension Session {
  var condition: PostgresConnection.Condition {
    locked {
      if failure != nil { return .closed }
      if !inFlight.isEmpty || !waiting.isEmpty || cancelling != nil { return .busy }
      switch PQtransactionStatus(connection) {
      case PQTRANS_IDLE: return .idle
      case PQTRANS_INTRANS: return .inTransaction
      case PQTRANS_INERROR: return .inFailedTransaction
      default: return .busy
      }
    }
  }

  func close() {
    locked { lose(PostgresError(.closed, "the connection has been closed")) }
  }
}
