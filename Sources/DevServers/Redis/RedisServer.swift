import Glibc

/// A private Redis server, or a Valkey server where the machine has that.
public struct RedisServer: DevServer {
  /// How a server is made.
  public struct Options: Sendable {
    /// The folder in which it keeps its data, made if there is none; nil for data that go with the server.
    public var keepsDataIn: String?
    /// Whether it also listens at a port of 127.0.0.1.
    public var port = DevPort.none
    /// The password that it asks for. nil: none at the socket alone; one that is made up where there is a port.
    public var password: String?
    /// Lines of redis.conf, over those that are set anyway: `["maxmemory": "10mb"]`.
    public var settings: [String: String] = [:]
    /// The folder with `redis-server` or `valkey-server`; nil for the one that is found.
    public var programs: String?
    /// The folder in which its own is made; nil for TMPDIR, or /tmp. Paths of sockets may have 107 bytes.
    public var folder: String?
    /// The most time to serve.
    public var startLimit = Duration.seconds(30)
    /// The most time to stop; then it is killed.
    public var stopLimit = Duration.seconds(10)

    /// A throw-away server without a port.
    public init() {}
  }

  /// Its process, and what can be done to it.
  public let process: ServerProcess
  /// The path of its socket.
  public let socket: String
  /// Its port at 127.0.0.1, if it was asked for.
  public let port: UInt16?
  /// The password that it asks for, if any.
  public let password: String?
  /// The configuration, with the password as `requirepass`; for this user only.
  public let configurationFile: String

  /// How clients find it through the socket. Holds the password, if there is one.
  public var url: String { "unix://\(password.map { ":\($0)@" } ?? "")\(socket)" }

  /// How clients find it through the port, if there is one. Holds the password.
  public var portURL: String? { port.map { "redis://:\(password ?? "")@127.0.0.1:\($0)" } }

  /// Starts the server and waits until it serves. Folders that dead runs have left are removed first.
  /// - Throws: ``DevServerError``, or `CancellationError`; then nothing is left.
  public static func start(_ options: Options = Options()) async throws -> RedisServer {
    await ServerFolder.removeStale(in: options.folder)
    let folder = try ServerFolder(in: options.folder, for: .own)
    do {
      return try await RedisSetup(options: options, folder: folder).start()
    } catch {
      await folder.remove()
      throw error
    }
  }

  /// Looks whether a server could be started, and says which: `/usr/bin/redis-server`. Starts and makes nothing.
  public static func inspect(_ options: Options = Options()) throws(DevServerError) -> String {
    try RedisSetup.program(in: options.programs)
  }
}
