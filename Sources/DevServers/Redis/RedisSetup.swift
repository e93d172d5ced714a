import Glibc

/// The making of a Redis server: folder, configuration, and then the process.
struct RedisSetup: Sendable {
  let options: RedisServer.Options
  let folder: ServerFolder

  func start() async throws -> RedisServer {
    for _ in 0..<3 where options.port == .any {
      do { return try await start(port: try DevPort.free()) } catch let error as DevServerError {
        guard error.code == .endedAtStart, error.message.contains("Address already in use") else { throw error }
      }
    }
    return try await start(port: try options.port.number())
  }

  static func program(in folder: String?) throws(DevServerError) -> String {
    let folders = folder.map { [$0] } ?? InstalledPrograms.searchPath
    if let folder = InstalledPrograms.folder(with: ["redis-server"], in: folders) { return folder + "/redis-server" }
    if let folder = InstalledPrograms.folder(with: ["valkey-server"], in: folders) { return folder + "/valkey-server" }
    throw DevServerError(
      .notInstalled, "Redis is not on this machine; install it: apt-get install redis-server (Debian, Ubuntu)")
  }

  private func start(port: UInt16?) async throws -> RedisServer {
    let program = try Self.program(in: options.programs)
    let socket = folder.path + "/redis.sock"
    try SocketProbe.Address.check(socket)
    let password = options.password ?? (port == nil ? nil : randomPassword())
    let kept: KeptFolder? =
      if let path = options.keepsDataIn {
        try await KeptFolder(path, for: .own, patience: options.stopLimit)
      } else {
        nil
      }
    let data = kept?.path ?? folder.path
    let file = try write(configuration(socket, port, password, data))
    let plan = ServerPlan(
      name: "Redis", command: [program, file], account: .own, workingFolder: data, dataLock: kept?.lock,
      probe: .redis(.file(socket)), stopSignal: "TERM", startLimit: options.startLimit, stopLimit: options.stopLimit)
    let process = try await ServerProcess.start(plan, in: folder)
    return RedisServer(process: process, socket: socket, port: port, password: password, configurationFile: file)
  }

  private func configuration(_ socket: String, _ port: UInt16?, _ password: String?, _ data: String) -> String {
    var settings = [
      "port": String(port ?? 0), "bind": "127.0.0.1", "unixsocket": socket, "unixsocketperm": "700", "dir": data,
      "daemonize": "no", "logfile": "\"\"", "appendonly": "no", "databases": "16",
      // Kept data are written when it stops, and now and then.
      "save": options.keepsDataIn == nil ? "\"\"" : "60 1",
    ]
    if let password { settings["requirepass"] = password }
    settings.merge(options.settings) { $1 }
    return settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
  }

  /// In a file, since other users see the arguments of a process.
  private func write(_ text: String) throws(DevServerError) -> String {
    let path = folder.path + "/redis.conf"
    try OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC).write(text)
    return path
  }
}

extension SocketProbe {
  /// `PING`. A server that asks for a password answers, too; one that loads its data says `-LOADING`.
  static func redis(_ address: Address) -> SocketProbe {
    SocketProbe(address: address, question: Array("PING\r\n".utf8)) { bytes in
      guard bytes.contains(UInt8(ascii: "\n")) else { return nil }
      let text = String(decoding: bytes, as: UTF8.self)
      return text.hasPrefix("+PONG") || text.hasPrefix("-NOAUTH") ? .serves : .notYet
    }
  }
}
