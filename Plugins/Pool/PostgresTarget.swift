import Logging
import MainstayCapabilities
import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayReactor

/// A database as the plugin sees it.
final class PostgresTarget: PoolTarget {
  let database: PostgresDatabase
  let watch: TargetWatch
  /// How it goes with `listen`; nil if there are no channels to listen to.
  let listening: ListenWatch?
  private let isRequired: Bool

  /// - Throws: `PostgresError` if the URL cannot be used.
  init(
    _ name: String, _ configuration: PostgresPoolConfiguration, url: Secret<String>, reactors: [Reactor],
    clock: any PoolClock, metrics: PoolMetrics, context: PluginContext
  ) throws {
    let watch = TargetWatch(name, context)
    let options = try configuration.options(url)
    database = try PostgresDatabase(
      name: name, options: try options.with(defaultApplicationName: context.host.name), pool: configuration.settings,
      connection: configuration.connectionSettings, reactors: reactors, sharedReaders: configuration.sharedReaders,
      batchSize: configuration.batchSize, parallelQueries: configuration.parallelQueries, clock: clock,
      meter: metrics.meter(of: name), observer: PoolReporter(watch, metrics, context).observer)
    self.watch = watch
    listening =
      configuration.listen.isEmpty
      ? nil : ListenWatch(name, configuration.listen, clock: context.clock, logger: context.logger)
    isRequired = configuration.required
  }

  var name: String { database.name }

  func ping(deadline: ContinuousClock.Instant) async throws -> Duration { try await database.ping(deadline: deadline) }

  var condition: HealthFinding {
    let all = database.statistics
    let use = "\(all.active) of \(all.limit) connections in use, \(all.waiting) waiting"
    if all.pressure == .exhausted { return .degraded("exhausted: \(use)") }
    return listening?.trouble.map { .degraded("\($0); \(use)") } ?? .healthy(use)
  }

  func optimize() -> ConnectionPoolOptimization {
    let (closed, opening) = database.optimize()
    return ConnectionPoolOptimization(name: name, closed: closed, opening: opening)
  }

  func scale(processor: Double?) { database.scale(processor: processor) }

  func startGeneration(reason: String) -> Bool {
    database.startGeneration(reason: reason)
    return true
  }

  func close(by deadline: ContinuousClock.Instant) async { await database.drain(by: deadline) }

  var status: ConnectionPoolStatus {
    let all = database.statistics
    var figures = all.json
    figures["listening"] = listening.map { .bool($0.isListening) }
    return ConnectionPoolStatus(
      name: name, kind: "postgres", total: all.total, active: all.active, idle: all.idle, waiting: all.waiting,
      utilisation: all.utilisation, isAvailable: all.isAvailable, figures: figures)
  }

  // MARK: Start

  /// Opens the first connections. A target that is not required goes on trying by itself.
  func warmUp(_ limit: Duration, _ context: PluginContext) async throws {
    guard isRequired else { return database.start() }
    let begun = ContinuousClock.now
    do {
      try await database.warmUp(by: begun.advanced(by: limit))
    } catch {
      throw PoolStartError(target: name, error)
    }
    let open = database.statistics.total
    let milliseconds = (begun.duration(to: .now) / .milliseconds(1) * 10).rounded() / 10
    context.logger.info("\(name): \(open) connections to \(place) opened in \(milliseconds) ms")
    await compareLimits(context)
  }

  private var place: String {
    let servers = database.options.endpoints.map(\.description).joined(separator: ", ")
    return database.options.database.map { "\(servers)/\($0)" } ?? servers
  }

  /// More connections than the server gives would be found out under load only.
  private func compareLimits(_ context: PluginContext) async {
    let question: PostgresQuery = """
      SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      """
    let deadline = ContinuousClock.now.advanced(by: .seconds(2))
    guard let given = try? await database.query(question.unprepared(), as: Int.self, deadline: deadline).first else {
      return
    }
    let wanted = database.settings.max
    guard wanted > given else { return }
    context.logger.warning(
      "\(name): max is \(wanted), but the server has \(given) connections for everybody; lower it, or raise max_connections"
    )
  }
}

/// Why the host cannot start: which target, why, and what to do.
struct PoolStartError: Error, CustomStringConvertible {
  let description: String

  init(target: String, _ error: any Error) {
    let reason = Self.reason(error)
    let section = target == "postgres" || target == "redis" ? target : "databases.\(target)"
    description =
      "\(target) is required and cannot be reached: \(reason). To start without it, set plugins.pool.\(section).required "
      + "to false"
  }
  /// What lies behind a pool's error: that says why.
  static func reason(_ error: any Error) -> String { "\((error as? PoolError)?.cause ?? error)" }
}
