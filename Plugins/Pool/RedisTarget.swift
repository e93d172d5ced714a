import Logging
import MainstayCapabilities
import MainstayKernel
import MainstayReactor
import MainstayRedis

/// Redis as the plugin sees it.
final class RedisTarget: PoolTarget {
  let client: RedisClient
  let watch: TargetWatch
  /// Counts commands.
  let meter: CommandMeter
  private let isRequired: Bool

  init(
    _ configuration: RedisPoolConfiguration, url: Secret<String>, reactor: Reactor, metrics: PoolMetrics,
    context: PluginContext
  ) throws {
    let watch = TargetWatch("redis", context)
    self.watch = watch
    meter = metrics.redisMeter()
    isRequired = configuration.required
    client = try RedisClient(configuration.options(url), reactor: reactor, meter: meter) { event in
      metrics.noteRedis(event)
      switch event {
      case .connected: watch.cameBack()
      case .lost(let error): watch.connectFailed("\(error)")
      case .attemptFailed(let error, _): watch.wentDown("\(error)")
      }
    }
  }

  var name: String { "redis" }

  func ping(deadline: ContinuousClock.Instant) async throws -> Duration {
    let start = ContinuousClock.now
    _ = try await client.send(RedisCommand<String>("PING", isReadOnly: true), deadline: deadline)
    return start.duration(to: .now)
  }

  var condition: HealthFinding {
    let all = client.statistics
    return .healthy("\(all.commandsInFlight) commands under way, \(all.dedicatedConnections) connections of their own")
  }

  func optimize() -> ConnectionPoolOptimization { ConnectionPoolOptimization(name: name, closed: 0, opening: 0) }
  func scale(processor: Double?) {}
  func startGeneration(reason: String) -> Bool { false }
  func close(by deadline: ContinuousClock.Instant) async { client.close() }

  var status: ConnectionPoolStatus {
    let all = client.statistics
    let most = client.options.maxDedicatedConnections
    let used = all.dedicatedConnections - all.idleDedicatedConnections
    let total = all.sharedConnections + all.dedicatedConnections
    let isAvailable = all.sharedConnections > 0
    return ConnectionPoolStatus(
      name: name, kind: "redis", total: total, active: all.sharedConnections + used, idle: all.idleDedicatedConnections,
      waiting: all.dedicatedWaiters, utilisation: Double(used) / Double(max(1, most)), isAvailable: isAvailable,
      figures: [
        "total": .integer(Int64(total)), "active": .integer(Int64(all.sharedConnections + used)),
        "idle": .integer(Int64(all.idleDedicatedConnections)), "waiting": .integer(Int64(all.dedicatedWaiters)),
        "utilisation": .number(Double(used) / Double(max(1, most))), "available": .bool(isAvailable),
        "sharedConnections": .integer(Int64(all.sharedConnections)),
        "dedicatedConnections": .integer(Int64(all.dedicatedConnections)), "maxDedicated": .integer(Int64(most)),
        "commandsInFlight": .integer(Int64(all.commandsInFlight)),
      ])
  }

  /// Opens the shared connections. A target that is not required is connected to by whoever needs it first.
  func warmUp(_ limit: Duration, _ context: PluginContext) async throws {
    let begun = ContinuousClock.now
    do {
      try await client.connect(deadline: begun.advanced(by: limit))
      let milliseconds = (begun.duration(to: .now) / .milliseconds(1) * 10).rounded() / 10
      context.logger.info("redis: connected to \(client.options.address) in \(milliseconds) ms")
    } catch {
      guard isRequired else { return watch.wentDown("\(error)") }
      throw PoolStartError(target: name, error)
    }
  }
}
