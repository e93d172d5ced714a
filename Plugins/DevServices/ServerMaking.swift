import Glibc
import MainstayCapabilities
import MainstayDevServers
import MainstayKernel

/// A kind of server.
enum ServerKind: String, Sendable, Hashable, CaseIterable {
  case postgres = "PostgreSQL"
  case redis = "Redis"
}

/// How servers are made from the configuration.
struct ServerMaking: Sendable {
  /// A server, and what others are told of it.
  struct Made: Sendable {
    let server: any DevServer
    let endpoint: DevelopmentServer
    /// How a person enters it.
    let entrance: String
  }

  private let configuration: DevServicesConfiguration
  private let state: StateFolder
  private let programs: String?

  /// - Parameter programs: the folder with the programs of the servers; nil to look for them.
  init(
    _ configuration: DevServicesConfiguration, hostName: String, state: StateFolder = .ofThisUser,
    programs: String? = nil
  ) {
    self.configuration = configuration
    self.programs = programs
    self.state = state.for(hostName: hostName, configured: configuration.state)
  }

  func make(_ kind: ServerKind) async throws -> Made {
    switch kind {
    case .postgres: try await postgres()
    case .redis: try await redis()
    }
  }

  private func postgres() async throws -> Made {
    try check(configuration.postgres, .postgres)
    let server = try await PostgresServer.start(try postgresOptions())
    let endpoint = DevelopmentServer(
      name: "PostgreSQL \(server.majorVersion)", url: Secret(server.url), socket: server.socketFolder,
      port: server.port.map { Int($0) })
    let port = server.port.map {
      "; or 127.0.0.1:\($0) as user postgres, whose password is in \(server.passwordFile)"
    }
    return Made(server: server, endpoint: endpoint, entrance: "psql '\(server.url)'" + (port ?? ""))
  }

  private func redis() async throws -> Made {
    try check(configuration.redis, .redis)
    let server = try await RedisServer.start(try redisOptions())
    let endpoint = DevelopmentServer(
      name: "Redis", url: Secret(server.url), socket: server.socket, port: server.port.map { Int($0) })
    let port = server.port.map { "; or 127.0.0.1:\($0); the password is in \(server.configurationFile)" }
    return Made(server: server, endpoint: endpoint, entrance: "redis-cli -s \(server.socket)" + (port ?? ""))
  }

  private func check(_ server: DevServerConfiguration, _ kind: ServerKind) throws {
    guard !server.enabled else { return }
    throw DevelopmentServerUnavailable(
      isMissing: false, "dev_services may not start \(kind.rawValue): its key `enabled` is false")
  }

  /// What `mainstay doctor` looks at, too.
  func postgresOptions() throws -> PostgresServer.Options {
    var options = PostgresServer.Options()
    if configuration.keep { options.data = .kept(try state.path() + "/postgresql") }
    options.port = DevPort(configuration.postgres.port)
    options.settings = configuration.postgres.settings
    options.programs = programs
    options.startLimit = configuration.startLimit
    return options
  }

  func redisOptions() throws -> RedisServer.Options {
    var options = RedisServer.Options()
    if configuration.keep { options.keepsDataIn = try state.path() + "/redis" }
    options.port = DevPort(configuration.redis.port)
    options.settings = configuration.redis.settings
    options.programs = programs
    options.startLimit = configuration.startLimit
    return options
  }
}

extension DevPort {
  /// Absent: none; 0: any.
  init(_ number: Int?) {
    switch number {
    case nil: self = .none
    case 0: self = .any
    case let number?: self = .loopback(UInt16(clamping: number))
    }
  }
}

/// Where data that are kept lie.
struct StateFolder: Sendable {
  let user: uid_t
  let home: String?
  let stateHome: String?
  var configured: String?
  var hostName = ""

  /// As the environment says.
  static var ofThisUser: StateFolder {
    StateFolder(
      user: geteuid(), home: getenv("HOME").map { String(cString: $0) },
      stateHome: getenv("XDG_STATE_HOME").map { String(cString: $0) })
  }

  func `for`(hostName: String, configured: String?) -> StateFolder {
    var folder = self
    (folder.hostName, folder.configured) = (hostName, configured)
    return folder
  }

  /// The folder of a host: as configured, else by the XDG base directory specification. root's own home is closed to the
  /// user whom PostgreSQL runs as.
  func path() throws -> String {
    if let configured { return configured }
    let name = String(hostName.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") ? $0 : "-" })
    if let stateHome, stateHome.hasPrefix("/") { return stateHome + "/mainstay/" + name }
    if user == 0 { return "/var/lib/mainstay/" + name }
    if let home, home.hasPrefix("/") { return home + "/.local/state/mainstay/" + name }
    throw DevelopmentServerUnavailable(
      isMissing: false, "there is no HOME to keep data in; name a folder with plugins.dev_services.state")
  }
}
