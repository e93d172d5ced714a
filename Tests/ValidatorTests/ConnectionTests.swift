import Glibc
import MainstayDevServers
import MainstayKernel
import MainstayResilience
import MainstayTesting
import Testing

@testable import MainstayValidator

/// Whether what a configuration names can be used, tried on real servers.
@Suite(.timeLimit(.minutes(3))) struct ConnectionTests {
  /// What the probe says of these addresses, in the order of their keys.
  private func failures(
    postgres: String = "postgres:///", redis: String = "unix://", spare: String = "postgres:///",
    timeout: Duration = .seconds(20)
  ) async throws -> [String?] {
    let manifest = """
      plugins:
        pool: { postgres: { url: "\(postgres)" }, redis: { url: "\(redis)" }, spare: { url: "\(spare)" } }
      """
    let planner = Planner(plugins: [PluginRegistration(PoolLike.self)], source: .inline(manifest, environment: [:]))
    let plan = try #require(planner.plan().plan)
    let probe = ConnectionProbe(timer: DeadlineTimer(clock: SystemClock()), timeout: timeout)
    return await probe.results(ConfigurationFacts(plan.values, environment: .test)).map(\.failure)
  }

  @Test func realServersAreRecognised() async throws {
    var postgresOptions = PostgresServer.Options()
    postgresOptions.port = .any
    var redisOptions = RedisServer.Options()
    redisOptions.port = .any
    redisOptions.password = "n8Wq3Zt7Lk2p"
    try await withDevServer(try await PostgresServer.start(postgresOptions)) { postgres in
      try await withDevServer(try await RedisServer.start(redisOptions)) { redis in
        let address = try #require(postgres.portURL)
        let cache = try #require(redis.portURL)
        #expect(try await failures(postgres: address, redis: cache, spare: postgres.url) == [nil, nil, nil])
        #expect(try await failures(redis: redis.url) == [nil], "through its socket file")
        // Each in the place of the other: Redis waits for the end of the line, PostgreSQL hangs up.
        let swapped = try await failures(
          postgres: "postgres://127.0.0.1:\(redis.port ?? 0)/x", redis: "redis://127.0.0.1:\(postgres.port ?? 0)",
          timeout: .milliseconds(500))
        #expect(swapped.count == 2 && !swapped.contains(nil))
        #expect(
          try await failures(postgres: address + "?sslmode=require")
            == ["it speaks no TLS, which the address asks for"])
        let port = redis.port ?? 0
        #expect(
          try await failures(redis: "redis://127.0.0.1:\(port)")
            == ["it asks for a password, and the address names none"])
        #expect(
          try await failures(redis: "redis://:wrong@127.0.0.1:\(port)") == ["it refuses the password of the address"])
      }
    }
  }

  @Test func whatIsNotThereIsNamed() async throws {
    let listener = try Listener()
    let port = listener.port
    listener.close()
    #expect(try await failures(postgres: "postgres://127.0.0.1:\(port)/x") == ["connection refused"])
    #expect(try await failures(redis: "unix:///does/not/exist.sock") == ["there is no such socket file"])
    #expect(
      try await failures(redis: "unix:///" + String(repeating: "x", count: 200)) == ["its path is too long"])
    #expect(try await failures() == [], "nothing is named")
  }

  /// Somebody takes the connection and says nothing, or goes away.
  @Test func whoDoesNotAnswerIsGivenUp() async throws {
    let listener = try Listener()
    defer { listener.close() }
    let timer = DeadlineTimer(clock: SystemClock())
    let facts = ConfigurationFacts(
      try #require(
        Planner(
          plugins: [PluginRegistration(PoolLike.self)],
          source: .inline(
            "plugins: { pool: { redis: { url: \"redis://127.0.0.1:\(listener.port)\" } } }", environment: [:])
        ).plan().plan
      ).values, environment: .test)
    let results = await ConnectionProbe(timer: timer, timeout: .milliseconds(50)).results(facts)
    #expect(results.count == 1 && results.first?.failure?.contains("no answer") == true)
    try await eventually { timer.abandoned == 0 }
  }

  @Test func nothingStaysOpen() async throws {
    let listener = try Listener()
    let open = "redis://127.0.0.1:\(listener.port)"
    let closed = try Listener()
    closed.close()
    let before = try #require(descriptors())
    for _ in 0..<50 {
      try ProbeTrial.connect(listener.port, greeting: .none)
      #expect(throws: ProbeSocket.Failure.self) { try ProbeTrial.connect(closed.port, greeting: .none) }
    }
    // Other tests open files at the same time.
    try await eventually { (descriptors() ?? .max) < before + 40 }
    #expect(ServiceURL(open)?.places == [.host("127.0.0.1", port: listener.port)])
    listener.close()
  }

  private func descriptors() -> Int? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
  }

  // What is said, and what answers amount to.

  @Test func greetsEachServiceInItsOwnWords() throws {
    let redis = try #require(ServiceURL("redis://ada:se%40cret@h"))
    #expect(
      String(decoding: ServiceGreeting(redis, at: .host("h", port: 1)).question, as: UTF8.self)
        == "*3\r\n$4\r\nAUTH\r\n$3\r\nada\r\n$7\r\nse@cret\r\n*1\r\n$4\r\nPING\r\n")
    let postgres = try #require(ServiceURL("postgres://h/x?sslmode=require"))
    #expect(ServiceGreeting(postgres, at: .host("h", port: 1)) == .postgres(needsTLS: true))
    #expect(ServiceGreeting(postgres, at: .socket("/x")) == .postgres(needsTLS: false))
    #expect(ServiceGreeting(try #require(ServiceURL("rediss://h")), at: .host("h", port: 1)) == .none)
    #expect(ServiceGreeting(try #require(ServiceURL("https://h")), at: .host("h", port: 1)) == .none)
  }

  /// However an answer is cut into pieces, it is read the same.
  @Test(arguments: [
    ("+PONG\r\n", nil, ServiceGreeting.Verdict.fine), ("-NOAUTH Authentication required.\r\n", nil, nil),
    ("+OK\r\n+PONG\r\n", "p", .fine), ("+OK\r\n", "p", .incomplete), ("-WRONGPASS x\r\n-NOAUTH y\r\n", "p", nil),
    ("-LOADING x\r\n", nil, .failure("it is not ready")), ("HTTP/1.1 400 Bad\r\n", nil, nil), ("+", nil, .incomplete),
  ])
  func readsAnswersOfRedis(_ answer: String, _ password: String?, _ expected: ServiceGreeting.Verdict?) {
    let greeting = ServiceGreeting.redis(user: nil, password: password)
    var verdict = ServiceGreeting.Verdict.incomplete
    for end in 1...answer.utf8.count {
      verdict = greeting.verdict(Array(answer.utf8.prefix(end)))
      if verdict != .incomplete { break }
    }
    if let expected {
      #expect(verdict == expected)
    } else {
      guard case .failure = verdict else {
        Issue.record("\(verdict)")
        return
      }
    }
  }

  @Test func readsAnswersOfPostgres() {
    let (plain, strict) = (ServiceGreeting.postgres(needsTLS: false), ServiceGreeting.postgres(needsTLS: true))
    #expect(plain.verdict([]) == .incomplete)
    #expect(plain.verdict(Array("N".utf8)) == .fine && strict.verdict(Array("S".utf8)) == .fine)
    #expect(strict.verdict(Array("N".utf8)) == .failure("it speaks no TLS, which the address asks for"))
    #expect(plain.verdict(Array("HTTP/1.1".utf8)) == .failure("what answers there is not PostgreSQL"))
  }

  @Test func nonsenseIsNoAnswer() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...600, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      for greeting in [ServiceGreeting.postgres(needsTLS: true), .redis(user: nil, password: "x"), .none] {
        if greeting.verdict(bytes) == .incomplete { #expect(bytes.count <= 512) }
      }
    }
  }
}

/// Connects to a port of this machine.
private enum ProbeTrial {
  static func connect(_ port: Int, greeting: ServiceGreeting) throws(ProbeSocket.Failure) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var bytes = sockaddr()
    memcpy(&bytes, &address, MemoryLayout<sockaddr>.size)
    try ProbeSocket(AF_INET, &bytes, socklen_t(MemoryLayout<sockaddr_in>.size), due: ProbeSocket.now + 20_000)
      .greet(greeting)
  }
}

/// A port that somebody listens on, and never answers.
final class Listener: Sendable {
  struct Failed: Error {}
  let port: Int
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(descriptor, raw, size) != 0 || listen(descriptor, 128) != 0 || getsockname(descriptor, raw, &size) != 0
      }
    }
    guard !failed else { throw Failed() }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  func close() { Glibc.close(descriptor) }
}
