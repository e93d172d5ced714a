import CLibPQ
import MainstayReactor

/// The way to a connection: lookup of the name, then one address after the other, each by `PQconnectPoll`, all under one
/// deadline, which libpq does not keep on this path. Lives on the reactor's thread.
///
/// Whoever comes first ends it: the connection, the deadline, the caller's cancellation, the end of the reactor. What comes
/// later finds it ended; a connection that is half made is closed.
final class ConnectAttempt: ReactorHandler, @unchecked Sendable {
  // because everything that changes is touched on the reactor's thread only.
  private let reactor: Reactor
  private let options: PostgresOptions
  private let endpoint: PostgresOptions.Endpoint
  private let settings: PostgresConnectionSettings
  private let handlers: PostgresConnectionHandlers
  private let deadline: MonotonicInstant
  private let names: NameLookup

  private var continuation: UnsafeContinuation<Result<PostgresConnection, PostgresError>, Never>?
  private var addresses: ArraySlice<String?> = []
  /// The address that is being tried, where the name has several.
  private var address: String?
  private var connection: OpaquePointer?
  private var source: ReactorSource?
  private var timer: ReactorTimer?
  private var turn: ReactorTimer?
  /// What came of the addresses tried so far.
  private var failures: [PostgresError] = []
  private var hasEnded = false

  init(
    _ options: PostgresOptions, _ endpoint: PostgresOptions.Endpoint, _ settings: PostgresConnectionSettings,
    _ handlers: PostgresConnectionHandlers, on reactor: Reactor, deadline: MonotonicInstant, names: NameLookup
  ) {
    self.reactor = reactor
    self.options = options
    self.endpoint = endpoint
    self.settings = settings
    self.handlers = handlers
    self.deadline = deadline
    self.names = names
  }

  func start(_ continuation: UnsafeContinuation<Result<PostgresConnection, PostgresError>, Never>) {
    if hasEnded { return continuation.resume(returning: .failure(.cancelled)) }
    self.continuation = continuation
    let timer = ReactorTimer { [weak self] in self?.expire() }
    self.timer = timer
    reactor.set(timer, for: deadline)
    if endpoint.isSocket || endpoint.address != nil || HostAddress(endpoint.host) != nil { return tryAddresses([nil]) }
    names.start(endpoint.host) { answer in self.reactor.submit { self.found(answer) } }
  }

  func cancel() { end(.cancelled) }

  private func expire() {
    if reactor.isStopping { return end(PostgresError(.closed, "the reactor has been shut down")) }
    let before = failures.isEmpty ? "" : "; before that: \(Self.text(failures))"
    end(
      PostgresError(
        .timedOut, "no connection to \(endpoint) was made before the deadline\(before)", cause: failures.last))
  }

  private func found(_ answer: NameLookup.Answer) {
    if hasEnded { return }
    switch answer {
    case .success(let found): tryAddresses(found.prefix(Self.mostAddresses).map(\.description))
    case .failure(let error): end(PostgresError(.connect, error.message, cause: error))
    }
  }

  /// More addresses of one name are not tried: each would get too small a share of the time.
  private static let mostAddresses = 16

  private static func text(_ failures: [PostgresError]) -> String {
    failures.map(\.message).joined(separator: "; ")
  }

  private func tryAddresses(_ addresses: [String?]) {
    self.addresses = addresses[...]
    tryNext()
  }

  /// Each address gets its share of the time that is left, the last one all of it.
  private func tryNext() {
    guard let address = addresses.popFirst() else {
      return end(failures.count == 1 ? failures[0] : PostgresError(.connect, Self.text(failures), cause: failures.last))
    }
    self.address = address
    if !addresses.isEmpty {
      let turn = self.turn ?? ReactorTimer { [weak self] in self?.giveUpAddress() }
      self.turn = turn
      let left = MonotonicInstant.now.duration(to: deadline)
      reactor.set(turn, for: .now.advanced(by: left / (addresses.count + 1)))
    }
    connection = begin(address)
    guard let connection, PQstatus(connection) != CONNECTION_BAD else { return failAddress() }
    do {
      source = try reactor.watch(PQsocket(connection), .write, self)
    } catch {
      end(PostgresError(.connect, "the socket cannot be watched", cause: error))
    }
  }

