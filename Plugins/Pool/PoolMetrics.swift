import MainstayInstruments
import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayRedis

/// What the plugin exports. Statements and commands are counted as they end; how the pools are is read when somebody scrapes.
struct PoolMetrics: Sendable {
  let registry: MetricsRegistry
  private let target: Label
  private let statements: Family<Counter>
  private let statementDurations: Family<Histogram>
  private let commands: Family<Counter>
  private let commandDurations: Family<Histogram>
  private let exhausted: Family<Counter>
  private let redisErrors: Family<Counter>

  /// - Parameters:
  ///   - databases: The names of the databases.
  ///   - hasRedis: Whether there is Redis.
  init(clock: any HostClock, databases: [String], hasRedis: Bool) throws(MetricsError) {
    registry = MetricsRegistry(clock: clock)
    target = Label("target", known: databases, limit: 200, isGuarded: false)
    let redis = Label("target", known: hasRedis ? ["redis"] : [], limit: 1, isGuarded: false)
    let operation = Label("operation", known: PostgresOperation.allCases.map { "\($0)" })
    let command = Label("operation", known: RedisOperation.allCases.map { "\($0)" })
    statements = try registry.counter(
      "database_operations_total", help: "Statements, by what they do and what became of them.",
      labels: [target, operation, Label("outcome", known: PostgresOutcome.allCases.map { "\($0)" })])
    statementDurations = try registry.timer(
      "database_operation_duration_seconds", help: "From when a statement was sent until its last answer had come.",
      labels: [target, operation],
      buckets: Buckets([0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]))
    commands = try registry.counter(
      "redis_operations_total", help: "Commands, by their kind and what became of them.",
      labels: [redis, command, Label("outcome", known: RedisOutcome.allCases.map { "\($0)" })])
    commandDurations = try registry.timer(
      "redis_operation_duration_seconds", help: "From when a command was sent until its last reply had come.",
      labels: [redis, command],
      buckets: Buckets([0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1]))
    exhausted = try registry.counter(
      "db_pool_exhausted_total", help: "How often every connection was in use and somebody waited.", labels: [target])
    redisErrors = try registry.counter(
      "redis_connection_errors_total", help: "Connections lost, and tries to connect that failed.",
      labels: [redis, Label("reason", known: ["lost", "failed"])])
  }

  /// Counts the statements of a database.
  func meter(of database: String) -> StatementMeter { StatementMeter(database, statements, statementDurations) }

  /// Counts the commands of Redis.
  func redisMeter() -> CommandMeter { CommandMeter("redis", commands, commandDurations) }

  func noteExhausted(_ target: String) { exhausted.labels(target).increment() }

  func noteRedis(_ event: RedisClientEvent) {
    switch event {
    case .connected: break
    case .lost: redisErrors.labels("redis", "lost").increment()
    case .attemptFailed: redisErrors.labels("redis", "failed").increment()
    }
  }
}

/// Counts the statements of one database, by series that are looked up once.
final class StatementMeter: PostgresMeter {
  private let outcomes: [Counter]
  private let durations: [Histogram]

  init(_ target: String, _ statements: Family<Counter>, _ durations: Family<Histogram>) {
    outcomes = PostgresOperation.allCases.flatMap { operation in
      PostgresOutcome.allCases.map { statements.labels(target, "\(operation)", "\($0)") }
    }
    self.durations = PostgresOperation.allCases.map { durations.labels(target, "\($0)") }
  }

  func record(_ operation: PostgresOperation, _ outcome: PostgresOutcome, nanoseconds: UInt64) {
    outcomes[operation.rawValue &* PostgresOutcome.allCases.count &+ outcome.rawValue].increment()
    durations[operation.rawValue].record(nanoseconds: nanoseconds)
  }
}

/// Counts the commands of Redis, by series that are looked up once.
final class CommandMeter: RedisMeter {
  private let outcomes: [Counter]
  private let durations: [Histogram]

  init(_ target: String, _ commands: Family<Counter>, _ durations: Family<Histogram>) {
    outcomes = RedisOperation.allCases.flatMap { operation in
      RedisOutcome.allCases.map { commands.labels(target, "\(operation)", "\($0)") }
    }
    self.durations = RedisOperation.allCases.map { durations.labels(target, "\($0)") }
  }

  func record(_ operation: RedisOperation, _ outcome: RedisOutcome, nanoseconds: UInt64) {
    outcomes[Int(operation.rawValue) &* RedisOutcome.allCases.count &+ Int(outcome.rawValue)].increment()
    durations[Int(operation.rawValue)].record(nanoseconds: nanoseconds)
  }

  /// The share of reads that found something; nil before the first one.
  var hitRate: Double? {
    let (found, missing) = (count(.read, .ok), count(.read, .missing))
    return found + missing > 0 ? found / (found + missing) : nil
  }

  private func count(_ operation: RedisOperation, _ outcome: RedisOutcome) -> Double {
    outcomes[Int(operation.rawValue) * RedisOutcome.allCases.count + Int(outcome.rawValue)].value
  }
}
