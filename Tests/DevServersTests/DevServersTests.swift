import Foundation
import MainstayDevServers
import MainstayTesting
import Testing

/// Real servers, started and ended in every way.
@Suite struct DevServersTests {
  @Test func postgresServesAndLeavesNothing() async throws {
    let server = try await PostgresServer.start()
    let id = try #require(server.process.processID)
    #expect(server.port == nil && server.portURL == nil)
    #expect(try Client.postgres(server, "SELECT 1 + 1") == "2")
    #expect(try Client.postgres(server, "SHOW fsync") == "off")
    #expect(permissions(of: server.socketFolder) == 0o700)
    await server.stop()
    #expect(!isAlive(id) && server.process.processID == nil)
    #expect(!exists(server.socketFolder) && !exists(server.dataFolder))
    await server.stop()
  }

  @Test func postgresThroughAPortAsksForThePassword() async throws {
    var options = PostgresServer.Options()
    options.port = .any
    options.settings = ["max_connections": "17"]
    try await withDevServer(try await PostgresServer.start(options)) { server in
      let url = try #require(server.portURL)
      #expect(try Client.psql(url, "SHOW max_connections") == "17")
      let password = try #require(server.password)
      let wrong = url.replacing(password, with: "wrong")
      #expect(throws: Client.Failure.self) { try Client.psql(wrong, "SELECT 1") }
    }
  }

  @Test func killedPostgresComesBackAtTheSamePlace() async throws {
    try await withDevServer(try await PostgresServer.start()) { server in
      _ = try Client.postgres(server, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); CHECKPOINT")
      let first = try #require(server.process.processID)
      await server.kill()
      #expect(server.process.processIDs.isEmpty)
      #expect(throws: Client.Failure.self) { try Client.postgres(server, "SELECT 1") }
      try await server.restart()
      #expect(server.process.processID != first)
      #expect(try Client.postgres(server, "SELECT n FROM kept") == "7")
    }
  }

