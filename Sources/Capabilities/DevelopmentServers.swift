public import MainstayKernel

/// Servers that a host starts for itself where nobody has given it any, so that it can be tried at once. Never in
/// production.
///
/// Whoever needs a server asks only where its own configuration names none:
/// ```swift
/// static let manifest = PluginManifest(name: "pool", …, uses: [.capability(.developmentServers)])
///
/// let url = try await configuration.postgres.url ?? context.optional(.developmentServers)?.postgres().url
/// ```
/// The first call starts the server and waits until it serves, which takes a second or two; later calls give the same
/// server. It runs until every plugin that uses the capability has stopped. One that dies is started again at the same
/// place.
public protocol DevelopmentServers: Sendable {
  /// A PostgreSQL server.
  /// - Throws: ``DevelopmentServerUnavailable``; and `CancellationError` when the host stops meanwhile.
  func postgres() async throws -> DevelopmentServer
  /// A Redis server.
  /// - Throws: ``DevelopmentServerUnavailable``; and `CancellationError` when the host stops meanwhile.
  func redis() async throws -> DevelopmentServer
}

extension Capability where Value == any DevelopmentServers {
  /// Servers for development.
  public static var developmentServers: Self { Self("development_servers") }
}

/// A server that runs for this host alone.
public struct DevelopmentServer: Sendable, Hashable {
  /// What it is: `PostgreSQL 15`, `Redis`.
  public let name: String
  /// How to reach it through its socket: `postgresql:///postgres?host=/tmp/…/run&user=postgres`,
  /// `unix:///tmp/…/redis.sock`.
  public let url: Secret<String>
  /// The socket's folder for PostgreSQL (libpq's `host`), its path for Redis.
  public let socket: String
  /// The port at 127.0.0.1, if the configuration asks for one.
  public let port: Int?

  /// A server.
  public init(name: String, url: Secret<String>, socket: String, port: Int? = nil) {
    self.name = name
    self.url = url
    self.socket = socket
    self.port = port
  }
}

/// Why there is no server for development.
public struct DevelopmentServerUnavailable: Error, Sendable, CustomStringConvertible {
  /// Whether the program is missing on this machine; else it is there and does not start, or the configuration says no.
  public let isMissing: Bool
  /// What is wrong, and what to do: `PostgreSQL is not on this machine; install it: …`.
  public let message: String

  /// A reason.
  public init(isMissing: Bool, _ message: String) {
    self.isMissing = isMissing
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
