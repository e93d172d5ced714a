import MainstayPooling
import MainstayReactor
import Synchronization

/// Opens a database's connections, for its pool.
final class PostgresConnectionFactory: PooledConnectionFactory {
  let name: String
  let options: PostgresOptions
  let settings: PostgresConnectionSettings
  let reactors: [Reactor]
  /// Why there is no database at all.
  let absence: String?
  private let turn = Atomic<Int>(0)
  private let callers = Atomic<Int>(0)
  let place = PrimaryPlace()
  /// For each server whether it is a pooler.
  private let signs: [PoolerSign]
  let meter: (any PostgresMeter)?

  init(
    name: String, options: PostgresOptions, settings: PostgresConnectionSettings, reactors: [Reactor],
    absence: String? = nil, meter: (any PostgresMeter)? = nil
  ) {
    self.meter = meter
    self.absence = absence
    self.name = name
    self.options = options
    self.settings = settings
    self.reactors = reactors
    signs = options.endpoints.map { _ in PoolerSign() }
  }

  /// How a connection to one of the servers behaves.
  func settings(forServer server: Int) -> PostgresConnectionSettings {
    var it = settings
    it.poolerSign = signs[server]
    return it
  }

  /// Whether a server was found to be a pooler that changes servers, or is said to be one.
  func changesServers(_ server: Int) -> Bool { settings.pooler == .transaction || signs[server].isSeen }

  /// Tries the servers in their order; each gets its share of the time that is left.
  func connect(
    deadline: ContinuousClock.Instant, onDeath: @escaping @Sendable () -> Void
  ) async throws -> PostgresConnection {
    if let absence { throw PostgresError(.options, absence) }
    let reactor = reactors[next(turn)]
    let end = MonotonicInstant(deadline)
    let handlers = PostgresConnectionHandlers(onClosed: { _ in onDeath() }, meter: meter)
    let attempts = try attempts
    var failures = [PostgresError?](repeating: nil, count: options.endpoints.count)
    for (number, attempt) in attempts.enumerated() {
      // One that did not answer a moment ago is not asked again.
      if let before = failures[attempt.server], !PostgresConnectFailure.isOfOtherRole(before) { continue }
      let endpoint = options.endpoints[attempt.server]
      let left = MonotonicInstant.now.duration(to: end) / (attempts.count - number)
      do {
        let connection = try await PostgresConnection.connect(
          attempt.options, to: endpoint, settings: settings(forServer: attempt.server), handlers: handlers, on: reactor,
          deadline: .now.advanced(by: left))
        if connection.role == .primary { place.found(endpoint, anyWillDo: !wantsPrimary) }
        return connection
      } catch {
        if error.code == .cancelled { throw error }
        failures[attempt.server] = PostgresConnectFailure(error, options, endpoint).error
      }
    }
    throw PostgresConnectFailure.all(failures.compactMap(\.self))
  }

  /// The servers in the order in which they are asked, and for what. A standby that is preferred is looked for at all of
  /// them before a primary is taken, as libpq does where it is given all of them at once.
  private var attempts: [(options: PostgresOptions, server: Int)] {
    get throws(PostgresError) {
      let any = options.endpoints.indices.map { (options: options, server: $0) }
      guard any.count > 1, options["target_session_attrs"] == "prefer-standby" else { return any }
      var standby = options
      try standby.set("target_session_attrs", to: "standby")
      return any.map { (options: standby, server: $0.server) } + any
    }
  }

  func validate(_ connection: PostgresConnection, deadline: ContinuousClock.Instant) async -> Bool {
    do {
      _ = try await connection.execute("SELECT 1", deadline: MonotonicInstant(deadline))
      return true
    } catch {
      return false
    }
  }

  func condition(of connection: PostgresConnection) -> PooledConnectionCondition {
    switch connection.condition {
    case .idle: .reusable
    case .inTransaction, .inFailedTransaction, .busy: .untidy
    case .closed: .broken
    }
  }

  func tidy(_ connection: PostgresConnection, deadline: ContinuousClock.Instant) async -> Bool {
    do {
      try await connection.reset(deadline: MonotonicInstant(deadline))
      return true
    } catch {
      return false
    }
  }

  func close(_ connection: PostgresConnection) async { connection.close() }

  /// The number of the reactor on whose thread the connection lives: a caller on that thread needs no other to be woken.
  func affinity(of connection: PostgresConnection) -> Int? { reactors.firstIndex { $0 === connection.reactor } }

  /// The number of the reactor on whose thread the caller runs.
  var affinity: Int? { reactors.count == 1 ? nil : reactors.firstIndex { $0.isOnThread } }

  /// The number of the reactor on whose thread the caller runs; else one of them in turn.
  var nearest: Int { reactors.count == 1 ? 0 : affinity ?? next(callers) }

  private func next(_ turn: borrowing Atomic<Int>) -> Int {
    Int(UInt(bitPattern: turn.wrappingAdd(1, ordering: .relaxed).oldValue) % UInt(reactors.count))
  }

  func isHopeless(_ error: any Error) -> Bool {
    (error as? PostgresError).map { PostgresConnectFailure.isHopeless($0) } ?? false
  }

  /// Whether only the primary will do, so that it has moved when it is found elsewhere.
  private var wantsPrimary: Bool {
    options.endpoints.count > 1 && ["read-write", "primary"].contains(options["target_session_attrs"])
  }
}

/// Where the primary was found last, and when it was last noticed that it is none any more.
final class PrimaryPlace: Sendable {
  private struct State {
    var endpoint: PostgresOptions.Endpoint?
    var demotion: MonotonicInstant?
    var onMove: (@Sendable (String) -> Void)?
  }

  private let state = Mutex(State())

  /// Who is told when it is found elsewhere.
  func onMove(_ call: @escaping @Sendable (String) -> Void) { state.withLock { $0.onMove = call } }

  /// A connection to it was opened.
  /// - Parameter anyWillDo: Whether any server will do, so that another one means nothing.
  func found(_ endpoint: PostgresOptions.Endpoint, anyWillDo: Bool) {
    let (former, call) = state.withLock { state in
      let former = state.endpoint
      state.endpoint = endpoint
      return (former, state.onMove)
    }
    if let former, former != endpoint, !anyWillDo { call?("the primary was at \(former) and is at \(endpoint) now") }
  }

  /// Whether this is news: it was the primary, and nobody has said so within a second. Every user of every connection
  /// notices it, and one is enough.
  func noticeDemotion() -> Bool {
    state.withLock { state in
      let now = MonotonicInstant.now
      guard state.endpoint != nil else { return false }
      if let last = state.demotion, last.duration(to: now) < .seconds(1) { return false }
      state.demotion = now
      return true
    }
  }
}