  /// A server that is killed leaves its shared memory behind, of which a machine has few.
  @Test func killedPostgresLeavesNothingEither() async throws {
    let server = try await PostgresServer.start()
    let lines = try String(contentsOfFile: server.dataFolder + "/postmaster.pid", encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    let segment = try #require(lines[6].split(separator: " ").last.flatMap { Int32($0) })
    var status = shmid_ds()
    #expect(shmctl(segment, IPC_STAT, &status) == 0)
    await server.kill()
    await server.stop()
    // It goes with the last process that has it, and the killed ones take their time.
    try await eventually { shmctl(segment, IPC_STAT, &status) == -1 }
  }

  @Test func backendsAreSignalledByTheirNumbers() async throws {
    try await withDevServer(try await PostgresServer.start()) { server in
      let walWriter = try #require(
        Int32(try Client.postgres(server, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")))
      try server.process.signal(SIGSTOP, process: walWriter)
      try await until { state(of: walWriter) == "T" }
      try server.process.signal(SIGCONT, process: walWriter)
      #expect(throws: DevServerError.self) { try server.process.signal(SIGTERM, process: getpid()) }
    }
  }

  /// A process that is stopped cannot end by itself.
  @Test func pausedServersAreStoppedAllTheSame() async throws {
    let postgres = try await PostgresServer.start()
    let id = try #require(postgres.process.processID)
    // One that was about to end may have ended in between.
    for process in postgres.process.processIDs { try? postgres.process.signal(SIGSTOP, process: process) }
    try await until { state(of: id) == "T" }
    await postgres.stop()
    #expect(!isAlive(id) && !exists(postgres.dataFolder))
    let redis = try await RedisServer.start()
    try redis.pause()
    try redis.resume()
    #expect(try Client.redis(redis, "PING") == "PONG")
    try redis.pause()
    await redis.stop()
    #expect(redis.process.processIDs.isEmpty && !exists(redis.socket))
  }

  @Test func keptDataAreThereAgain() async throws {
    let folder = scratch() + "/deep/state"
    var options = PostgresServer.Options()
    options.data = .kept(folder)
    options.stopLimit = .seconds(2)
    try await withDevServer(try await PostgresServer.start(options)) { server in
      _ = try Client.postgres(server, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (8)")
      #expect(try Client.postgres(server, "SHOW fsync") == "on")
      // A second server on the same data would ruin them.
      let error = await #expect(throws: DevServerError.self) { try await PostgresServer.start(options) }
      #expect(error?.message.contains("in use") == true)
    }
    try await withDevServer(try await PostgresServer.start(options)) { server in
      let answer = try Client.postgres(server, "SELECT n FROM kept")
      #expect(answer == "8")
    }
    options.data = .kept("state")
    let error = await #expect(throws: DevServerError.self) { try await PostgresServer.start(options) }
    #expect(error?.code == .badOptions)
  }

  @Test func redisServesAndLeavesNothing() async throws {
    let server = try await RedisServer.start()
    let id = try #require(server.process.processID)
    #expect(try Client.redis(server, "SET", "a", "1") == "OK")
    #expect(try Client.redis(server, "CONFIG", "GET", "save") == "save\n")
    #expect(permissions(of: server.socket) == 0o700)
    await server.kill()
    #expect(!isAlive(id))
    try await server.restart()
    #expect(try Client.redis(server, "GET", "a").isEmpty)
    await server.stop()
    #expect(!exists(server.socket) && server.process.processIDs.isEmpty)
  }

  @Test func keptRedisDataAreThereAgain() async throws {
    var options = RedisServer.Options()
    options.keepsDataIn = scratch()
    let said = try await withDevServer(try await RedisServer.start(options)) { try Client.redis($0, "SET", "a", "1") }
    #expect(said == "OK")
    let kept = try await withDevServer(try await RedisServer.start(options)) { try Client.redis($0, "GET", "a") }
    #expect(kept == "1")
  }

  @Test func sentinelWatchesAServer() async throws {
    var options = RedisServer.Options()
    options.port = .any
    try await withDevServer(try await RedisServer.start(options)) { redis in
      let port = try #require(redis.port)
      let watched = RedisSentinel.Primary("main", port: port, password: redis.password)
      try await withDevServer(try await RedisSentinel.start(RedisSentinel.Options([watched]))) { sentinel in
        let answer = try Client.run(
          "redis-cli", "-p", "\(sentinel.port ?? 0)", "SENTINEL", "get-master-addr-by-name", "main")
        #expect(answer == "127.0.0.1\n\(port)")
      }
    }
  }

  // MARK: - What goes wrong

  @Test func missingProgramsSayWhatToInstall() async throws {
    var postgres = PostgresServer.Options()
    postgres.programs = "/nowhere"
    let error = await #expect(throws: DevServerError.self) { try await PostgresServer.start(postgres) }
    #expect(error?.code == .notInstalled)
    #expect(error?.message.contains("apt-get install postgresql") == true)
  }

  @Test func tooLongPathsAreRefused() async throws {
    let folder = scratch() + "/" + String(repeating: "x", count: 100)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var postgres = PostgresServer.Options()
    postgres.folder = folder
    let error = await #expect(throws: DevServerError.self) { try await PostgresServer.start(postgres) }
    #expect(error?.code == .badOptions)
    #expect(error?.message.contains("107") == true)
    var redis = RedisServer.Options()
    redis.folder = folder
    #expect(await #expect(throws: DevServerError.self) { try await RedisServer.start(redis) }?.code == .badOptions)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test func lastWordsOfAServerThatDoesNotStartAreToldAndNothingIsLeft() async throws {
    let folder = scratch()
    var postgres = PostgresServer.Options()
    postgres.folder = folder
    postgres.settings = ["no_such_setting": "1"]
    let error = await #expect(throws: DevServerError.self) { try await PostgresServer.start(postgres) }
    #expect(error?.code == .endedAtStart)
    #expect(error?.message.contains("unrecognized configuration parameter \"no_such_setting\"") == true)
    var redis = RedisServer.Options()
    redis.folder = folder
    redis.settings = ["maxmemory": "lots"]
    let second = await #expect(throws: DevServerError.self) { try await RedisServer.start(redis) }
    #expect(second?.message.contains("argument must be a memory value") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test func silentServersAreGivenUp() async throws {
    let folder = scratch()
    let program = folder + "/redis-server"
    try "#!/bin/sh\nexec sleep 1000\n".write(toFile: program, atomically: false, encoding: .utf8)
    chmod(program, 0o700)
    var options = RedisServer.Options()
    options.folder = folder
    options.programs = folder
    options.startLimit = .milliseconds(200)
    let error = await #expect(throws: DevServerError.self) { try await RedisServer.start(options) }
    #expect(error?.code == .noAnswer)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["redis-server"])
  }

  @Test func cancelledStartLeavesNothing() async throws {
    let folder = scratch()
    var options = PostgresServer.Options()
    options.folder = folder
    let start = Task { [options] in try await PostgresServer.start(options) }
    start.cancel()
    await #expect(throws: CancellationError.self) { try await start.value }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  // MARK: - When the host ends

  /// Nobody can catch SIGKILL: the servers must end without the host's help, and take their folders with them.
  @Test(arguments: [SIGKILL, SIGTERM])
  func serversEndWithTheirHost(signal: Int32) async throws {
    let folder = scratch()
    let host = try Host(temporaryFolder: folder)
    let lines = try host.linesUntilReady()
    let servers = lines.compactMap { line in line.hasPrefix("server ") ? Int32(line.dropFirst(7)) : nil }
    #expect(servers.count == 2 && servers.allSatisfy(isAlive))
    kill(host.process.processIdentifier, signal)
    host.process.waitUntilExit()
    try await until { !servers.contains(where: isAlive) }
    try await until { try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty }
  }

  /// Where the keeper is killed as well, the next start cleans up.
  @Test func leftoversOfDeadRunsAreRemovedAtTheNextStart() async throws {
    let folder = scratch()
    let host = try Host(temporaryFolder: folder)
    let servers = try host.linesUntilReady().compactMap { $0.hasPrefix("server ") ? Int32($0.dropFirst(7)) : nil }
    for server in servers {
      let keeper = try #require(parent(of: server))
      for process in children(of: keeper) where process != server { kill(process, SIGKILL) }
      kill(keeper, SIGKILL)
    }
    kill(host.process.processIdentifier, SIGKILL)
    host.process.waitUntilExit()
    #expect(servers.allSatisfy(isAlive))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
    var options = RedisServer.Options()
    options.folder = folder
    try await withDevServer(try await RedisServer.start(options)) { _ in
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
      try await until { !servers.contains(where: isAlive) }
    }
  }

  /// A folder whose run lives is left alone.
  @Test func runningServersAreNoLeftovers() async throws {
    var options = RedisServer.Options()
    options.folder = scratch()
    try await withDevServer(try await RedisServer.start(options)) { [options] first in
      try await withDevServer(try await RedisServer.start(options)) { second in
        #expect(first.socket != second.socket)
        #expect(exists(first.socket))
      }
      let answer = try Client.redis(first, "PING")
      #expect(answer == "PONG")
    }
  }
}
