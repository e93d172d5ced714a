public import MainstayKernel
import MainstayPooling
import MainstayPostgres

/// One database and its pool.
public struct PostgresPoolConfiguration: PluginConfiguration {
  /// Whether there is a pool for it.
  @Field("Whether there is a pool for it.")
  public var enabled = true
  /// Where it is.
  @Field(
    "Where it is: postgresql://user:password@host:5432/database?…; several hosts are tried in turn.",
    environment: "DATABASE_URL", check: { $0.flatMap(Self.mistake) })
  public var url: Secret<String>?
  /// How connections are encrypted.
  @Field(
    "Encryption, over that of the URL: true (require), false (disable), or libpq's sslmode.",
    environment: "DATABASE_SSL", example: "verify-full", check: { $0.flatMap(Self.sslMistake) })
  public var ssl: String?
  /// Whether the host needs it.
  @Field("Whether the host fails to start without it; else it starts and keeps trying.")
  public var required = true

  /// Connections kept open.
  @Field("Connections kept open.", range: 0...PoolSettings.mostConnections, environment: "DB_POOL_MIN")
  public var min = 2
  /// Connections at most.
  @Field(
    "Connections at most.", range: 1...PoolSettings.mostConnections,
    environment: ["DB_POOL_MAX", "DATABASE_CONNECTION_LIMIT"])
  public var max = 50
  /// Idle connections kept ready.
  @Field("Idle connections kept ready, as far as max allows.", range: 0...PoolSettings.mostConnections)
  public var minIdle = 0
  /// Connections for critical work alone.
  @Field("Connections that only critical work may use.", range: 0...PoolSettings.mostConnections)
  public var reserve = 0

  /// The longest wait for a connection.
  @Field(
    "Longest wait for a connection.", range: .milliseconds(1)...,
    environment: .milliseconds("DB_POOL_ACQUIRE_TIMEOUT"))
  public var acquireTimeout: Duration = .seconds(60)
  /// How long a connection may be idle.
  @Field(
    "A connection idle for longer is closed, down to min.", range: .milliseconds(100)...,
    environment: .milliseconds("DB_POOL_IDLE_TIMEOUT"))
  public var idleTimeout: Duration = .seconds(300)
  /// How long connecting may take.
  @Field(
    "Longest time for a connection to be opened: name, network, TLS and log-in together.", range: .milliseconds(10)...)
  public var connectTimeout: Duration = .seconds(5)
  /// How long a statement may take.
  @Field(
    "Longest time for a statement without a deadline of its own.", range: .milliseconds(1)...,
    environment: .milliseconds("DATABASE_TIMEOUT"))
  public var queryTimeout: Duration = .seconds(15)
  /// How old a connection may become.
  @Field(
    "A connection older than this, less up to a tenth, is replaced; its successor is opened first.",
    range: .seconds(1)...)
  public var maxLifetime: Duration = .seconds(1_800)
  /// How long a connection may be idle before it is tried.
  @Field("A connection idle for longer is tried before it is given out.", range: .zero...)
  public var validateAfter: Duration = .seconds(30)

  /// Waiting.
  @Field("Who waits for a connection, and who may not.")
  public var queue = PoolQueueConfiguration()
  /// Connections that are not given back.
  @Field("Connections that are not given back.")
  public var leaks = PoolLeakConfiguration()
  /// Growing and shrinking.
  @Field("Growing and shrinking between min and max.")
  public var autoscaling = PoolScalingConfiguration()
  /// Opening.
  @Field("How connections are opened.")
  public var connect = PoolConnectConfiguration()

  /// What stands before the server.
  @Field("Pooler before the server: session (or none), transaction (it changes servers between them), or detect.")
  public var pooler = PoolPooler.detect
  /// Prepared statements for each connection.
  @Field(
    "Prepared statements kept for each connection; 0 behind a pooler that changes servers between transactions.",
    range: 0...100_000)
  public var statementCache = 256
  /// Connections that reads share.
  @Field("Connections that declared reads of all callers share; at least one for each reactor.", range: 1...64)
  public var sharedReaders = 4
  /// Statements of a batch at a time.
  @Field("Statements that a batch sends at a time.", range: 1...100_000, environment: "DB_BATCH_SIZE")
  public var batchSize = 2_000
  /// Independent statements at a time.
  @Field(
    "Independent statements that one call runs at a time.", range: 1...10_000, environment: "DB_PARALLEL_QUERIES")
  public var parallelQueries = 20
  /// The largest result.
  @Field(
    "Largest result of a call that is not streamed; 0 for no limit.", range: .bytes(0)...ByteCount.gibibytes(1_024))
  public var maxResultSize: ByteCount = .mebibytes(256)
  /// Channels whose notifications become events.
  @Field("Channels (LISTEN) whose notifications are published as pool.notification.", example: "[orders]")
  public var listen: [String] = []

