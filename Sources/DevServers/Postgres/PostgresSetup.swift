import Glibc

/// The making of a PostgreSQL server: folders, data, settings, and then the process.
struct PostgresSetup: Sendable {
  let options: PostgresServer.Options
  let account: ServerAccount
  let folder: ServerFolder
  /// The server whose data are copied and followed; nil for data of its own.
  var primary: PostgresServer?

  func start() async throws -> PostgresServer {
    // A port that was free a moment ago may be taken by now; one that was asked for is not exchanged.
    for _ in 0..<3 where options.port == .any {
      do { return try await start(port: try DevPort.free()) } catch let error as DevServerError {
        guard error.code == .endedAtStart, error.message.contains("Address already in use") else { throw error }
      }
    }
    return try await start(port: try options.port.number())
  }

  private func start(port: UInt16?) async throws -> PostgresServer {
    let sockets = folder.path + "/run"
    if access(sockets, F_OK) != 0 { try folder.makeFolder("run", for: account) }
    let socket = sockets + "/.s.PGSQL.\(port ?? 5432)"
    try SocketProbe.Address.check(socket)
    let data = try await preparedData()
    let plan = ServerPlan(
      name: "PostgreSQL", command: command(data, sockets, port), account: account, workingFolder: data.path,
      dataLock: data.lock, probe: .postgres(socket: socket), stopSignal: isKept ? "INT" : "QUIT",
      startLimit: options.startLimit, stopLimit: options.stopLimit)
    let process = try await ServerProcess.start(plan, in: folder)
    return PostgresServer(
      process: process, socketFolder: sockets, dataFolder: data.path, port: port,
      password: port == nil ? nil : data.password, passwordFile: data.passwordFile,
      majorVersion: data.programs.majorVersion)
  }

  private var isKept: Bool { options.data != .throwAway }

  // MARK: - Data

  /// Data as `initdb` has made them, now or in an earlier run.
  private struct PreparedData {
    let path: String
    let lock: OpenFile?
    let programs: PostgresPrograms
    let password: String
    let passwordFile: String
  }

  private func preparedData() async throws -> PreparedData {
    let kept: KeptFolder? =
      if case .kept(let path) = options.data {
        try await KeptFolder(path, for: account, patience: options.stopLimit)
      } else {
        nil
      }
    let home = kept?.path ?? folder.path
    let data = home + "/data"
    let secret = home + "/password"
    if access(data + "/PG_VERSION", F_OK) == 0 {
      let version = Int(tail(of: data + "/PG_VERSION").prefix { $0.isNumber })
      return PreparedData(
        path: data, lock: kept?.lock, programs: try programs(majorVersion: version), password: tail(of: secret),
        passwordFile: secret)
    }
    let programs = try programs(majorVersion: primary?.majorVersion)
    let password = primary.map { tail(of: $0.passwordFile) } ?? options.password ?? randomPassword()
    try write(password, as: secret)
    if let primary { try await copy(primary, to: data, programs) } else { try await initialize(data, programs, secret) }
    try complete(data)
    return PreparedData(path: data, lock: kept?.lock, programs: programs, password: password, passwordFile: secret)
  }

  private func programs(majorVersion: Int?) throws(DevServerError) -> PostgresPrograms {
    try PostgresPrograms.find(
      majorVersion: majorVersion, in: options.programs.map { [$0] } ?? PostgresPrograms.usualFolders)
  }

  private func initialize(_ data: String, _ programs: PostgresPrograms, _ secret: String) async throws {
    // Local connections come through a folder that keeps everybody else out.
    try await make(
      data,
      by: [
        programs.initdb, "--pgdata=\(data)", "--username=postgres", "--pwfile=\(secret)", "--auth-local=trust",
        "--auth-host=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions",
      ] + (isKept ? [] : ["--no-sync"]))
  }

  private func copy(_ primary: PostgresServer, to data: String, _ programs: PostgresPrograms) async throws {
    let program = try InstalledPrograms.path(
      of: "pg_basebackup", in: [programs.folder] + InstalledPrograms.searchPath, package: "postgresql-client")
    try await make(
      data,
      by: [
        program, "--pgdata=\(data)", "--dbname=\(primary.url)", "--write-recovery-conf", "--wal-method=stream",
        "--checkpoint=fast", "--no-sync", "--no-password",
      ])
  }

  /// Runs a program that fills the folder.
  private func make(_ data: String, by command: [String]) async throws {
    // What an earlier run has not finished.
    await ServerFolder.remove(data)
    try ServerFolder.make(data, for: account)
    let log = try OpenFile(folder.path + "/log", O_WRONLY | O_APPEND | O_CREAT)
    let code = try await Spawn(command: account.prefix + command, descriptors: [nil, log, log])
      .run(unlessCancelled: true)
    try Task.checkCancellation()
    guard code == 0 else {
      let said = tail(of: folder.path + "/log").split(separator: "\n").suffix(8).joined(separator: "\n  ")
      let program = command[0].split(separator: "/").last ?? "a program"
      throw DevServerError(.endedAtStart, "\(program) could not make the data in \(data); it wrote:\n  \(said)")
    }
  }

  private func complete(_ data: String) throws(DevServerError) {
    if !options.accessRules.isEmpty {
      let usual = tail(of: data + "/pg_hba.conf")
      try write((options.accessRules + [usual]).joined(separator: "\n"), as: data + "/pg_hba.conf")
    }
    for (name, text) in options.files { try write(text, as: data + "/" + name) }
  }

  /// Writes a file that only the server may read.
  private func write(_ text: String, as path: String) throws(DevServerError) {
    unlink(path)
    let file = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL)
    try file.write(text)
    try account.own(path)
  }

  // MARK: - Settings

  private func command(_ data: PreparedData, _ sockets: String, _ port: UInt16?) -> [String] {
    var settings = [
      "listen_addresses": port == nil ? "" : "127.0.0.1",
      "port": String(port ?? 5432),
      "unix_socket_directories": sockets,
      "unix_socket_permissions": "0700",
      // In the data folder, so that nothing is left elsewhere when the server is killed.
      "dynamic_shared_memory_type": "mmap",
      "timezone": "UTC",
      "log_timezone": "UTC",
    ]
    // What is committed is in the system's hands and survives a kill, not a power cut.
    if !isKept { settings.merge(["fsync": "off", "full_page_writes": "off"]) { $1 } }
    settings.merge(options.settings) { $1 }
    return [data.programs.postgres, "-D", data.path]
      + settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
  }
}

extension SocketProbe {
  /// A start-up packet of the frontend/backend protocol, version 3.0. What comes back is an authentication request, or an
  /// error; `57P03` says that the server is starting up or shutting down.
  static func postgres(socket: String) -> SocketProbe {
    let words = Array("user\0postgres\0database\0postgres\0\0".utf8)
    let length = UInt32(8 + words.count)
    let packet = [length, 196_608].flatMap { number in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
    return SocketProbe(address: .file(socket), question: packet + words) { bytes in
      guard let kind = bytes.first, bytes.count >= 5 else { return nil }
      if kind == UInt8(ascii: "R") { return .serves }
      guard kind == UInt8(ascii: "E") else { return .notYet }
      let length = bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
      guard bytes.count > length else { return nil }
      let fields = bytes[5...].split(separator: 0)
      return fields.contains(Array("C57P03".utf8)[...]) ? .notYet : .serves
    }
  }
}
