public import MainstayKernel

/// The HTTP server accepts connections.
public struct HTTPListening: Event {
  /// `http.listening`
  public static let topic: Topic = "http.listening"
  /// A late subscriber learns it too.
  public static let isSticky = true
  /// `http://127.0.0.1:8080`, or `unix:/run/mainstay.sock`.
  public let address: String
  /// The port; nil for a Unix socket. The real one where the configuration says 0.
  public let port: Int?

  /// The event.
  public init(address: String, port: Int?) {
    self.address = address
    self.port = port
  }
}

/// The HTTP server has stopped accepting work and has closed its connections.
public struct HTTPDrained: Event {
  /// `http.drained`
  public static let topic: Topic = "http.drained"
  /// How long that took.
  public let duration: Duration
  /// Requests that were in flight when it began, and finished.
  public let finished: Int
  /// Requests that were cut off because the stop budget was spent.
  public let abandoned: Int

  /// The event.
  public init(duration: Duration, finished: Int, abandoned: Int) {
    self.duration = duration
    self.finished = finished
    self.abandoned = abandoned
  }
}

/// What is known of the running HTTP server.
public struct HTTPServerInfo: Sendable {
  /// `http://127.0.0.1:8080`, or `unix:/run/mainstay.sock`.
  public let address: String
  /// The port; nil for a Unix socket. The real one where the configuration says 0.
  public let port: Int?
  /// Given when the server is about to close.
  public let drain: DrainSignal

  let everyRoute: @Sendable () -> [Contributed<Route>]

  /// What is known of a server.
  public init(
    address: String, port: Int?, drain: DrainSignal, routes: @escaping @Sendable () -> [Contributed<Route>]
  ) {
    self.address = address
    self.port = port
    self.drain = drain
    everyRoute = routes
  }

  /// The routes served now, each with the plugin it came from.
  public var routes: [Contributed<Route>] { everyRoute() }
}

extension Capability where Value == HTTPServerInfo {
  /// The running HTTP server.
  public static var httpServer: Self { Self("http_server") }
}
