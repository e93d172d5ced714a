import MainstayInstruments
import MainstayPooling
import MainstayPostgres
import MainstayRedis

// What is read of the pools when somebody scrapes. They are not held: a host that stops lets go of them.
extension PoolMetrics {
  /// Exports how the databases' pools are.
  func read(_ databases: [PostgresDatabase]) throws(MetricsError) {
    let reader = PoolReader(databases.map { WeakDatabase($0) }, registry)
    try reader.gauge("database_connections_active", "Connections in use.") { $0.active }
    try reader.gauge("db_pool_size_total", "Connections that work, in use or not.") { $0.total }
    try reader.gauge("db_pool_size_idle", "Connections that nobody uses.") { $0.idle }
    try reader.gauge("db_pool_size_active", "Connections in use.") { $0.active }
    try reader.gauge("db_pool_limit", "Connections that may be open at present.") { $0.limit }
    try reader.gauge("db_pool_waiting", "Callers that wait for a connection.") { $0.waiting }
    try reader.gauge("db_pool_available", "1 while connections can be had.") { $0.isAvailable ? 1 : 0 }
    try reader.counter("db_pool_timeouts_total", "Callers whose deadline passed while they waited.") { $0.timedOut }
    try reader.counter("db_pool_refused_total", "Callers refused for another reason.") { $0.refused }
    try reader.counter("db_pool_leaks_total", "Connections reported for being in use for too long.") { $0.leaks }
    try reader.counter("db_pool_connections_opened_total", "Connections opened.") { $0.created }
    try reader.counter("database_connection_errors_total", "Tries to connect that failed.") { $0.connectFailures }
    try reader.all("db_pool_utilisation_ratio", .gauge, "The share of the limit that is in use.") {
      all, name, samples in samples.add(all.utilisation, name)
    }
    let reason = Label("reason", known: PoolCloseReason.allCases.map(\.name))
    try reader.all("db_pool_connections_closed_total", .counter, "Connections closed, by reason.", [reason]) {
      all, name, samples in
      for reason in PoolCloseReason.allCases { samples.add(Double(all.closed[reason] ?? 0), name, reason.name) }
    }
    try registry.collectHistogram(
      "db_pool_acquire_duration_seconds", help: "How long callers waited for the connections they got.",
      labels: [PoolReader.target], buckets: Buckets(PoolAcquisitions.bounds)
    ) { samples in
      reader.forEach { name, all in
        var counts = all.acquisitions.waited.map { UInt64($0) }
        counts[0] += UInt64(all.acquisitions.immediate)
        samples.add(buckets: counts, sum: all.acquisitions.seconds, name)
      }
    }
  }

  /// Exports whether the channels of databases are listened to; nothing of it if there are none.
  func read(_ listeners: [ListenWatch]) throws(MetricsError) {
    try registry.collect(
      "db_pool_listening", help: "1 while every channel of listen is listened to.", labels: [PoolReader.target]
    ) { samples in
      for one in listeners { samples.add(one.isListening ? 1 : 0, one.target) }
    }
  }

  /// Exports how the client of Redis is; nothing of it if there is none.
  func read(_ client: RedisClient?, _ meter: CommandMeter?) throws(MetricsError) {
    let target = Label("target", known: ["redis"])
    try registry.collect(
      "redis_connections", help: "Connections, by what they are for.",
      labels: [target, Label("kind", known: ["shared", "dedicated", "dedicated_idle"])]
    ) { [weak client] samples in
      guard let all = client?.statistics else { return }
      samples.add(Double(all.sharedConnections), "redis", "shared")
      samples.add(Double(all.dedicatedConnections - all.idleDedicatedConnections), "redis", "dedicated")
      samples.add(Double(all.idleDedicatedConnections), "redis", "dedicated_idle")
    }
    func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (RedisClientStatistics) -> Int)
      throws(MetricsError)
    {
      try registry.collect(name, help: help, labels: [target]) { [weak client] samples in
        if let all = client?.statistics { samples.add(Double(value(all)), "redis") }
      }
    }
    try gauge("redis_commands_in_flight", "Commands whose replies are due.") { $0.commandsInFlight }
    try gauge("redis_queued_bytes", "Bytes of commands that have not been sent yet.") { $0.queuedBytes }
    try gauge("redis_waiting", "Callers that wait for a connection of their own.") { $0.dedicatedWaiters }
    try gauge("redis_available", "1 while a shared connection is open.") { $0.sharedConnections > 0 ? 1 : 0 }
    try registry.collect(
      "cache_hit_rate", help: "The share of single reads that found a value, since the start; none before the first.",
      labels: [Label("cache", known: ["redis"])]
    ) { samples in
      if let rate = meter?.hitRate { samples.add(rate, "redis") }
    }
  }
}

struct WeakDatabase: Sendable {
  private(set) weak var database: PostgresDatabase?

  init(_ database: PostgresDatabase) { self.database = database }
}

/// Registers families whose series are the databases.
private struct PoolReader: Sendable {
  static let target = Label("target", limit: 200, isGuarded: false)

  private let databases: [WeakDatabase]
  private let registry: MetricsRegistry

  init(_ databases: [WeakDatabase], _ registry: MetricsRegistry) {
    self.databases = databases
    self.registry = registry
  }

  func forEach(_ body: (String, PoolStatistics) -> Void) {
    for database in databases.compactMap(\.database) { body(database.name, database.statistics) }
  }

  func all(
    _ name: String, _ kind: MetricKind, _ help: String, _ labels: [Label] = [],
    _ add: @escaping @Sendable (PoolStatistics, String, inout MetricSamples) -> Void
  ) throws(MetricsError) {
    try registry.collect(name, kind, help: help, labels: [Self.target] + labels) { samples in
      forEach { name, all in add(all, name, &samples) }
    }
  }

  func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (PoolStatistics) -> Int)
    throws(MetricsError)
  {
    try all(name, .gauge, help) { all, name, samples in samples.add(Double(value(all)), name) }
  }

  func counter(_ name: String, _ help: String, _ value: @escaping @Sendable (PoolStatistics) -> Int)
    throws(MetricsError)
  {
    try all(name, .counter, help) { all, name, samples in samples.add(Double(value(all)), name) }
  }
}
