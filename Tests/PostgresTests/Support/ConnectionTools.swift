import Glibc
import MainstayPostgres
import MainstayReactor
import Synchronization
import Testing

/// A reactor and a server for one test. The reactor ends with it.
struct Bench {
  let reactor: Reactor
  let server: PostgresServer
  let options: PostgresOptions

  func connect(
    _ settings: PostgresConnectionSettings = .patient,
    _ handlers: PostgresConnectionHandlers = PostgresConnectionHandlers()
  ) async throws -> PostgresConnection {
    try await PostgresConnection.connect(options, settings: settings, handlers: handlers, on: reactor)
  }
}

extension PostgresConnectionSettings {
  /// With limits that are never reached when nothing is wrong, however loaded the machine is.
  static var patient: PostgresConnectionSettings {
    var settings = PostgresConnectionSettings()
    (settings.connectTimeout, settings.statementTimeout, settings.cancelGrace) = (.ample, .ample, .ample)
    return settings
  }
}

/// Runs a test with the shared server, or one of its own.
func withBench(_ own: PostgresServer? = nil, _ body: (Bench) async throws -> Void) async throws {
  let server = try own ?? PostgresServer.shared.get()
  let reactor = try Reactor()
  defer { reactor.shutdown() }
  try await body(
    Bench(reactor: reactor, server: server, options: try PostgresOptions(parsing: server.connectionString)))
}

/// The error that a piece of work throws, recorded as an issue if it throws none.
func failure<Value>(_ body: () async throws -> Value) async -> PostgresError? {
  do {
    _ = try await body()
    Issue.record("nothing was thrown")
    return nil
  } catch {
    return error as? PostgresError
  }
}

/// Something that happens once and is waited for.
final class Signal<Value: Sendable>: Sendable {
  private let state = Mutex<(value: Value?, waiter: CheckedContinuation<Value, Never>?)>((nil, nil))

  func send(_ value: Value) {
    let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
      guard state.value == nil else { return nil }
      state.value = value
      return state.waiter.take()
    }
    waiter?.resume(returning: value)
  }

  func wait() async -> Value {
    await withCheckedContinuation { continuation in
      let value = state.withLock { state -> Value? in
        if state.value == nil { state.waiter = continuation }
        return state.value
      }
      if let value { continuation.resume(returning: value) }
    }
  }
}

extension Duration {
  /// Long enough that it is never reached when nothing is wrong.
  static let ample = Duration.seconds(90)
}

/// Counts what was asked for.
final class Counter: Sendable {
  private let count = Mutex(0)

  var value: Int { count.withLock { $0 } }

  func add<Value>(_ value: Value) -> Value {
    count.withLock { $0 += 1 }
    return value
  }
}

/// What threads wait at until it is opened.
final class Gate: Sendable {
  private let isOpen = Mutex(false)

  func open() { isOpen.withLock { $0 = true } }

  /// Blocks the thread.
  func pass() {
    while !isOpen.withLock({ $0 }) { usleep(1_000) }
  }
}
