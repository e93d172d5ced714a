import Glibc
import MainstayReactor
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayRedis

/// Servers that cannot be found, cannot be reached, or stop answering.
@Suite("Reaching the server", .serialized, .timeLimit(.minutes(2)))
struct ReachTests {
  private func withClient(
    _ url: String, connectTimeout: Duration, _ body: (RedisClient) async throws -> Void
  ) async throws {
    let reactor = try Reactor(name: "redis-test")
    defer { reactor.shutdown() }
    var options = try RedisOptions(url: url)
    options.connectTimeout = connectTimeout
    let client = try RedisClient(options, reactor: reactor)
    defer { client.close() }
    try await body(client)
  }

  private func open(
    _ options: RedisOptions, _ names: NameLookup, _ reactor: Reactor, within limit: Duration
  ) async throws -> RedisConnection {
    try await RedisConnection.open(options, for: .shared, by: .now.advanced(by: limit), on: reactor, names: names)
  }

  @Test func aNameThatIsUnknownIsNamed() async throws {
    try await withClient("redis://:hunter2@name.invalid:6379", connectTimeout: .seconds(30)) { redis in
      let error = await #expect(throws: RedisError.self) { try await redis.send(.ping()) }
      #expect(error?.code == .notConnected)
      #expect(error?.message.contains("'name.invalid' was not found") == true)
      #expect(error?.message.contains("name server") == true)
      #expect(error?.message.contains("hunter2") == false)
      #expect(error?.isIndeterminate == false)
    }
  }

