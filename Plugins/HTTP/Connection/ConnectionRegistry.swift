import HTTPTypes
import MainstayHTTP
import MainstayKernel
import NIOCore
import NIOHTTP1
import Synchronization

/// The connections of one server: how many, how many of them answer, and who waits for a change.
final class ConnectionRegistry: Sendable {
  let state: ServingState
  let date = HTTPDate()
  private let busy = Atomic<Int>(0)
  private let admitted = Atomic<Int>(0)
  private let connections = Mutex<[ObjectIdentifier: HTTPConnection]>([:])
  private let changes: AsyncStream<Void>
  private let change: AsyncStream<Void>.Continuation

  init(state: ServingState) {
    self.state = state
    // One element says "look again", however often something changed.
    (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// The open connections.
  var open: [HTTPConnection] { connections.withLock { Array($0.values) } }
  /// How many connections are open.
  var count: Int { connections.withLock { $0.count } }
  /// Whether somebody has connected whose first request has not come yet.
  var expectsRequests: Bool {
    connections.withLock { $0.values.contains { !$0.hasSpoken.load(ordering: .relaxed) } }
  }
  /// How many requests are being answered.
  var inFlight: Int { busy.load(ordering: .acquiring) }

  /// How many of them came before the server refused new ones. Refusals do not count: with steady new connections
  /// there is always one of them.
  var admittedInFlight: Int { admitted.load(ordering: .acquiring) }

  /// A request begins. The result says whether it is admitted; `ended` wants to know it again.
  func began() -> Bool {
    let isAdmitted = state.phase < .refusing
    busy.add(1, ordering: .acquiringAndReleasing)
    if isAdmitted { admitted.add(1, ordering: .acquiringAndReleasing) }
    return isAdmitted
  }

  func ended(admitted isAdmitted: Bool) {
    if isAdmitted { admitted.subtract(1, ordering: .acquiringAndReleasing) }
    busy.subtract(1, ordering: .acquiringAndReleasing)
    notifyWhenStopping()
  }

  func add(_ connection: HTTPConnection) {
    connections.withLock { $0[ObjectIdentifier(connection)] = connection }
  }

  func remove(_ connection: HTTPConnection) {
    _ = connections.withLock { $0.removeValue(forKey: ObjectIdentifier(connection)) }
    notifyWhenStopping()
  }

  private func notifyWhenStopping() {
    if state.phase == .refusing { change.yield() }
  }

  /// Returns when `condition` holds. Throws when the task is cancelled. For the one task that stops the server.
  func wait(until condition: @Sendable (ConnectionRegistry) -> Bool) async throws {
    var iterator = changes.makeAsyncIterator()
    while !condition(self) {
      try Task.checkCancellation()
      _ = await iterator.next()
    }
  }

  func closeIdle() {
    for connection in open { connection.closeIfIdle() }
  }

  func abortAll() {
    for connection in open { connection.abort() }
  }

  /// A response to a request that reached no handler.
  func problem(_ refusal: ConnectionMachine.Refusal) -> (head: HTTPResponseHead, body: ByteBuffer) {
    var problem = HTTPProblem(.init(code: Int(refusal.status.code)), refusal.detail)
    problem.title = refusal.status.reasonPhrase
    problem.requestID = HTTPRequestID.random()
    if refusal.status == .serviceUnavailable { problem = problem.retryAfter(.seconds(1)) }
    let body = ByteBuffer(bytes: problem.document.utf8())
    var headers: HTTPHeaders = [
      "Content-Type": "application/problem+json", "Content-Length": String(body.readableBytes),
      "Cache-Control": "no-store", "X-Request-ID": problem.requestID ?? "", "Date": date.now, "Connection": "close",
    ]
    for field in problem.headers { headers.add(name: field.name.rawName, value: field.value) }
    return (HTTPResponseHead(version: .http1_1, status: refusal.status, headers: headers), body)
  }
}
