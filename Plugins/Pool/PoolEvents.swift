public import MainstayKernel

/// A target did not give a sign of life.
public struct PoolHealthCheckFailed: Event {
  /// `pool.health-check-failed`
  public static let topic: Topic = "pool.health-check-failed"
  /// The database's name, or `redis`.
  public let target: String
  /// Why; no data, no secrets.
  public let reason: String
  /// How many times in a row.
  public let failures: Int
}

/// All connections are in use and somebody waits.
public struct PoolExhausted: Event {
  /// `pool.exhausted`
  public static let topic: Topic = "pool.exhausted"
  /// The database's name.
  public let target: String
  /// Connections in use.
  public let active: Int
  /// Connections that may be open at present.
  public let limit: Int
  /// Callers that wait.
  public let waiting: Int
  /// The place that has used a connection longest: `Clinic/Reports.swift:40`.
  public let oldestSite: String?
}

/// More than 95 % of the connections are in use.
public struct PoolNearlyExhausted: Event {
  /// `pool.nearly-exhausted`
  public static let topic: Topic = "pool.nearly-exhausted"
  /// The database's name.
  public let target: String
  /// Connections in use.
  public let active: Int
  /// Connections that may be open at present.
  public let limit: Int
}

/// Less than 85 % of the connections are in use again, and nobody waits.
public struct PoolRelieved: Event {
  /// `pool.relieved`
  public static let topic: Topic = "pool.relieved"
  /// The database's name.
  public let target: String
  /// Connections in use.
  public let active: Int
  /// Connections that may be open at present.
  public let limit: Int
}

/// More connections may be open.
public struct PoolScaledUp: Event {
  /// `pool.scaled-up`
  public static let topic: Topic = "pool.scaled-up"
  /// The database's name.
  public let target: String
  /// Before.
  public let from: Int
  /// Now.
  public let to: Int
}

/// Fewer connections may be open.
public struct PoolScaledDown: Event {
  /// `pool.scaled-down`
  public static let topic: Topic = "pool.scaled-down"
  /// The database's name.
  public let target: String
  /// Before.
  public let from: Int
  /// Now.
  public let to: Int
}

/// A connection has been in use for too long.
public struct PoolLeakDetected: Event {
  /// `pool.leak-detected`
  public static let topic: Topic = "pool.leak-detected"
  /// The database's name.
  public let target: String
  /// The place that took it: `Clinic/Reports.swift:40`.
  public let site: String
  /// Seconds for which it has been in use.
  public let held: Double
  /// Whether it was closed under its user.
  public let reclaimed: Bool
}

/// The primary is another server now, or has become one that takes no writes: every connection opened before is replaced.
public struct PoolFailover: Event {
  /// `pool.failover`
  public static let topic: Topic = "pool.failover"
  /// The database's name.
  public let target: String
  /// How it was noticed.
  public let reason: String
}

/// There is no connection to a target, and none can be opened.
public struct PoolUnavailable: Event {
  /// `pool.unavailable`
  public static let topic: Topic = "pool.unavailable"
  /// The database's name, or `redis`.
  public let target: String
  /// Why; no data, no secrets.
  public let reason: String
}

/// A target can be reached again, or gives signs of life again.
public struct PoolRecovered: Event {
  /// `pool.recovered`
  public static let topic: Topic = "pool.recovered"
  /// The database's name, or `redis`.
  public let target: String
  /// Seconds for which it could not.
  public let after: Double
}

/// Somebody sent `NOTIFY` to a channel that the configuration names under `listen`.
public struct PoolNotification: Event {
  /// `pool.notification`
  public static let topic: Topic = "pool.notification"
  /// The database's name.
  public let target: String
  /// The channel.
  public let channel: String
  /// What was sent.
  public let payload: String
}

/// Notifications may have been missed: look at the tables themselves.
public struct PoolNotificationGap: Event {
  /// `pool.notification-gap`
  public static let topic: Topic = "pool.notification-gap"
  /// The database's name.
  public let target: String
}
