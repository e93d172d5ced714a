/// What a pool may and must do. Values that contradict each other are brought into line by `normalized`.
public struct PoolSettings: Sendable, Equatable {
  /// Which idle connection is taken first.
  public enum IdleOrder: String, Sendable, Hashable, CaseIterable {
    /// The one returned last: few connections stay warm, the others expire.
    case lifo
    /// The one returned first: all are used in turn.
    case fifo
  }

  /// Connections kept open.
  public var min = 2
  /// Connections at most. While a connection is being replaced, its successor comes on top.
  public var max = 16
  /// Idle connections kept ready, as far as `max` allows.
  public var minIdle = 0
  /// Connections that only critical work may use.
  public var reserve = 0
  /// Which idle connection is taken first.
  public var idleOrder = IdleOrder.lifo

  /// Callers that may wait at the same time. One more is refused, unless it is more urgent than the newest of the least
  /// urgent, which then gives way.
  public var maxWaiters = 1_000
  /// Callers of one tenant that may wait at the same time.
  public var maxWaitersPerTenant = 1_000
  /// Connections that one tenant may use at the same time.
  public var maxLeasesPerTenant = Int.max
  /// The longest wait for a connection.
  public var acquireTimeout: Duration = .seconds(60)
  /// A waiter counts as one class more urgent for each such time it has waited; a waiter of the lowest class is therefore
  /// overtaken only by those that come within three such times after it.
  public var ageing: Duration = .seconds(2)

  /// How long a connection may take to be opened, in all.
  public var connectTimeout: Duration = .seconds(5)
  /// Connections that are opened at the same time; one, while opening fails.
  public var maxConcurrentConnects = 4
  /// The wait after the first failure to connect; it doubles with each further one, and a random half of it is dropped.
  public var connectBackoff: Duration = .milliseconds(50)
  /// The longest wait between two tries to connect.
  public var maxConnectBackoff: Duration = .seconds(15)
  /// After this time without any connection, callers are refused at once instead of waiting.
  public var unavailableAfter: Duration = .seconds(10)

  /// A connection idle for longer is closed, as long as `min` and `minIdle` are kept.
  public var idleTimeout: Duration = .seconds(300)
  /// A connection older than this is replaced: its successor is opened first.
  public var maxLifetime: Duration = .seconds(1_800)
  /// The share of `maxLifetime` that is dropped at random, so that connections opened together do not end together.
  public var lifetimeJitter = 0.1
  /// A connection idle for longer is tried before it is given out.
  public var validateAfter: Duration = .seconds(30)
  /// How long a trial may take.
  public var validationTimeout: Duration = .seconds(2)
  /// How long closing may take; after that the connection is not waited for any more.
  public var closeTimeout: Duration = .seconds(5)

  /// A connection in use for longer is reported, with the place that took it.
  public var leakWarnAfter: Duration = .seconds(10)
  /// A connection in use for longer is closed under its user; nil: never.
  public var leakReclaimAfter: Duration?

  /// The share of connections in use above which the pool is nearly exhausted.
  public var nearExhaustion = 0.95
  /// The share of connections in use below which it is well again.
  public var relief = 0.85
  /// How the number of connections that may be opened is found; nil: it is always `max`.
  public var scaling: PoolScaling?
  /// Over how much time waits are counted for the statistics.
  public var statisticsWindow: Duration = .seconds(60)

  /// The defaults.
  public init() {}

  /// The same with every value in the range in which it makes sense.
  public var normalized: PoolSettings {
    var it = self
    it.max = Swift.max(1, Swift.min(max, Self.mostConnections))
    it.min = Swift.max(0, Swift.min(min, it.max))
    it.minIdle = Swift.max(0, Swift.min(minIdle, it.max))
    it.reserve = Swift.max(0, Swift.min(reserve, it.max - 1))
    it.maxWaiters = Swift.max(0, Swift.min(maxWaiters, Self.mostWaiters))
    it.maxWaitersPerTenant = Swift.max(0, maxWaitersPerTenant)
    it.maxLeasesPerTenant = Swift.max(1, maxLeasesPerTenant)
    it.maxConcurrentConnects = Swift.max(1, Swift.min(maxConcurrentConnects, it.max))
    it.lifetimeJitter = Swift.max(0, Swift.min(lifetimeJitter.isNaN ? 0 : lifetimeJitter, 0.9))
    it.nearExhaustion = Swift.max(0.01, Swift.min(nearExhaustion.isNaN ? 0.95 : nearExhaustion, 1))
    it.relief = Swift.max(0, Swift.min(relief.isNaN ? 0.85 : relief, it.nearExhaustion))
    it.scaling = scaling.map(\.normalized)
    it.maxConnectBackoff = Swift.max(connectBackoff, maxConnectBackoff)
    return it
  }

  /// More connections than this are never held.
  public static let mostConnections = 10_000
  /// More waiters than this are never held.
  public static let mostWaiters = 1_000_000
}

/// How a pool grows and shrinks between `min` and `max`.
public struct PoolScaling: Sendable, Equatable {
  /// Percent of the processors in use above which the pool does not grow: more connections would make it worse.
  public var processorBrake = 75.0
  /// The share of the connections allowed at present that must be in use before more are allowed.
  public var connectionThreshold = 0.8
  /// The wait (95th percentile) that callers must have before more are allowed.
  public var targetWait: Duration = .milliseconds(5)
  /// The share of the connections allowed at present below which fewer are.
  public var idleThreshold = 0.3
  /// By how much the number changes: a share of the present one, and at least one.
  public var step = 0.25
  /// The time between two steps up.
  public var upCooldown: Duration = .seconds(300)
  /// The time between two steps down, and after a step up.
  public var downCooldown: Duration = .seconds(1_800)

  /// The defaults.
  public init() {}

  /// The same with every value in the range in which it makes sense.
  var normalized: PoolScaling {
    var it = self
    it.connectionThreshold = Self.share(connectionThreshold, or: 0.8)
    it.idleThreshold = Self.share(idleThreshold, or: 0.3)
    it.step = Self.share(step, or: 0.25)
    if processorBrake.isNaN { it.processorBrake = 75 }
    return it
  }

  private static func share(_ value: Double, or standard: Double) -> Double {
    value.isNaN ? standard : max(0, min(value, 1))
  }
}