  /// The defaults.
  public init() {}

  /// What contradicts itself.
  public func validate(into issues: inout ConfigurationChecks) {
    if min > max { issues.error("min", "must not be above max (\(max)), is \(min)", remedy: "raise max, or lower min") }
    if reserve >= max {
      issues.error("reserve", "must be below max (\(max)), is \(reserve)", remedy: "leave connections for everybody")
    }
    if let reclaim = leaks.reclaimAfter, reclaim < leaks.warnAfter {
      issues.warning("leaks.reclaim_after", "comes before leaks.warn_after, so nobody is warned")
    }
    if connectTimeout > acquireTimeout {
      issues.warning("connect_timeout", "is never reached: acquire_timeout comes first")
    }
    if autoscaling.enabled, let threshold = autoscaling.connectionThreshold, threshold > max {
      issues.warning(
        "autoscaling.connection_threshold", "is above max (\(max)), so all allowed connections must be in use to grow",
        remedy: "lower it to a number of connections up to max, or leave it out for 80 % of max")
    }
    for (index, channel) in listen.enumerated() {
      if channel.isEmpty || channel.utf8.count > 63 || channel.utf8.contains(0) {
        issues.error(
          ConfigPath([.key("listen"), .index(index)]), "must be the name of a channel, of 1 to 63 bytes, without U+0000"
        )
      }
    }
    if max > 100 {
      issues.warning(
        "max", "\(max) connections are more than most servers work well with",
        remedy: "about four for each core of the database's machine are usually fastest")
    }
  }

  private static func mistake(in url: Secret<String>) -> String? {
    do {
      _ = try PostgresOptions(parsing: url.reveal())
      return nil
    } catch {
      return "cannot be used: \(error.message)"
    }
  }

  private static func sslMistake(_ text: String) -> String? {
    do {
      _ = try PostgresOptions.SSLMode(parsing: text)
      return nil
    } catch {
      return error.message
    }
  }
}

/// Who waits for a connection, and who may not.
public struct PoolQueueConfiguration: PluginConfiguration {
  /// Callers that may wait.
  @Field(
    "Callers that may wait; one more is refused, or takes the place of a less urgent one.",
    range: 0...PoolSettings.mostWaiters)
  public var maxWaiters = 1_000
  /// Callers of one tenant that may wait.
  @Field("Callers of one tenant that may wait.", range: 0...PoolSettings.mostWaiters)
  public var maxWaitersPerTenant = 1_000
  /// Connections of one tenant.
  @Field("Connections that one tenant may use at the same time; absent: all.", range: 1...PoolSettings.mostConnections)
  public var maxConnectionsPerTenant: Int?
  /// How fast a waiter becomes more urgent.
  @Field("A waiter counts as one priority higher for each such time it has waited.", range: .milliseconds(1)...)
  public var ageing: Duration = .seconds(2)
  /// Which idle connection is taken first.
  @Field("Idle connection to take first: lifo (the one returned last) or fifo.")
  public var order = PoolIdleOrder.lifo
  /// When nobody is let wait any more.
  @Field("After this time without any connection, callers are refused at once.", range: .zero...)
  public var unavailableAfter: Duration = .seconds(10)

  /// The defaults.
  public init() {}
}

/// Which idle connection is taken first.
public enum PoolIdleOrder: String, Sendable, CaseIterable, ConfigValue {
  /// The one returned last.
  case lifo
  /// The one returned first.
  case fifo
}

/// A pooler between the host and the server.
public enum PoolPooler: String, Sendable, CaseIterable, ConfigValue {
  /// Whether there is one that changes servers is found out when connecting.
  case detect
  /// None, or one that keeps a server connection for as long as the client's.
  case session
  /// One that hands out another server connection for each transaction.
  case transaction

  fileprivate var mode: PostgresPooler {
    switch self {
    case .detect: .detected
    case .session: .session
    case .transaction: .transaction
    }
  }
}

/// Connections that are not given back.
public struct PoolLeakConfiguration: PluginConfiguration {
  /// When a use is reported.
  @Field("A connection in use for longer is reported, with the place that took it.", range: .milliseconds(10)...)
  public var warnAfter: Duration = .seconds(30)
  /// When a connection is taken away.
  @Field("A connection in use for longer is closed under its user; absent: never.", range: .milliseconds(10)...)
  public var reclaimAfter: Duration?

