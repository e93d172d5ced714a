import CLibPQ
import MainstayReactor

// Deadlines, cancellation and the end. Under the lock.
extension Session {
  /// Lets go of what has waited too long or is not wanted any more.
  func expire(_ now: MonotonicInstant) {
    guard failure == nil else { return }
    inFlight.forEach { unit in
      if let error = reasonToAbandon(unit, now) { abandon(unit, error) }
    }
    waiting.keep { unit in
      guard let error = reasonToAbandon(unit, now) else { return true }
      refuse(unit, error)
      return false
    }
    if let cancelling, cancelling.deadline <= now {
      return lose(PostgresError(.connectionLost, "a cancelled statement did not end in time; the connection is closed"))
    }
    cancelIfOnlyAbandoned(now)
    sendWaiting()
  }

  private func reasonToAbandon(_ unit: SessionUnit, _ now: MonotonicInstant) -> PostgresError? {
    if unit.isAbandoned || unit.isDone { return nil }
    if let task = unit.task, task.isCancelled { return .cancelled }
    if let deadline = unit.deadline { return deadline <= now ? .timedOut : nil }
    guard let timeout = settings.statementTimeout else { return nil }
    guard unit.isStream else {
      unit.deadline = now.advanced(by: timeout)
      return nil
    }
    guard unit.continuation != nil || unit.extra?.copier != nil else { return nil }
    if let limit = unit.extra?.waitLimit { return limit <= now ? .timedOut : nil }
    unit.extra?.waitLimit = now.advanced(by: timeout)
    return nil
  }

  /// Its caller goes; its answers are still to come.
  func abandon(_ unit: SessionUnit, _ error: PostgresError) {
    unit.fail(unit.mayWrite ? error.indeterminate() : error)
    unit.isAbandoned = true
    unit.isDone = true
    _ = unit.extra?.rows.take()
    _ = unit.extra?.bytes.take()
    resumeReading()
    wake(unit)
    wakeCopier(unit)
    if unit.copy == .sending { endCopy(unit, "given up by the client") }
  }

  /// A reader has caught up, or has gone.
  func resumeReading() {
    guard isPaused else { return }
    isPaused = false
    hasUnread = true
    askReactor()
  }

  /// Has the server stop, unless somebody is still interested in an answer: the request to cancel names no statement, it
  /// hits whatever runs.
  func cancelIfOnlyAbandoned(_ now: MonotonicInstant) {
    if let cancelling {
      if cancelling.callHasReturned, cancelling.repeatAt <= now { requestCancellation(now, by: cancelling.deadline) }
      return
    }
    guard !inFlight.isEmpty, inFlight.allSatisfy(\.isAbandoned), !inFlight.allSatisfy(\.isOwn) else { return }
    requestCancellation(now, by: now.advanced(by: settings.cancelGrace))
  }

  private func requestCancellation(_ now: MonotonicInstant, by deadline: MonotonicInstant) {
    guard let request = PQgetCancel(connection) else { return lose(nil) }
    cancelling = Cancelling(repeatAt: now.advanced(by: Session.cancelInterval), deadline: deadline)
    let call = CancelRequest(request)
    let isTaken = Session.cancellations.run {
      call.send()
      self.cancellationReturned()
    }
    if !isTaken {
      lose(PostgresError(.connectionLost, "too many cancellations hang; the connection is closed instead"))
    }
  }

  private static let cancelInterval = Duration.milliseconds(100)
  /// Requests to cancel statements, for all connections of the process: libpq's function for it blocks.
  private static let cancellations = BlockingThreads(name: "pg-cancel", threads: 4, queueLimit: 256)

  private func cancellationReturned() {
    locked {
      cancelling?.callHasReturned = true
      settleCancellation()
    }
  }

  /// After a cancellation, the connection can be used again when the call has returned and every answer has come.
  func settleCancellation() {
    guard failure == nil else { return }
    if let cancelling {
      guard cancelling.callHasReturned, inFlight.isEmpty else { return }
      self.cancelling = nil
    }
    sendWaiting()
  }

  /// The end of the session: everybody hears why. Without a reason given, it is the server's last word or libpq's.
  func lose(_ reason: PostgresError?) {
    guard failure == nil else { return }
    let error = reason ?? farewell ?? .lost(connection)
    failure = error
    while let unit = inFlight.removeFirst() {
      if !unit.isDone { unit.fail(unit.mayWrite && unit.kind != .barrier ? error.indeterminate() : error) }
      unit.isDone = true
      wake(unit)
      wakeCopier(unit)
    }
    while let unit = waiting.removeFirst() { refuse(unit, error) }
    askReactor()
  }
}

/// A `PGcancel`, which holds all that is needed to reach the server and is independent of its connection.
private final class CancelRequest: @unchecked Sendable {
  // because one thread uses it, after it was made.
  private let request: OpaquePointer

  init(_ request: OpaquePointer) { self.request = request }

  deinit { PQfreeCancel(request) }

  /// Returns when the server has taken notice, or not at all.
  func send() {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
      _ = PQcancel(request, text.baseAddress, 256)
    }
  }
}

extension PostgresError {
  static var timedOut: PostgresError { PostgresError(.timedOut, "the statement did not end before its deadline") }
  static var cancelled: PostgresError { PostgresError(.cancelled, "the task was cancelled") }

  static func lost(_ connection: OpaquePointer?) -> PostgresError {
    let text = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
    let line = text.split(separator: "\n").first.map { ": \($0)" } ?? ""
    return PostgresError(.connectionLost, "the connection to the server was lost\(line)")
  }
}
