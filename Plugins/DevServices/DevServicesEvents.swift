public import MainstayKernel

/// A server for development has been started, or started again.
public struct DevServerStarted: Event {
  /// `dev-services.started`
  public static let topic: Topic = "dev-services.started"
  /// `PostgreSQL 15`, `Redis`
  public let server: String
  /// How long it took until it served.
  public let duration: Duration
  /// How often it has died and come back before.
  public let restarts: Int
}

/// A server for development has ended by itself.
public struct DevServerDied: Event {
  /// `dev-services.died`
  public static let topic: Topic = "dev-services.died"
  /// `PostgreSQL 15`, `Redis`
  public let server: String
}

/// A server for development was asked for, and there is none.
public struct DevServerUnavailable: Event {
  /// `dev-services.unavailable`
  public static let topic: Topic = "dev-services.unavailable"
  /// `PostgreSQL`, `Redis`
  public let server: String
  /// Why, and what to do.
  public let reason: String
}