  private func begin(_ address: String?) -> OpaquePointer? {
    var keywords = options.keywords(for: endpoint, address: address)
    for (keyword, value) in settings.keywords where options[keyword] == nil { keywords.append((keyword, value)) }
    return withCStrings(keywords.map(\.keyword)) { names in
      withCStrings(keywords.map(\.value)) { values in PQconnectStartParams(names, values, 0) }
    }
  }

  func ready(_ events: ReactorEvents) {
    if events == .stopped { return end(PostgresError(.closed, "the reactor has been shut down")) }
    switch PQconnectPoll(connection) {
    case PGRES_POLLING_READING: watch(.read)
    case PGRES_POLLING_WRITING: watch(.write)
    case PGRES_POLLING_OK: finish()
    default: failAddress()
    }
  }

  /// After each poll anew: libpq may have another socket now, behind the same number.
  private func watch(_ interest: ReactorInterest) {
    do {
      try source?.watch(PQsocket(connection), interest)
    } catch {
      end(PostgresError(.connect, "the socket cannot be watched", cause: error))
    }
  }

  private func giveUpAddress() {
    let place = address.map { " (\($0))" } ?? ""
    failures.append(PostgresError(.connect, "no answer from \(endpoint)\(place) in time"))
    drop()
    tryNext()
  }

  private func failAddress() {
    failures.append(.connectFailed(connection))
    drop()
    tryNext()
  }

  /// Closes what is half made.
  private func drop() {
    if let turn { reactor.cancel(turn) }
    source?.cancel()
    source = nil
    if let connection { PQfinish(connection) }
    connection = nil
  }

  private func finish() {
    guard let connection else { return end(.connectFailed(nil)) }
    guard PQsetnonblocking(connection, 1) == 0, PQenterPipelineMode(connection) == 1 else { return failAddress() }
    source?.cancel()
    source = nil
    self.connection = nil
    let session = Session(connection, reactor: reactor, settings, handlers)
    do {
      try session.start()
    } catch {
      return end(PostgresError(.connect, "the socket cannot be watched", cause: error))
    }
    end(
      returning: .success(
        PostgresConnection(
          session, backendProcessID: PQbackendPID(connection), serverVersion: Int(PQserverVersion(connection)),
          isEncrypted: PQsslInUse(connection) == 1)))
  }

  private func end(_ error: PostgresError) { end(returning: .failure(error)) }

  private func end(returning result: Result<PostgresConnection, PostgresError>) {
    if hasEnded { return }
    hasEnded = true
    drop()
    if let timer { reactor.cancel(timer) }
    continuation?.resume(returning: result)
    continuation = nil
  }
}

extension PostgresConnectionSettings {
  /// What these settings are in libpq's words.
  fileprivate var keywords: [(String, String)] {
    let milliseconds = tcpUserTimeout / .milliseconds(1)
    return [
      ("keepalives_idle", String(keepalives.idle)), ("keepalives_interval", String(keepalives.interval)),
      ("keepalives_count", String(keepalives.count)),
      ("tcp_user_timeout", String(Int(min(max(milliseconds, 0), 2_000_000_000)))),
    ]
  }
}

extension PostgresError {
  fileprivate static func connectFailed(_ connection: OpaquePointer?) -> PostgresError {
    let text = PQerrorMessage(connection).map { String(cString: $0) } ?? "out of memory"
    return PostgresError(.connect, text.split(separator: "\n").joined(separator: " "))
  }
}

/// Calls `body` with an array of C strings that ends with nil.
private func withCStrings<Value>(
  _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
) -> Value {
  let bytes: [UInt8] = strings.flatMap { $0.utf8 + [0] }
  return bytes.withUnsafeBufferPointer { buffer in
    var pointers: [UnsafePointer<CChar>?] = []
    var next = buffer.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
    for string in strings {
      pointers.append(next)
      next = next?.advanced(by: string.utf8.count + 1)
    }
    pointers.append(nil)
    return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
