import Glibc
import MainstayReactor
import MainstayRedis
import Synchronization

/// A real redis-server of a test's own: a folder of its own, a unix socket in it, nothing saved.
final class RedisServer: Sendable {
  static let program: String? = {
    let places: [String] = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"]
    return places.first { access($0, X_OK) == 0 }
  }()

  let folder: String
  var socket: String { folder + "/redis.sock" }
  private let extra: [String]
  private let process = Mutex<pid_t?>(nil)

  init(_ extra: [String] = []) throws {
    var template = Array("/tmp/mainstay-redis-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ServerFailure("no temporary folder") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    self.extra = extra
    try start()
  }

  deinit {
    stop()
    for name in ["redis.sock", "log", "dump.rdb"] { unlink(folder + "/" + name) }
    rmdir(folder)
  }

  var options: RedisOptions {
    var options = RedisOptions(.unix(path: socket))
    options.connectTimeout = .seconds(20)
    options.commandTimeout = .seconds(20)
    options.stallTimeout = .seconds(30)
    options.reconnectPause = .milliseconds(5)
    options.maxReconnectPause = .milliseconds(20)
    return options
  }

  /// Starts the server, and waits until it takes connections.
  func start() throws {
    guard let program = Self.program else { throw ServerFailure("redis-server is not installed") }
    let words =
      [
        program, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder,
        "--logfile",
        folder + "/log",
      ] + extra
    let child = try Self.spawn(words)
    process.withLock { $0 = child }
    for _ in 0..<2000 {
      if Self.takesConnections(socket) { return }
      usleep(5000)
    }
    throw ServerFailure("redis-server did not start")
  }

  /// As `kill -9` does, and waits until it is gone.
  func stop() {
    guard let child = process.withLock({ $0.take() }) else { return }
    kill(child, SIGKILL)
    var status: Int32 = 0
    waitpid(child, &status, 0)
    unlink(socket)
  }

  func signal(_ number: Int32) {
    if let child = process.withLock({ $0 }) { kill(child, number) }
  }

  private static func takesConnections(_ path: String) -> Bool {
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    return withUnixAddress(path) { connect(descriptor, $0, $1) } == 0
  }

  private static func spawn(_ words: [String]) throws -> pid_t {
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child = pid_t()
    let failure = posix_spawn(&child, words[0], nil, nil, &arguments, environ)
    guard failure == 0 else { throw ServerFailure("redis-server cannot be started: error \(failure)") }
    return child
  }
}

struct ServerFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

func withUnixAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { target in
    for (index, byte) in path.utf8.prefix(target.count - 1).enumerated() { target[index] = byte }
  }
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
  }
}

/// Runs a test's body with a server and a client on a reactor of its own, and ends all of them.
func withRedis(
  _ extra: [String] = [], adjust: (inout RedisOptions) -> Void = { _ in },
  _ body: (RedisClient, RedisServer) async throws -> Void
) async throws {
  let server = try RedisServer(extra)
  let reactor = try Reactor(name: "redis-test")
  var options = server.options
  adjust(&options)
  let client = try RedisClient(options, reactor: reactor)
  do {
    try await body(client, server)
  } catch {
    client.close()
    reactor.shutdown()
    throw error
  }
  client.close()
  reactor.shutdown()
}

/// Asks again until the answer is yes; for what another process does in its own time.
func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
  let limit = ContinuousClock.now.advanced(by: .seconds(60))
  while ContinuousClock.now < limit {
    if try await condition() { return true }
    // Not a thread of the pool's: the machine may have two, and both may be needed.
    try? await Task.sleep(for: .milliseconds(1))
  }
  return false
}
