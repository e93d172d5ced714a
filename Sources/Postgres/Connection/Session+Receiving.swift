import CLibPQ
import MainstayReactor

// Under the lock.
extension Session {
  /// Reads what the socket has and takes the answers that are complete.
  func receive() {
    guard failure == nil else { return }
    var rounds = 0
    repeat {
      rounds += 1
      let isAlive = growth.read(connection)
      drain()
      if growth.isMeasured { limitGrowth() }
      if failure == nil { takeNotifications() }
      if !isAlive { lose(nil) }
    } while failure == nil && !isPaused && EncryptedInput.isLeft(in: connection, after: rounds)
  }

  /// Takes the answers that are complete.
  func drain() {
    while failure == nil, !isPaused, let unit = inFlight.first {
      if unit.kind.isExclusive {
        guard drainExclusive(unit) else { break }
        continue
      }
      if PQisBusy(connection) == 1 { break }
      if let result = PQgetResult(connection) {
        take(result, for: unit)
      } else {
        endStep(of: unit)
      }
    }
    guard failure == nil else { return }
    if inFlight.isEmpty { hearOutside() }
    settleCancellation()
  }

  /// While nothing is under way, what comes is notifications, notices, and the end.
  private func hearOutside() {
    growth.reset()
    if PQisBusy(connection) == 0, let stray = PQgetResult(connection) { PQclear(stray) }
    if let farewell { lose(farewell) }
  }

  func takeNotifications() {
    while let pointer = PQnotifies(connection) {
      deliver(
        .notification(
          PostgresNotification(
            channel: String(cString: pointer.pointee.relname), payload: String(cString: pointer.pointee.extra),
            backendProcessID: pointer.pointee.be_pid)))
      PQfreemem(pointer)
    }
  }

  private func take(_ result: OpaquePointer, for unit: SessionUnit) {
    switch PQresultStatus(result) {
    case PGRES_PIPELINE_SYNC:
      PQclear(result)
      finish(unit)
    case PGRES_COMMAND_OK:
      if isOutsideTransaction { isOutsideTransaction = leavesTransactionAlone(result) }
      keep(result, for: unit)
    case PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
      keep(result, for: unit)
    case PGRES_SINGLE_TUPLE, PipelineFunctions.chunk:
      stream(result, to: unit)
    case PGRES_PIPELINE_ABORTED:
      PQclear(result)
      unit.isAborted = true
      if unit.isAtPrepare, let statement = unit.currentStatement { statements.remove(statement) }
    case PGRES_FATAL_ERROR:
      refuse(result, unit)
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
      PQclear(result)
      lose(PostgresError(.misuse, "COPY was run as a statement; use copyIn or copyOut").with(effect: .evictConnection))
    default:
      PQclear(result)
    }
    growth.reset()
  }

  private func keep(_ result: OpaquePointer, for unit: SessionUnit) {
    if unit.isAtPrepare || unit.isAbandoned || unit.kind == .rows {
      PQclear(result)
      return
    }
    guard mayKeep(result, for: unit) else { return PQclear(result) }
    let columns = columns(of: result, unit)
    guard let extra = unit.extra else {
      unit.result = PostgresResult(taking: result, columns: columns)
      return
    }
    if let copy = extra.gathered.copy(result, columns) {
      PQclear(result)
      extra.results.append(copy)
    } else {
      extra.results.append(PostgresResult(taking: result, columns: columns))
    }
  }

  /// The columns' names, which are read once for each prepared statement.
  private func columns(of result: OpaquePointer, _ unit: SessionUnit) -> PostgresColumns? {
    let count = Int(PQnfields(result))
    guard let statement = unit.currentStatement, count > 0 else { return nil }
    let format = PQfformat(result, 0)
    // A server may answer whatever it likes: what is kept must at least have as many columns.
    if let columns = statement.columns, statement.columnFormat == format, columns.count == count { return columns }
    let columns = PostgresColumns(result: result)
    statement.columns = columns
    statement.columnFormat = format
    return columns
  }

  private func stream(_ result: OpaquePointer, to unit: SessionUnit) {
    guard let extra = unit.extra, !unit.isAbandoned else {
      PQclear(result)
      return
    }
    if extra.columns?.count != Int(PQnfields(result)) { extra.columns = PostgresColumns(result: result) }
    let size = PQresultMemorySize(result)
    if let limit = settings.maxResultSize, size > limit {
      PQclear(result)
      return giveUpTooLarge(unit, limit)
    }
    extra.rows.append(PostgresResult(taking: result, columns: extra.columns), size: size)
    pauseIfFull(extra.rows.size)
    wake(unit)
  }

  func pauseIfFull(_ size: Int) {
    guard size >= settings.streamBufferLimit, !isPaused else { return }
    isPaused = true
    askReactor()
  }