  /// The system's resolver cannot be interrupted; who waits for it goes all the same.
  @Test func aResolverThatHangsCostsNoMoreThanTheDeadline() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let gate = Gate()
    defer { gate.open() }
    func hangingNames() -> NameLookup {
      NameLookup(threads: BlockingThreads(name: "test", threads: 1, queueLimit: 1)) { _ in
        gate.pass()
        return .failure(NameLookupError(.notFound, "too late"))
      }
    }
    let options = try RedisOptions(url: "redis://db.test")
    let one = hangingNames()
    let waiting = Task { try await open(options, one, reactor, within: .seconds(60)) }
    try await reactor.run {}
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    // One hangs, one waits, one is too many.
    let names = hangingNames()
    var last: RedisError?
    while last?.code != .overloaded {
      last = await #expect(throws: RedisError.self) {
        try await open(options, names, reactor, within: .milliseconds(50))
      }
      #expect(last?.code == .overloaded || last?.message.contains("'db.test' was not looked up in time") == true)
    }
  }

  /// Every address of 127.0.0.0/8 is this machine's; the server listens at 127.0.0.1 only.
  @Test func theNextAddressIsTakenAndEachIsNamed() async throws {
    let port = try Hole(backlog: nil).port
    let server = try RedisServer(["--bind", "127.0.0.1", "--port", "\(port)"])
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let options = try RedisOptions(url: "redis://db.test:\(port)")
    func names(_ addresses: [String]) throws -> NameLookup {
      let addresses = try addresses.map { try #require(HostAddress($0)) }
      return NameLookup(threads: BlockingThreads(name: "test", threads: 1, queueLimit: 1)) { _ in .success(addresses) }
    }
    let connection = try await open(
      options, try names(["127.0.0.2", "::1", "127.0.0.1"]), reactor, within: .seconds(30))
    connection.close(.clientClosed)
    let error = await #expect(throws: RedisError.self) {
      try await open(options, try names(["127.0.0.2", "127.0.0.3"]), reactor, within: .seconds(30))
    }
    #expect(error?.code == .notConnected)
    #expect(error?.message.contains("(127.0.0.2) does not take the connection") == true)
    #expect(error?.message.contains("(127.0.0.3) does not take the connection") == true)
    server.stop()
  }

  @Test func aServerThatTakesNoConnectionCostsNoMoreThanTheDeadline() async throws {
    let hole = try Hole(backlog: 0)
    hole.fill()
    try await withClient("redis://127.0.0.1:\(hole.port)", connectTimeout: .milliseconds(100)) { redis in
      let error = await #expect(throws: RedisError.self) { try await redis.send(.ping()) }
      #expect(error?.code == .notConnected)
      #expect(error?.message.contains("did not take the connection in time") == true, "\(String(describing: error))")
    }
  }

  @Test func aServerThatSaysNothingCostsNoMoreThanTheDeadline() async throws {
    let hole = try Hole(backlog: 16)
    try await withClient("redis://127.0.0.1:\(hole.port)", connectTimeout: .seconds(1)) { redis in
      let error = await #expect(throws: RedisError.self) { try await redis.send(.ping()) }
      #expect(error?.code == .notConnected)
      #expect(error?.message.contains("took the connection but did not answer in time") == true)
      // Others are told at once, until the next attempt.
      let again = await #expect(throws: RedisError.self) { try await redis.send(.ping()) }
      #expect(again?.isIndeterminate == false)
    }
  }

  /// No replies are due on the connection of the subscriptions, so its silence alone says nothing: it is asked.
  @Test func aFrozenServerIsNoticedBySubscribers() async throws {
    let stall = Duration.milliseconds(250)
    try await withRedis(adjust: { options in
      options.stallTimeout = stall
      options.connectTimeout = .milliseconds(500)
    }) { (redis: RedisClient, server: RedisServer) async throws in
      let subscription = try await redis.subscribe(to: "news")
      let events = subscription.makeAsyncIterator()
      #expect(redis.statistics.subscriptionConnections == 1)
      server.signal(SIGSTOP)
      let frozen = ContinuousClock.now
      #expect(await eventually { redis.statistics.subscriptionConnections == 0 })
      print("subscription: a frozen server was noticed after \(frozen.duration(to: .now)), stated: within \(stall * 2)")
      server.signal(SIGCONT)
      #expect(await events.next() == .gap(.reconnected))
      #expect(await eventually { (try? await redis.send(.publish("after", to: "news"))) ?? 0 > 0 })
      var event = await events.next()
      // A machine that is slow for a moment may have it noticed once more.
      while event == .gap(.reconnected) { event = await events.next() }
      #expect(event == .message(RedisMessage(channel: "news", pattern: nil, payload: Array("after".utf8))))
    }
  }

  /// One subscribes while another one, the last, leaves: what it sends to leave must not end the new subscription.
  @Test func leavingDoesNotEndASubscriptionThatBeginsMeanwhile() async throws {
    try await withRedis { (redis: RedisClient, _: RedisServer) async throws in
      for round in 0..<300 {
        let leaving = try await redis.subscribe(to: "news")
        async let gone: Void = { leaving.cancel() }()
        let staying = try await redis.subscribe(to: "news")
        await gone
        let heard = try await redis.send(.publish("\(round)", to: "news"))
        #expect(heard == 1, "round \(round)")
        staying.cancel()
      }
    }
  }
}

/// What threads wait at until it is opened.
private final class Gate: Sendable {
  private let isOpen = Mutex(false)

  func open() { isOpen.withLock { $0 = true } }

  /// Blocks the thread.
  func pass() {
    while !isOpen.withLock({ $0 }) { usleep(1_000) }
  }
}

/// A port of 127.0.0.1 where nobody listens, or where nobody takes the connections that are made.
private final class Hole: Sendable {
  let port: UInt16
  private let listener: Int32
  private let callers = Mutex<[Int32]>([])

  init(backlog: Int32?) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let isBound = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    try #require(isBound)
    if let backlog { try #require(listen(listener, backlog) == 0) }
    port = UInt16(bigEndian: name.sin_port)
  }

  deinit {
    close(listener)
    for caller in callers.withLock({ $0 }) { close(caller) }
  }

  /// Connects as often as the system lets callers wait; the next one's packets are dropped.
  func fill() {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    name.sin_port = port.bigEndian
    for _ in 0..<8 {
      let caller = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
      _ = withUnsafePointer(to: &name) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(caller, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      callers.withLock { $0.append(caller) }
    }
  }
}
