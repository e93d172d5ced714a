import Glibc

/// A private Redis Sentinel, for tests of failover. It listens at a port of 127.0.0.1, since sentinels find each other and
/// their servers by address.
public struct RedisSentinel: DevServer {
  /// A server that sentinels watch.
  public struct Primary: Sendable {
    /// What the sentinels call it.
    public var name: String
    /// Its port at 127.0.0.1.
    public var port: UInt16
    /// The password that it asks for, if any.
    public var password: String?

    /// A server to watch.
    public init(_ name: String, port: UInt16, password: String? = nil) {
      (self.name, self.port, self.password) = (name, port, password)
    }
  }

  /// How a sentinel is made.
  public struct Options: Sendable {
    /// What it watches.
    public var primaries: [Primary]
    /// How many sentinels must agree that a server is down.
    public var quorum = 1
    /// After which silence it takes a server for down.
    public var downAfter = Duration.milliseconds(500)
    /// The most time for a failover before another may be tried.
    public var failoverTimeout = Duration.seconds(5)
    /// Its port at 127.0.0.1; nil for a free one.
    public var port: UInt16?
    /// The password that clients of the sentinel must give; nil for none.
    public var password: String?
    /// The folder with `redis-server` or `valkey-server`; nil for the one that is found.
    public var programs: String?
    /// The folder in which its own is made; nil for TMPDIR, or /tmp.
    public var folder: String?

    /// A sentinel for these servers.
    public init(_ primaries: [Primary]) { self.primaries = primaries }
  }

  /// Its process, and what can be done to it.
  public let process: ServerProcess
  /// The port that it listens at.
  public let port: UInt16?
  /// The password that it asks for, if any.
  public let password: String?

  /// How clients find it.
  public var url: String { "redis://\(password.map { ":\($0)@" } ?? "")127.0.0.1:\(port ?? 0)" }

  /// Starts the sentinel and waits until it answers.
  /// - Throws: ``DevServerError``, or `CancellationError`; then nothing is left.
  public static func start(_ options: Options) async throws -> RedisSentinel {
    await ServerFolder.removeStale(in: options.folder)
    let folder = try ServerFolder(in: options.folder, for: .own)
    do {
      return try await start(options, in: folder)
    } catch {
      await folder.remove()
      throw error
    }
  }

  private static func start(_ options: Options, in folder: ServerFolder) async throws -> RedisSentinel {
    let program = try RedisSetup.program(in: options.programs)
    let port = try options.port ?? DevPort.free()
    let file = folder.path + "/sentinel.conf"
    try OpenFile(file, O_WRONLY | O_CREAT | O_TRUNC).write(configuration(options, port, folder.path))
    let plan = ServerPlan(
      name: "Redis Sentinel", command: [program, file, "--sentinel"], account: .own, workingFolder: folder.path,
      probe: .redis(.loopback(port)), stopSignal: "TERM", startLimit: .seconds(30), stopLimit: .seconds(5))
    let process = try await ServerProcess.start(plan, in: folder)
    return RedisSentinel(process: process, port: port, password: options.password)
  }

  private static func configuration(_ options: Options, _ port: UInt16, _ folder: String) -> String {
    var lines = ["port \(port)", "bind 127.0.0.1", "dir \(folder)", "daemonize no", "logfile \"\""]
    if let password = options.password { lines.append("requirepass \(password)") }
    for primary in options.primaries {
      lines += [
        "sentinel monitor \(primary.name) 127.0.0.1 \(primary.port) \(options.quorum)",
        "sentinel down-after-milliseconds \(primary.name) \(max(1, Int(options.downAfter / .milliseconds(1))))",
        "sentinel failover-timeout \(primary.name) \(max(1, Int(options.failoverTimeout / .milliseconds(1))))",
      ]
      if let password = primary.password { lines.append("sentinel auth-pass \(primary.name) \(password)") }
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