  private func refuse(_ result: OpaquePointer, _ unit: SessionUnit) {
    let error = PostgresError(session: result)
    PQclear(result)
    // An error without a state is libpq's own: the server has gone, or its answer cannot be understood.
    guard error.state?.rawValue.isEmpty == false else { return lose(nil) }
    if let statement = unit.currentStatement { forget(statement, error, isNew: unit.isAtPrepare) }
    if unit.error == nil, let step = unit.batchStep, let extra = unit.extra {
      return unit.fail(error.located("statement \(step.index + 1) of \(extra.batch.count)"))
    }
    unit.fail(error)
  }

  /// A statement that could not be prepared, that the server has no more, or whose plan does not fit any more.
  private func forget(_ statement: PreparedStatement, _ error: PostgresError, isNew: Bool) {
    if isNew { return statements.remove(statement) }
    guard error.effect == .dropStatementAndRetryOnce else { return }
    if error.state == .invalidSQLStatementName { statements.lose(statement) } else { statements.discard(statement) }
  }

  /// libpq's nil after the last result of a statement.
  private func endStep(of unit: SessionUnit) {
    if unit.step >= unit.steps {
      unit.strayEnds += 1
      if unit.strayEnds > 2 { lose(PQstatus(connection) == CONNECTION_OK ? .outOfStep : nil) }
      return
    }
    unit.step += 1
    if unit.kind == .sharedRead, unit.step == unit.steps { return finish(unit) }
    headChanged()
  }

  /// Rows are delivered one by one only if libpq is told so before it reads the first of them.
  func headChanged() {
    guard let unit = inFlight.first, unit.kind == .rows, unit.step == unit.steps - 1 else { return }
    PipelineFunctions.deliverRows(connection)
  }

  /// The last answer of a unit has come.
  private func finish(_ unit: SessionUnit) {
    inFlight.removeFirst()
    headChanged()
    if unit.isAbandoned { return }
    if shallRetry(unit) {
      unit.doesWithoutNames = unit.error != nil
      unit.rewind()
      if unit.kind == .sharedRead { unit.kind = .statement }
      if waiting.isEmpty, canSend(unit) { send(unit) } else { waiting.append(unit) }
      return
    }
    if handlers.meter != nil, reactor.isOnThread { unit.answeredAt = reactor.now }
    unit.isDone = true
    wake(unit)
  }

  /// A read that failed only because of its neighbour is asked again, alone. A statement whose plan the server has thrown
  /// away is asked again without being prepared, outside a transaction only: within one, the error has already spoilt it.
  private func shallRetry(_ unit: SessionUnit) -> Bool {
    if unit.kind == .sharedRead, unit.error == nil, unit.isAborted { return true }
    guard unit.error?.effect == .dropStatementAndRetryOnce, unit.usesPreparedStatements, !unit.doesWithoutNames else {
      return false
    }
    switch unit.kind {
    case .sharedRead: return true
    case .statement: return endedOutsideTransaction
    case .batch: return endedOutsideTransaction && unit.hasChangedNothing
    case .rows: return unit.extra?.columns == nil && endedOutsideTransaction
    default: return false
    }
  }

  private var endedOutsideTransaction: Bool {
    isOutsideTransaction || PQtransactionStatus(connection) == PQTRANS_IDLE
  }

  /// Whether what was done neither began nor ended a transaction: it was a PREPARE of the protocol, or INSERT, UPDATE,
  /// DELETE, MERGE.
  private func leavesTransactionAlone(_ result: OpaquePointer) -> Bool {
    switch PQcmdStatus(result).map({ UInt8(bitPattern: $0.pointee) }) {
    case nil, 0, UInt8(ascii: "I"), UInt8(ascii: "U"), UInt8(ascii: "D"), UInt8(ascii: "M"): true
    default: false
    }
  }

  static let receiveNotice: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?) -> Void = { session, result in
    guard let session, let result else { return }
    Unmanaged<Session>.fromOpaque(session).takeUnretainedValue().hear(result)
  }

  /// Called by libpq, within one of its functions.
  private func hear(_ result: OpaquePointer) {
    let notice = PostgresError(session: result)
    if notice.severity == .fatal || notice.severity == .panic {
      farewell = notice
    } else if handlers.onNotice != nil {
      deliver(.notice(notice))
    }
  }
}

extension PostgresError {
  /// What the server answered; if that ends the session, the connection is lost.
  init(session result: OpaquePointer) {
    let error = PostgresError(result: result)
    let isLast = error.severity == .fatal || error.severity == .panic
    self = isLast ? PostgresError(result: result, code: .connectionLost) : error
  }

  static var outOfStep: PostgresError {
    PostgresError(.protocolViolation, "answers came that nothing was asked for; the connection is closed")
  }
}