  /// The defaults.
  public init() {}
}

/// Growing and shrinking between `min` and `max`.
public struct PoolScalingConfiguration: PluginConfiguration {
  /// Whether it does.
  @Field("Whether fewer than max are allowed until more are needed.", environment: "DB_AUTO_SCALING_ENABLED")
  public var enabled = false
  /// When it does not grow.
  @Field(
    "Percent of the processors in use above which it does not grow.", range: 1...100,
    environment: "DB_AUTO_SCALING_CPU_THRESHOLD", unit: "%")
  public var cpuThreshold = 75.0
  /// When it grows.
  @Field(
    "Connections in use, of max, from which it grows; in proportion while fewer are allowed. Absent: 80 % of max.",
    range: 1...PoolSettings.mostConnections, environment: "DB_AUTO_SCALING_CONNECTION_THRESHOLD")
  public var connectionThreshold: Int?
  /// Which wait is too long.
  @Field("Callers must wait this long (95th percentile) for it to grow.", range: .zero...)
  public var targetWait: Duration = .milliseconds(5)
  /// The time between two steps up.
  @Field("Time between two steps up.", range: .zero...)
  public var scaleUpCooldown: Duration = .seconds(300)
  /// The time between two steps down.
  @Field("Time of little use before a step down, and between two.", range: .zero...)
  public var scaleDownCooldown: Duration = .seconds(1_800)

  /// The defaults.
  public init() {}
}

/// How connections are opened.
public struct PoolConnectConfiguration: PluginConfiguration {
  /// How many at a time.
  @Field("Connections opened at the same time; one, while opening fails.", range: 1...256)
  public var atATime = 4
  /// The first pause.
  @Field(
    "Pause after a failure; it doubles with each, and up to half of it is dropped at random.",
    range: .milliseconds(1)...)
  public var backoff: Duration = .milliseconds(50)
  /// The longest pause.
  @Field("Longest pause between two tries.", range: .milliseconds(1)...)
  public var maxBackoff: Duration = .seconds(5)

  /// The defaults.
  public init() {}
}

extension PostgresPoolConfiguration {
  /// The servers, and how they are connected to.
  /// - Throws: `PostgresError` if the URL cannot be used.
  func options(_ url: Secret<String>) throws(PostgresError) -> PostgresOptions {
    let options = try PostgresOptions(parsing: url.reveal())
    return if let ssl { try options.with(sslMode: PostgresOptions.SSLMode(parsing: ssl)) } else { options }
  }

  /// The pool's settings.
  var settings: PoolSettings {
    var it = PoolSettings()
    (it.min, it.max, it.minIdle, it.reserve) = (min, max, minIdle, reserve)
    it.idleOrder = queue.order == .lifo ? .lifo : .fifo
    (it.maxWaiters, it.maxWaitersPerTenant) = (queue.maxWaiters, queue.maxWaitersPerTenant)
    it.maxLeasesPerTenant = queue.maxConnectionsPerTenant ?? .max
    (it.acquireTimeout, it.ageing, it.unavailableAfter) = (acquireTimeout, queue.ageing, queue.unavailableAfter)
    (it.connectTimeout, it.maxConcurrentConnects) = (connectTimeout, connect.atATime)
    (it.connectBackoff, it.maxConnectBackoff) = (connect.backoff, connect.maxBackoff)
    (it.idleTimeout, it.maxLifetime, it.validateAfter) = (idleTimeout, maxLifetime, validateAfter)
    (it.leakWarnAfter, it.leakReclaimAfter) = (leaks.warnAfter, leaks.reclaimAfter)
    it.scaling = autoscaling.enabled ? autoscaling.settings(max: max) : nil
    return it.normalized
  }

  /// How each connection behaves.
  var connectionSettings: PostgresConnectionSettings {
    var it = PostgresConnectionSettings()
    it.connectTimeout = connectTimeout
    it.statementTimeout = queryTimeout
    it.statementCacheCapacity = statementCache
    it.maxResultSize = maxResultSize.bytes == 0 ? nil : maxResultSize.bytes
    it.pooler = pooler.mode
    return it
  }
}

extension PoolScalingConfiguration {
  fileprivate func settings(max: Int) -> PoolScaling {
    var it = PoolScaling()
    it.processorBrake = cpuThreshold
    if let connectionThreshold { it.connectionThreshold = Double(connectionThreshold) / Double(max) }
    (it.targetWait, it.upCooldown, it.downCooldown) = (targetWait, scaleUpCooldown, scaleDownCooldown)
    return it
  }
}
