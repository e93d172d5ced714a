public import MainstayKernel

/// A check counts as failed now: it failed as often in a row as its declaration says.
public struct HealthCheckFailed: Event {
  /// `health.health-check-failed`
  public static let topic: Topic = "health.health-check-failed"
  /// The plugin it looks after.
  public let plugin: String
  /// The check.
  public let check: String
  /// Whether the host is unhealthy without it.
  public let isCritical: Bool
  /// How long the last look took.
  public let latencyMilliseconds: Double
}

/// A check that had failed counts as passed again.
public struct HealthCheckRecovered: Event {
  /// `health.health-check-recovered`
  public static let topic: Topic = "health.health-check-recovered"
  /// The plugin it looks after.
  public let plugin: String
  /// The check.
  public let check: String
}

/// Something the process uses is above a threshold.
public struct ThresholdExceeded: Event {
  /// `health.threshold-exceeded`
  public static let topic: Topic = "health.threshold-exceeded"
  /// What: `memory`, `cpu`, `disk`, `thread_pool_lag`.
  public let resource: String
  /// How far: `warning` or `critical`.
  public let level: String
  /// What was measured: percent, or milliseconds of lag.
  public let value: Double
  /// The threshold.
  public let threshold: Double
}

/// It is below the threshold again, by the margin that keeps it from flapping.
public struct ThresholdRecovered: Event {
  /// `health.threshold-recovered`
  public static let topic: Topic = "health.threshold-recovered"
  /// What: `memory`, `cpu`, `disk`, `thread_pool_lag`.
  public let resource: String
  /// The level it is at now: `normal` or `warning`.
  public let level: String
  /// What was measured: percent, or milliseconds of lag.
  public let value: Double
}
