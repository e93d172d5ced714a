import AsyncHTTPClient
import MainstayHTTP
import MainstayHealth
import MainstayKernel
import MainstayTesting
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import MainstayEventsCommand
@testable import MainstayHTTPServer

private struct Rang: Event {
  static let topic: Topic = "bell.rang"
  let times: Int
}

/// The stream of events and the command that follows it, over a real socket.
@Suite struct EventStreamServerTests {
  private static let manifest = """
    host: { environment: production }
    plugins:
      http:
        port: 0
        auth: { api_keys: [{ name: ada, key: 0123456789abcdef }, { name: eve, key: fedcba9876543210, roles: [x] }] }
        events: { max_streams_per_caller: 2 }
    """

  private func withServer(_ body: (Kernel, String) async throws -> Void) async throws {
    try await withHost([HTTPPlugin.self], manifest: Self.manifest) { host in
      try await body(host, try #require(host.events.last(HTTPListening.self)).address)
    }
  }

  private func open(_ url: String, key: String? = "0123456789abcdef") async throws -> HTTPClientResponse {
    var request = HTTPClientRequest(url: url)
    if let key { request.headers.add(name: "X-API-Key", value: key) }
    return try await HTTPClient.shared.execute(request, deadline: .now() + .seconds(30))
  }

  @Test func streamsAndEndsWithTheHost() async throws {
    try await withServer { host, address in
      let response = try await open(address + "/events?topic=bell.*&topic=gong.**")
      #expect(response.status == .ok)
      #expect(response.headers.first(name: "content-type") == "text/event-stream")
      var frames = response.body.makeAsyncIterator()
      #expect(try await frames.next().map { String(buffer: $0) } == "retry: 3000\n\n")
      host.events.publish(Rang(times: 3))
      let frame = try #require(try await frames.next().map { String(buffer: $0) })
      #expect(frame.contains("event: bell.rang\n") && frame.contains("\"times\":3"))
      host.requestStop(reason: "test")
      var last = ""
      while let buffer = try await frames.next() { last += String(buffer: buffer) }
      #expect(last.hasSuffix(": the stream ends\n\n"), "\(last)")
    }
  }

  @Test func refusesWhatItMust() async throws {
    try await withServer { host, address in
      #expect(try await open(address + "/events", key: nil).status == .unauthorized)
      #expect(try await open(address + "/events", key: "fedcba9876543210").status == .forbidden)
      let wrong = try await open(address + "/events?topic=Not.A.Topic!")
      #expect(wrong.status == .badRequest)
      #expect(wrong.headers.first(name: "content-type") == "application/problem+json")
      let many = try await open(address + "/events?" + (0..<17).map { "topic=a\($0)" }.joined(separator: "&"))
      #expect(many.status == .badRequest)
      var held = [try await open(address + "/events"), try await open(address + "/events")]
      let third = try await open(address + "/events")
      #expect(third.status == .tooManyRequests)
      #expect(third.headers.first(name: "retry-after") == "10")
      held.removeAll()
    }
  }

  /// Whatever else listens there may answer 200 as well.
  @Test(arguments: [("/health", "application/json"), ("/hello?", "text/plain")])
  func whatIsNoStreamIsNotFollowed(path: String, type: String) async throws {
    let routes: Routes = [
      .get("/health/events", "Answers in JSON.", access: .open) { _, _ in try .json(["status": "up"]) },
      .get("/hello", "Answers in text.", access: .open) { _, _ in .text("hello") },
    ]
    try await TestServer.run(routes) { server in
      var tail = EventTail(url: "http://127.0.0.1:\(server.port ?? 0)\(path)", patterns: [], key: nil)
      let refusal = await #expect(throws: EventTail.Refusal.self) {
        try await tail.follow(limit: 1, { _, _ in }, notice: { _ in })
      }
      #expect(refusal?.description.contains("answers with \(type), not with events") == true)
    }
  }

  @Test(arguments: [true, false])
  func aClientThatGoesAwayFreesItsSlotWithoutAHeartbeat(onlyItsSide: Bool) async throws {
    let clock = ManualClock()
    try await withHost([HTTPPlugin.self], manifest: Self.manifest, clock: clock) { host in
      let port = try #require(host.events.last(HTTPListening.self)).port
      @Sendable func subscriptions() -> Int {
        host.events.statistics.subscriptions.count { $0.subscription == "bell.*" }
      }
      let client = try await RawClient.connect(port: port)
      try await client.send(request("GET /events?topic=bell.* HTTP/1.1", "X-API-Key: 0123456789abcdef"))
      try await client.receive(until: "retry: 3000")
      #expect(subscriptions() == 1)
      if onlyItsSide { try await client.closeOutput() } else { await client.close() }
      // No time passes for the host: no heartbeat can find out.
      try await eventually("the stream ends") { subscriptions() == 0 }
      await client.close()
    }
  }

  @Test func theCommandFollowsIt() async throws {
    try await withServer { host, address in
      let received = Mutex<[String]>([])
      let tail = Task {
        var tail = EventTail(url: address + "/", patterns: ["bell.*"], key: "0123456789abcdef")
        try await tail.follow(limit: 3) { type, data in
          received.withLock { $0.append("\(type) \(data)") }
        } notice: { _ in
        }
      }
      // The subscription shows when the stream is open.
      while !host.events.statistics.subscriptions.contains(where: { $0.subscription == "bell.*" }) {
        await Task.yield()
      }
      for times in 1...3 { host.events.publish(Rang(times: times)) }
      try await tail.value
      let lines = received.withLock { $0 }
      #expect(lines.count == 3)
      #expect(lines.first?.hasPrefix("bell.rang {") == true)
    }
  }

  @Test func theCommandSaysHowToGetAKey() async throws {
    try await withServer { _, address in
      for (key, words) in [(nil, "asks for an API key"), ("wrong", "does not accept this API key")]
        as [(String?, String)]
      {
        var tail = EventTail(url: address, patterns: [], key: key)
        let refusal = await #expect(throws: EventTail.Refusal.self) {
          try await tail.follow(limit: 1) { _, _ in
          } notice: { _ in
          }
        }
        #expect(refusal?.description.contains(words) == true)
        #expect(refusal?.description.contains("api_keys") == true)
        #expect(refusal?.isUsage == false)
      }
      var wrong = EventTail(url: address, patterns: ["Bad!"], key: "0123456789abcdef")
      let refusal = await #expect(throws: EventTail.Refusal.self) {
        try await wrong.follow(limit: 1) { _, _ in
        } notice: { _ in
        }
      }
      #expect(refusal?.isUsage == true)
    }
  }

  @Test func theCommandSaysThatNobodyIsThere() async {
    // Port 9 is the discard service, which nobody runs.
    var tail = EventTail(url: "http://127.0.0.1:9", patterns: [], key: nil)
    let refusal = await #expect(throws: EventTail.Refusal.self) {
      try await tail.follow(limit: 1) { _, _ in
      } notice: { _ in
      }
    }
    #expect(refusal?.description.contains("cannot reach http://127.0.0.1:9/events") == true)
  }
}
