import MainstayPooling
import MainstayReactor
import Synchronization

/// Opens a database's connections, for its pool.
final class PostgresConnectionFactory: PooledConnectionFactory {
  let name: String
  let options: PostgresOptions
  let settings: PostgresConnectionSettings
  let reactors: [Reactor]
  private let turn = Atomic<Int>(0)
  private let lastDemotion = Mutex<MonotonicInstant?>(nil)

  init(name: String, options: PostgresOptions, settings: PostgresConnectionSettings, reactors: [Reactor]) {
    self.name = name
    self.options = options
    self.settings = settings
    self.reactors = reactors
  }

  /// Tries the servers in their order; each gets its share of the time that is left.
  func connect(
    deadline: ContinuousClock.Instant, onDeath: @escaping @Sendable () -> Void
  ) async throws -> PostgresConnection {
    let reactor = reactors[turn.wrappingAdd(1, ordering: .relaxed).oldValue % reactors.count]
    let end = MonotonicInstant(deadline)
    let handlers = PostgresConnectionHandlers(onClosed: { _ in onDeath() })
    var failures: [PostgresError] = []
    for (index, endpoint) in options.endpoints.enumerated() {
      let left = MonotonicInstant.now.duration(to: end) / (options.endpoints.count - index)
      do {
        return try await PostgresConnection.connect(
          options, to: endpoint, settings: settings, handlers: handlers, on: reactor, deadline: .now.advanced(by: left))
      } catch {
        if error.code == .cancelled { throw error }
        failures.append(PostgresConnectFailure(error, options, endpoint).error)
      }
    }
    throw PostgresConnectFailure.all(failures)
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

  func isHopeless(_ error: any Error) -> Bool {
    (error as? PostgresError).map { PostgresConnectFailure.isHopeless($0) } ?? false
  }

  /// Whether this is news: every user of every connection notices a demotion, and one is enough.
  func noticeDemotion() -> Bool {
    lastDemotion.withLock { last in
      let now = MonotonicInstant.now
      if let last, last.duration(to: now) < .seconds(1) { return false }
      last = now
      return true
    }
  }
}
