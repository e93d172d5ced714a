import Glibc

/// A private PostgreSQL server.
///
/// ```swift
/// let server = try await PostgresServer.start()
/// // server.url: postgresql:///postgres?host=/tmp/mainstay-Xq3v8e/run&user=postgres
/// await server.stop()
/// ```
/// The user `postgres` enters through the socket without a password; whoever may open the socket's folder, that is the
/// user of this process, may do everything. Through a port it takes the password.
public struct PostgresServer: DevServer {
  /// Where a server's data are.
  public enum Data: Sendable, Hashable {
    /// In a folder that goes with the server. Nothing is ever forced to disk.
    case throwAway
    /// In this folder, which is made if there is none and stays.
    case kept(String)
  }

  /// How a server is made.
  public struct Options: Sendable {
    /// Where its data are.
    public var data = Data.throwAway
    /// Whether it also listens at a port of 127.0.0.1.
    public var port = DevPort.none
    /// The password of `postgres` through a port; nil for one that is made up. Kept data keep theirs.
    public var password: String?
    /// Settings of postgresql.conf, over those that are set anyway: `["max_connections": "20"]`.
    public var settings: [String: String] = [:]
    /// Lines of pg_hba.conf that come before the usual ones.
    public var accessRules: [String] = []
    /// Further files of the data folder, name and text, such as a certificate; readable by the server only.
    public var files: [String: String] = [:]
    /// The folder with `initdb` and `postgres`; nil for the newest version of this machine.
    public var programs: String?
    /// The folder in which its own is made; nil for TMPDIR, or /tmp. Paths of sockets may have 107 bytes.
    public var folder: String?
    /// The most time to make the data and to serve.
    public var startLimit = Duration.seconds(60)
    /// The most time to stop; then it is killed.
    public var stopLimit = Duration.seconds(10)

    /// A throw-away server without a port.
    public init() {}
  }

  /// Its process, and what can be done to it.
  public let process: ServerProcess
  /// The folder of its socket: `host` in the words of libpq.
  public let socketFolder: String
  /// The folder of its data.
  public let dataFolder: String
  /// Its port at 127.0.0.1, if it was asked for.
  public let port: UInt16?
  /// The password of `postgres` through the port, if there is one.
  public let password: String?
  /// The file that holds the password, for this user only.
  public let passwordFile: String
  /// The version of the programs, such as 15.
  public let majorVersion: Int

  /// The number in the socket's name, `.s.PGSQL.5432`: the port, or 5432 if there is none.
  public var socketPort: UInt16 { port ?? 5432 }

  /// How libpq finds it through the socket.
  public var url: String {
    let place = "postgresql:///postgres?host=\(socketFolder)&user=postgres"
    return port.map { place + "&port=\($0)" } ?? place
  }

  /// How any client finds it through the port, if there is one. Holds the password.
  public var portURL: String? {
    port.map { "postgresql://postgres:\(password ?? "")@127.0.0.1:\($0)/postgres" }
  }

  /// Makes the data if there are none, starts the server, and waits until it serves. Folders that dead runs have left
  /// are removed first.
  /// - Throws: ``DevServerError``, or `CancellationError`; then nothing is left.
  public static func start(_ options: Options = Options()) async throws -> PostgresServer {
    await ServerFolder.removeStale(in: options.folder)
    let account = try ServerAccount.postgres()
    let folder = try ServerFolder(in: options.folder, for: account)
    do {
      return try await PostgresSetup(options: options, account: account, folder: folder).start()
    } catch {
      await folder.remove()
      throw error
    }
  }

  /// Makes a copy of this server and starts it as its standby: it repeats this one's writes and takes none of its own, until
  /// it is promoted (`SELECT pg_promote()`). It outlives this server.
  /// - Parameter options: How it is made; a standby is always throw-away.
  public func startStandby(_ options: Options = Options()) async throws -> PostgresServer {
    guard options.data == .throwAway else {
      throw DevServerError(.badOptions, "the data of a standby are a copy of its primary's and are not kept")
    }
    let account = try ServerAccount.postgres()
    let folder = try ServerFolder(in: options.folder, for: account)
    do {
      return try await PostgresSetup(options: options, account: account, folder: folder, primary: self).start()
    } catch {
      await folder.remove()
      throw error
    }
  }

  /// Looks whether a server could be started, and says which: `PostgreSQL 15 of /usr/lib/postgresql/15/bin`. Starts
  /// and makes nothing.
  public static func inspect(_ options: Options = Options()) throws(DevServerError) -> String {
    let programs = try PostgresPrograms.find(in: options.programs.map { [$0] } ?? PostgresPrograms.usualFolders)
    let account = try ServerAccount.postgres()
    if case .kept(let path) = options.data { try KeptFolder.check(path, for: account) }
    return "PostgreSQL \(programs.majorVersion) of \(programs.folder)"
  }
}
