import CLibPQ
import Glibc
import MainstayReactor

// Under the lock.
extension Session {
  func send(_ unit: SessionUnit) {
    if unit.kind.isExclusive { return beginExclusive(unit) }
    if inFlight.isEmpty {
      if !isOutsideTransaction { isOutsideTransaction = PQtransactionStatus(connection) == PQTRANS_IDLE }
      sendDeallocations()
    }
    if isUnsynced, unit.kind != .sharedRead { sendSharedSync() }
    // What was to go out before it may have shown that the connection is lost: then nobody looks at the queue any more.
    if let failure { return refuse(unit, failure) }
    let wasIdle = inFlight.isEmpty
    switch unit.kind {
    case .batch:
      guard sendBatch(unit) else { return }
      inFlight.append(unit)
      sendSync()
    case .sharedRead:
      guard sendStatement(unit) else { return }
      inFlight.append(unit)
      if !isUnsynced {
        isUnsynced = true
        askReactor()
      }
    default:
      guard sendStatement(unit) else { return }
      inFlight.append(unit)
      sendSync()
    }
    if wasIdle { headChanged() }
  }

  private func sendStatement(_ unit: SessionUnit) -> Bool {
    let query = unit.query
    unit.steps = 1
    if query.isPrepared, statements.keepsStatements, !unit.doesWithoutNames {
      let (statement, isNew) = prepared(query)
      unit.statement = statement
      if let statement {
        if isNew {
          unit.steps = 2
          unit.preparesFirst = true
        }
        return sent(unit, Session.send(query, as: statement, preparing: isNew, on: connection))
      }
    }
    return sent(unit, Session.send(query, on: connection))
  }

  private func sendBatch(_ unit: SessionUnit) -> Bool {
    guard let extra = unit.extra else { return true }
    extra.batchSteps.reserveCapacity(extra.batch.count + 8)
    for (index, query) in extra.batch.enumerated() {
      let (statement, isNew) = query.isPrepared && !unit.doesWithoutNames ? prepared(query) : (nil, false)
      if isNew { extra.batchSteps.append(.init(isPrepare: true, statement: statement, index: index)) }
      extra.batchSteps.append(.init(isPrepare: false, statement: statement, index: index))
      let isSent =
        statement.map { Session.send(query, as: $0, preparing: isNew, on: connection) }
        ?? Session.send(query, on: connection)
      guard sent(unit, isSent) else { return false }
    }
    unit.steps = extra.batchSteps.count
    return true
  }

  /// What libpq refuses to queue leaves the pipeline in an unknown state: that is the end.
  private func sent(_ unit: SessionUnit, _ isSent: Bool) -> Bool {
    if isSent { return true }
    inFlight.append(unit)
    lose(nil)
    return false
  }

  private func prepared(_ query: PostgresQuery) -> (PreparedStatement?, isNew: Bool) {
    let key = PreparedStatement.Key(sql: query.sql, types: query.parameters.typeSignature)
    if let statement = statements.find(key) { return (statement, false) }
    let statement = statements.add(key)
    return (statement, statement != nil)
  }

  private static func send(
    _ query: PostgresQuery, as statement: PreparedStatement, preparing: Bool, on connection: OpaquePointer?
  ) -> Bool {
    let isSent = try? query.parameters.withPointers { values in
      if preparing, PQsendPrepare(connection, statement.name, query.sql, values.count, values.types) != 1 {
        return false
      }
      return PQsendQueryPrepared(
        connection, statement.name, values.count, values.values, values.lengths, values.formats,
        query.resultFormat.rawValue) == 1
    }
    return isSent ?? false
  }

  private static func send(_ query: PostgresQuery, on connection: OpaquePointer?) -> Bool {
    let isSent = try? query.parameters.withPointers { values in
      PQsendQueryParams(
        connection, query.sql, values.count, values.types, values.values, values.lengths, values.formats,
        query.resultFormat.rawValue) == 1
    }
    return isSent ?? false
  }
}

// Syncs, and what goes out.
extension Session {
  /// Ends a unit. Where other units are under way, sending can wait until the tick ends, so that what is asked in one tick
  /// goes out together; libpq offers that from version 17 on.
  private func sendSync() {
    if inFlight.count > 1, let sendSync = PipelineFunctions.sendSync, reactor.isOnThread {
      guard sendSync(connection) == 1 else { return lose(nil) }
      if !hasUnsent { askReactor() }
      hasUnsent = true
    } else {
      guard PQpipelineSync(connection) == 1 else { return lose(nil) }
      flush()
    }
  }

  /// Ends the shared reads of a tick.
  func sendSharedSync() {
    isUnsynced = false
    let marker = SessionUnit.own(.sync)
    inFlight.append(marker)
    guard PQpipelineSync(connection) == 1 else { return lose(nil) }
    flush()
  }

  /// Sends what libpq has gathered. What the socket does not take waits until it can be written to; meanwhile the socket
  /// is read, since the server may not read more before it has been rid of its answers.
  func flush() {
    guard failure == nil else { return }
    hasUnsent = false
    let left = PQflush(connection)
    if left < 0 { return lose(nil) }
    if wantsWrite != (left == 1) {
      wantsWrite = left == 1
      askReactor()
      if !wantsWrite, let unit = inFlight.first, unit.copy == .sending { wake(unit) }
    }
  }

  /// Tells the server which statements it need not keep. Only outside a transaction, where an error does no harm, and each
  /// under its own Sync: one that the server does not know must not stop anything else.
  private func sendDeallocations() {
    guard !statements.evicted.isEmpty, PQtransactionStatus(connection) == PQTRANS_IDLE else { return }
    for statement in statements.takeEvicted() {
      let unit = SessionUnit.own(
        .statement, PostgresQuery(unsafe: "DEALLOCATE \(String(cString: statement.name))").unprepared())
      guard sendStatement(unit) else { return }
      inFlight.append(unit)
      guard PQpipelineSync(connection) == 1 else { return lose(nil) }
    }
  }
}
