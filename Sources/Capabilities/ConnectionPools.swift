public import MainstayKernel

/// What keeps connections to servers open for everybody: figures of each, and what can be done to it.
public protocol ConnectionPools: Sendable {
  /// The targets' names, in order: databases, and `redis`.
  var names: [String] { get }
  /// How every target is at this moment.
  func stats() -> [ConnectionPoolStatus]
  /// Asks every target for a sign of life, now.
  func performHealthCheck() async -> [ConnectionPoolHealth]
  /// Closes connections that the last minutes did not need, opens what is to be kept open, and looks whether pools are to
  /// grow or to shrink.
  /// - Parameter name: One target; nil for all.
  func optimizeConnections(_ name: String?) -> [ConnectionPoolOptimization]
}

extension Capability where Value == any ConnectionPools {
  /// The pools of the host.
  public static var connectionPools: Self { Self("connection_pools") }
}

/// A target's figures.
public struct ConnectionPoolStatus: Sendable, Equatable {
  /// The target's name.
  public var name: String
  /// `postgres` or `redis`.
  public var kind: String
  /// Connections that work.
  public var total: Int
  /// Connections in use.
  public var active: Int
  /// Connections that are free.
  public var idle: Int
  /// Callers that wait for one.
  public var waiting: Int
  /// The share of the connections allowed at present that is in use, from 0 to 1.
  public var utilisation: Double
  /// Whether connections can be had.
  public var isAvailable: Bool
  /// All figures, as `GET /stats/connections` shows them.
  public var figures: JSONObject

  /// Figures.
  public init(
    name: String, kind: String, total: Int, active: Int, idle: Int, waiting: Int, utilisation: Double,
    isAvailable: Bool, figures: JSONObject
  ) {
    self.name = name
    self.kind = kind
    self.total = total
    self.active = active
    self.idle = idle
    self.waiting = waiting
    self.utilisation = utilisation
    self.isAvailable = isAvailable
    self.figures = figures
  }
}

/// Whether a target gave a sign of life.
public struct ConnectionPoolHealth: Sendable, Equatable {
  /// The target's name.
  public var name: String
  /// How well it is.
  public var finding: HealthFinding
  /// How long it took to answer; nil if it did not.
  public var latency: Duration?

  /// A finding.
  public init(name: String, finding: HealthFinding, latency: Duration? = nil) {
    self.name = name
    self.finding = finding
    self.latency = latency
  }
}

/// What `optimizeConnections` did to a target.
public struct ConnectionPoolOptimization: Sendable, Equatable {
  /// The target's name.
  public var name: String
  /// Connections that are being closed.
  public var closed: Int
  /// Connections that are being opened.
  public var opening: Int

  /// What was done.
  public init(name: String, closed: Int, opening: Int) {
    self.name = name
    self.closed = closed
    self.opening = opening
  }
}
