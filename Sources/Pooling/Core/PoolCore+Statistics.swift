/// What has happened since the pool was made.
struct PoolCounts: Sendable {
  var created = 0
  var connectFailures = 0
  var leaks = 0
  var timedOut = 0
  var refused = 0
  var cancelled = 0
  private var closedByReason = Array(repeating: 0, count: PoolCloseReason.allCases.count)

  mutating func close(_ reason: PoolCloseReason) { closedByReason[reason.rawValue] += 1 }

  mutating func refuse(_ reason: PoolRefusal.Reason) {
    switch reason {
    case .timedOut: timedOut += 1
    case .cancelled: cancelled += 1
    case .withdrawn: break
    default: refused += 1
    }
  }

  var closed: [PoolCloseReason: Int] {
    var all: [PoolCloseReason: Int] = [:]
    for reason in PoolCloseReason.allCases where closedByReason[reason.rawValue] > 0 {
      all[reason] = closedByReason[reason.rawValue]
    }
    return all
  }
}

/// How a pool is at one moment.
public struct PoolStatistics: Sendable, Equatable {
  /// Connections that work, in use or not.
  public var total = 0
  /// Connections in use.
  public var active = 0
  /// Connections that are free.
  public var idle = 0
  /// Connections being opened.
  public var connecting = 0
  /// Connections being tried after a long idle time.
  public var validating = 0
  /// Connections being closed.
  public var closing = 0
  /// Connections kept open.
  public var min = 0
  /// Connections that may be open at present: `max`, or less where the pool scales.
  public var limit = 0
  /// Connections at most.
  public var max = 0
  /// Callers that wait.
  public var waiting = 0
  /// Callers that wait, by priority; those without any are left out.
  public var waitingByPriority: [PoolPriority: Int] = [:]
  /// Tenants that use a connection or wait for one.
  public var tenants = 0
  /// The share of the limit that is in use, from 0 to 1.
  public var utilisation = 0.0
  /// The most connections that were in use at a time, over the statistics window.
  public var peak = 0
  /// How much of the pool is in use.
  public var pressure = PoolPressureLevel.normal
  /// How long callers waited.
  public var waits = PoolWaits()
  /// How long callers waited, since the pool was made.
  public var acquisitions = PoolAcquisitions()
  /// The connection that is in use longest.
  public var oldestHolder: PoolHolder?
  /// Counts up when all connections are retired.
  public var generation = 0
  /// Whether connections can be had: false while there is none and none can be opened.
  public var isAvailable = true
  /// Whether it is being closed, or is: new callers are refused.
  public var isDraining = false
  /// Connections opened since the pool was made.
  public var created = 0
  /// Connections closed since then, by reason.
  public var closed: [PoolCloseReason: Int] = [:]
  /// Tries to connect that failed, since then.
  public var connectFailures = 0
  /// Callers whose deadline passed while they waited, since then.
  public var timedOut = 0
  /// Callers refused for another reason, since then.
  public var refused = 0
  /// Callers that were cancelled while they waited, since then.
  public var cancelled = 0
  /// Connections reported for being in use for too long, since then.
  public var leaks = 0

  /// An empty one.
  public init() {}
}

extension PoolCore {
  mutating func statistics(_ now: PoolInstant) -> PoolStatistics {
    waits.turn(now, leased: leased)
    var all = PoolStatistics()
    (all.total, all.active, all.idle) = (live, leased, idle.count)
    (all.connecting, all.validating, all.closing) = (connecting, validating, closing)
    (all.min, all.limit, all.max) = (settings.min, limit, settings.max)
    all.waiting = queue.count
    for priority in PoolPriority.allCases where queue.count(of: priority) > 0 {
      all.waitingByPriority[priority] = queue.count(of: priority)
    }
    all.tenants = tenants.count
    all.utilisation = Double(leased) / Double(Swift.max(1, limit))
    (all.peak, all.pressure, all.waits) = (waits.peak, pressure.level, waits.summary)
    all.acquisitions = waits.acquisitions
    all.oldestHolder = holders(1, now).first
    all.generation = Int(generation)
    (all.isAvailable, all.isDraining) = (!isDown, phase != .open)
    (all.created, all.closed, all.connectFailures) = (counts.created, counts.closed, counts.connectFailures)
    (all.timedOut, all.refused, all.cancelled) = (counts.timedOut, counts.refused, counts.cancelled)
    all.leaks = counts.leaks
    return all
  }

  /// Who has used connections longest, first the one that has for the longest time.
  func holders(_ count: Int, _ now: PoolInstant) -> [PoolHolder] {
    slots.filter { $0.state == .leased }.sorted { $0.since < $1.since }.prefix(count)
      .map { PoolHolder(site: $0.site, held: .nanoseconds(Swift.max(0, now - $0.since))) }
  }
}
