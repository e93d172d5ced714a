import CLibPQ
import MainstayReactor

// What cannot run in a pipeline: COPY, several statements in one text. Under the lock.
extension Session {
  /// Called when nothing else is under way.
  func beginExclusive(_ unit: SessionUnit) {
    if unit.kind == .barrier {
      unit.isDone = true
      return wake(unit)
    }
    inFlight.append(unit)
    isOutsideTransaction = false
    guard PQexitPipelineMode(connection) == 1, PQsendQuery(connection, unit.query.sql) == 1 else { return lose(nil) }
    flush()
  }

  /// Takes what has come. True if the unit is done.
  func drainExclusive(_ unit: SessionUnit) -> Bool {
    while failure == nil, !isPaused {
      if unit.copy == .receiving, !takeCopyData(unit) { return false }
      if PQisBusy(connection) == 1 { return false }
      guard let result = PQgetResult(connection) else { return endExclusive(unit) }
      let status = PQresultStatus(result)
      switch status {
      case PGRES_COPY_IN:
        PQclear(result)
        if unit.copy == .sending { return false }
        startSending(unit)
      case PGRES_COPY_OUT:
        PQclear(result)
        startReceiving(unit)
      case PGRES_FATAL_ERROR:
        unit.copy = .none
        let error = PostgresError(session: result)
        PQclear(result)
        guard error.state?.rawValue.isEmpty == false else {
          lose(nil)
          return false
        }
        unit.fail(error)
      case PGRES_COPY_BOTH:
        PQclear(result)
        lose(PostgresError(.misuse, "a replication stream was started").with(effect: .evictConnection))
      default:
        unit.copy = .none
        if unit.isAbandoned || !mayKeep(result, for: unit) {
          PQclear(result)
        } else {
          unit.extra?.results.append(PostgresResult(taking: result))
        }
      }
      growth.reset()
    }
    return false
  }

  private func startSending(_ unit: SessionUnit) {
    unit.copy = .sending
    if unit.kind != .copyIn || unit.isAbandoned {
      unit.fail(.copyElsewhere)
      endCopy(unit, "not expected by the client")
    } else {
      wake(unit)
    }
  }

  private func startReceiving(_ unit: SessionUnit) {
    unit.copy = .receiving
    if unit.kind != .copyOut { unit.fail(.copyElsewhere) }
  }

  /// True when the last row has come.
  private func takeCopyData(_ unit: SessionUnit) -> Bool {
    while !isPaused {
      var buffer: UnsafeMutablePointer<CChar>?
      let count = PQgetCopyData(connection, &buffer, 1)
      guard count > 0, let buffer else {
        if count == 0 { return false }
        unit.copy = .none
        return true
      }
      growth.reset()
      if unit.kind == .copyOut, !unit.isAbandoned, let extra = unit.extra {
        let bytes = UnsafeRawBufferPointer(start: buffer, count: Int(count))
        extra.bytes.append(Array(bytes), size: Int(count))
        pauseIfFull(extra.bytes.size)
        wake(unit)
      }
      PQfreemem(buffer)
    }
    return false
  }

  private func endExclusive(_ unit: SessionUnit) -> Bool {
    inFlight.removeFirst()
    guard PQenterPipelineMode(connection) == 1 else {
      unit.isDone = true
      wake(unit)
      wakeCopier(unit)
      lose(nil)
      return true
    }
    if !unit.isDone {
      unit.isDone = true
      wake(unit)
      wakeCopier(unit)
    }
    return true
  }
}

// COPY … FROM STDIN
extension Session {
  /// Hands bytes to libpq. True if they are on their way; false if the socket has no room, and the caller has to wait.
  func sendCopy(_ bytes: UnsafeRawBufferPointer, _ unit: SessionUnit) -> Bool {
    locked {
      guard unit.copy == .sending, !unit.isDone, failure == nil else { return true }
      unit.extra?.waitLimit = nil
      let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      switch PQputCopyData(connection, start, Int32(bytes.count)) {
      case 1: break
      // No memory for the piece: without it, the rest must not be kept either.
      case 0: lose(PostgresError(.connectionLost, "no memory for a piece of COPY data; the connection is closed"))
      default: return drainAfterRefusal()
      }
      flush()
      return !wantsWrite
    }
  }

  /// The server has refused the COPY meanwhile; its error is among the answers.
  private func drainAfterRefusal() -> Bool {
    drain()
    return true
  }

  /// The source has no more data, or has failed.
  func endSource(of unit: SessionUnit, _ error: (any Error)?) {
    locked {
      guard !unit.isDone else { return }
      unit.extra?.sourceFailure = error
      unit.extra?.waitLimit = nil
      endCopy(unit, error == nil ? nil : "given up by the client")
    }
  }

  /// Waits for the end of a COPY, whoever ends it, while its source is on the way in a task of its own.
  func waitForEnd(of unit: SessionUnit) async {
    await withUnsafeContinuation { continuation in
      locked {
        if unit.isDone { return resume(continuation) }
        unit.extra?.copier = continuation
      }
    }
  }

  /// Resumes the caller of a COPY that has ended.
  func wakeCopier(_ unit: SessionUnit) {
    if let continuation = unit.extra?.copier.take() { resume(continuation) }
  }

  /// Ends the data, with an error if `reason` is given.
  func endCopy(_ unit: SessionUnit, _ reason: String?) {
    guard unit.copy == .sending, failure == nil else { return }
    unit.copy = .none
    let isSent = reason.map { PQputCopyEnd(connection, $0) } ?? PQputCopyEnd(connection, nil)
    if isSent == 1 { flush() }
    // The server may have refused the data long ago; libpq reads its answer only now.
    drain()
  }
}

extension PostgresError {
  static var copyElsewhere: PostgresError {
    PostgresError(.misuse, "the statement is a COPY; use copyIn or copyOut, each for its own direction")
  }
}
