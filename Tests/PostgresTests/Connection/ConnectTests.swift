import Glibc
import MainstayReactor
import Testing

@testable import MainstayPostgres

@Suite(.timeLimit(.minutes(2))) struct ConnectTests {
  @Test func saysWhyItWasRefused() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let nobody = try Listener(backlog: nil)
    let refused = await failure {
      try await PostgresConnection.connect(nobody.options("127.0.0.1"), on: reactor)
    }
    #expect(refused?.code == .connect)
    #expect(refused?.message.contains("refused") == true)
    let noSocket = await failure {
      try await PostgresConnection.connect(PostgresOptions(parsing: "host=/nowhere"), on: reactor)
    }
    #expect(noSocket?.code == .connect)
    let unknown = await failure {
      try await PostgresConnection.connect(PostgresOptions(parsing: "host=name.invalid"), on: reactor)
    }
    #expect(unknown?.code == .connect)
  }

  /// A listener that never answers: libpq itself would wait for ever on this path.
  @Test func keepsItsDeadlineWithABlackHole() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let hole = try Listener(backlog: 5)
    let error = await failure {
      try await PostgresConnection.connect(
        hole.options("127.0.0.1"), on: reactor, deadline: .now.advanced(by: .milliseconds(50)))
    }
    #expect(error?.code == .timedOut)
    var settings = PostgresConnectionSettings()
    settings.connectTimeout = .milliseconds(50)
    let limited = settings
    let byName = await failure {
      try await PostgresConnection.connect(hole.options("localhost"), settings: limited, on: reactor)
    }
    #expect(byName?.code == .timedOut || byName?.code == .connect)
    let task = Task {
      await failure { try await PostgresConnection.connect(hole.options("127.0.0.1"), on: reactor) }?.code
    }
    try await reactor.run {}
    task.cancel()
    #expect(await task.value == .cancelled)
    // What was half made has been closed: the listener's side sees the end of each.
    #expect(hole.acceptAndReadToEnd() >= 1)
  }

  @Test func aWrongPasswordIsRefused() async throws {
    let server = try PostgresServer()
    defer { server.stop() }
    try await withBench(server) { bench in
      let admin = try await bench.connect()
      try await admin.script("CREATE ROLE clerk LOGIN PASSWORD 'right'")
      let rules = "COPY (VALUES ('local all clerk scram-sha-256'), ('local all all trust')) TO"
      try await admin.script("\(rules) '\(server.folder)/data/pg_hba.conf'; SELECT pg_reload_conf()")
      func connect(_ password: String) async throws -> PostgresConnection {
        let text = bench.server.connectionString + " user=clerk password=\(password)"
        return try await PostgresConnection.connect(PostgresOptions(parsing: text), on: bench.reactor)
      }
      // The server reads its rules again in its own time.
      while (try? await connect("wrong")) != nil {}
      let error = await failure { try await connect("wrong") }
      #expect(error?.code == .connect)
      #expect(error?.message.contains("password authentication failed") == true)
      #expect(error.map { !"\($0)".contains("wrong") } == true)
      #expect(try await connect("right").execute("SELECT 1").count == 1)
    }
  }

  /// Random moments of cancellation, from before the first byte until after the last one.
  @Test func isNeverLeftHalfMade() async throws {
    try await withBench { bench in
      let watcher = try await bench.connect()
      let half = try PostgresOptions(parsing: bench.server.connectionString + " application_name=half")
      for round in 0..<60 {
        let task = Task { try await PostgresConnection.connect(half, on: bench.reactor) }
        for _ in 0..<round * 3 { await Task.yield() }
        task.cancel()
        (try? await task.value)?.close()
      }
      let others: PostgresQuery =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name = 'half'"
      // The server takes its time to end a session whose client has gone.
      while try await watcher.execute(others).decode(Int.self, row: 0, column: 0) > 0 {}
    }
  }
}

/// A TCP port of the machine that nobody serves, or behind which nobody answers.
final class Listener: Sendable {
  let port: UInt16
  private let socket: Int32

  init(backlog: Int32?) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = socket
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(socket, pointer, length) == 0 && getsockname(socket, pointer, &length) == 0
      }
    }
    try #require(isBound)
    if let backlog { try #require(listen(socket, backlog) == 0) }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(socket) }

  func options(_ host: String) throws -> PostgresOptions {
    try PostgresOptions(parsing: "host=\(host) port=\(port) user=x sslmode=disable")
  }

  /// Takes every connection that was made and reads until its end; how many there were.
  func acceptAndReadToEnd() -> Int {
    var count = 0
    _ = fcntl(socket, F_SETFL, O_NONBLOCK)
    while true {
      let peer = accept(socket, nil, nil)
      if peer < 0 { return count }
      var buffer = [UInt8](repeating: 0, count: 1000)
      while read(peer, &buffer, buffer.count) > 0 {}
      close(peer)
      count += 1
    }
  }
}
