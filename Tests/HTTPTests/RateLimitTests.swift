import HTTPTypes
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayHTTPServer

@Suite struct RateLimitTests {
  private let start = ContinuousClock.now

  @Test func letsABurstThroughAndThenOneForEachInterval() {
    let limit = RateLimit(requests: 2, period: .seconds(1), burst: 3)
    var due: ContinuousClock.Instant?
    var transcript: [String] = []
    for milliseconds in [0, 0, 0, 0, 499, 500, 501, 1000, 5000, 5000, 5000, 5000] {
      let now = start.advanced(by: .milliseconds(milliseconds))
      let (decision, next) = limit.decide(due: due, now: now)
      due = next
      transcript.append(
        "\(milliseconds) \(decision.isAllowed ? "yes" : "no") \(decision.remaining) \(decision.retryAfter)")
    }
    #expect(
      transcript == [
        "0 yes 2 0.0 seconds", "0 yes 1 0.0 seconds", "0 yes 0 0.5 seconds", "0 no 0 0.5 seconds",
        "499 no 0 0.001 seconds", "500 yes 0 0.5 seconds", "501 no 0 0.499 seconds", "1000 yes 0 0.5 seconds",
        "5000 yes 2 0.0 seconds", "5000 yes 1 0.0 seconds", "5000 yes 0 0.5 seconds", "5000 no 0 0.5 seconds",
      ])
  }

  @Test(arguments: 0..<50)
  func neverAllowsMoreThanBurstAndRateAndAlwaysAfterTheWait(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = RateLimit(
      requests: .random(in: 1...20, using: &random), period: .milliseconds(.random(in: 10...2000, using: &random)),
      burst: .random(in: 1...10, using: &random))
    var due: ContinuousClock.Instant?
    var elapsed = Duration.zero
    var allowed = 0
    for _ in 0..<500 {
      elapsed += .milliseconds(.random(in: 0...200, using: &random))
      let (decision, next) = limit.decide(due: due, now: start.advanced(by: elapsed))
      due = next
      if decision.isAllowed { allowed += 1 }
      #expect(Double(allowed) <= Double(limit.burst) + elapsed / limit.interval + 1e-6)
      if !decision.isAllowed {
        let later = start.advanced(by: elapsed + decision.retryAfter)
        #expect(limit.decide(due: due, now: later).0.isAllowed)
        let before = later.advanced(by: .nanoseconds(-1))
        #expect(!limit.decide(due: due, now: before).0.isAllowed)
      }
    }
  }

  @Test func forgetsTheClientThatWasQuietForLongest() {
    var table = RateLimitTable<String>(capacity: 3)
    let limit = RateLimit(requests: 1, period: .seconds(60))
    for client in ["a", "b", "c", "a", "d"] { _ = table.decide(client, limit, now: start) }
    #expect(table.keys == ["d", "a", "c"])
    #expect(table.evictions == 1)
    #expect(!table.decide("a", limit, now: start).isAllowed)
    #expect(table.decide("b", limit, now: start).isAllowed)
    #expect(table.count == 3)
  }

  @Test(arguments: 0..<20)
  func staysWithinItsCapacityAndAgreesWithADictionary(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var table = RateLimitTable<Int>(capacity: 16)
    let limit = RateLimit(requests: 3, period: .seconds(1))
    var model: [Int: ContinuousClock.Instant] = [:]
    var recent: [Int] = []
    for step in 0..<2000 {
      let now = start.advanced(by: .milliseconds(step * 5))
      let client = Int.random(in: 0..<24, using: &random)
      let (expected, due) = limit.decide(due: model[client], now: now)
      #expect(table.decide(client, limit, now: now) == expected)
      model[client] = due
      recent.removeAll { $0 == client }
      recent.insert(client, at: 0)
      if recent.count > 16 { model[recent.removeLast()] = nil }
      #expect(table.count <= 16)
    }
    #expect(table.keys == recent)
  }

  @Test func takesTheRuleThatFitsBest() throws {
    var all = RateLimitRule()
    all.requests = 1
    var templates = RateLimitRule()
    templates.path = "/templates"
    templates.requests = 2
    var writes = templates
    writes.methods = ["PUT"]
    writes.requests = 3
    let rules = RateLimitRules([all, templates, writes])
    #expect(rules.rule(for: "GET", path: "/health")?.limit.requests == 1)
    #expect(rules.rule(for: "GET", path: "/templates")?.limit.requests == 2)
    #expect(rules.rule(for: "GET", path: "/templates/{name}")?.limit.requests == 2)
    #expect(rules.rule(for: "PUT", path: "/templates/{name}")?.limit.requests == 3)
    #expect(rules.rule(for: "GET", path: "/templatesX")?.limit.requests == 1)
  }

  @Test func refusesWithTheTimeToWaitAndTellsOnceASecond() async throws {
    let clock = ManualClock()
    let bus = EventBus(clock: clock)
    let recorder = EventRecorder(bus)
    var rule = RateLimitRule()
    (rule.requests, rule.per) = (2, .seconds(10))
    var configuration = RateLimitConfiguration()
    configuration.rules = [rule]
    let gate = RateLimitEnforcement(configuration, bus: bus, clock: clock)
    let route = Route.get("/x/{id}", "") { _, _ in .noContent }
    func ask(_ address: String?) async throws -> HTTPFields {
      try await gate.admit(.test("/x/1"), to: route, .test(address))
    }
    #expect(try await ask("192.0.2.1").text("RateLimit-Remaining") == "1")
    #expect(try await ask("192.0.2.1").text("RateLimit-Limit") == "2")
    let problem = try await #require(throws: HTTPProblem.self) { try await ask("192.0.2.1") }
    #expect(problem.status == .tooManyRequests)
    #expect(problem.headers[.retryAfter] == "5")
    #expect(problem.headers.text("RateLimit-Policy") == "2;w=10")
    #expect(problem.headers.text("RateLimit-Remaining") == "0")
    // Another client is not held back, and a second refusal in the same second is not told.
    _ = try await ask("192.0.2.2")
    await #expect(throws: HTTPProblem.self) { try await ask("192.0.2.1") }
    #expect(recorder.events(of: HTTPRateLimited.self).map(\.client) == ["address 192.0.2.1"])
    #expect(recorder.events(of: HTTPRateLimited.self).map(\.route) == ["/x/{id}"])
    clock.advance(by: .seconds(1))
    await #expect(throws: HTTPProblem.self) { try await ask("192.0.2.1") }
    #expect(recorder.events(of: HTTPRateLimited.self).count == 2)
    clock.advance(by: .seconds(4))
    _ = try await ask("192.0.2.1")
  }

  @Test(arguments: [("GET", "/x/1", 401), ("GET", "/x/1/2", 404), ("PUT", "/x/1", 405), ("GET", "/api/x/1/2", 404)])
  func countsWhatIsTurnedAway(method: String, path: String, status: Int) async throws {
    let bus = EventBus(clock: ManualClock())
    var rule = RateLimitRule()
    (rule.path, rule.requests, rule.by) = ("/x", 2, .address)
    var configuration = RateLimitConfiguration()
    configuration.rules = [rule]
    let table = RouteTable(
      [.init(plugin: "test", value: [.get("/x/{id}", "") { _, _ in .noContent }])], aliases: .standard)
    let pipeline = RequestPipeline(
      routes: { table }, state: ServingState(.serving), access: AccessControl(authenticators: { [] }, remedy: ""),
      gates: [RateLimitEnforcement(configuration, bus: bus, clock: ManualClock())], bodyLimit: 1, logger: .silent)
    let verb = try #require(HTTPRequest.Method(method))
    var statuses: [Int] = []
    for _ in 0..<3 {
      statuses.append(await pipeline.respond(to: .test(path, method: verb), on: Peer()).response.status.code)
    }
    #expect(statuses == [status, status, 429])
    // Outside of the rule's path nothing is counted.
    #expect(await pipeline.respond(to: .test("/y"), on: Peer()).response.status == .notFound)
  }

  private struct Peer: RequestConnection {
    let remoteAddress: String? = "192.0.2.1"
    func proceed() {}
    func allow(_ time: Duration) {}
  }

  @Test func countsANetworkOfIPv6AsOneClient() {
    #expect(RateLimitEnforcement.address("2001:db8:1:2:3::9") == "address 2001:db8:1:2::/64")
    #expect(RateLimitEnforcement.address("2001:db8:1:2::1") == RateLimitEnforcement.address("2001:db8:1:2:ffff::"))
    #expect(RateLimitEnforcement.address("::ffff:192.0.2.7") == "address 192.0.2.7")
    #expect(RateLimitEnforcement.address(nil) == "address unix")
  }
}

@Suite struct RateLimitClientAddressTests {
  private func resolve(
    _ peer: String?, _ forwarded: [String], trusted: [String] = ["10.0.0.0/8", "fd00::/8"]
  ) -> String? {
    ClientAddress(trustedProxies: trusted).resolve(peer: peer, fields: .init(xForwardedFor: forwarded))
  }

  @Test func believesNobodyWhoIsNotTrusted() {
    #expect(resolve("203.0.113.5", ["198.51.100.1"]) == "203.0.113.5")
    #expect(resolve("10.1.2.3", ["198.51.100.1"], trusted: []) == "10.1.2.3")
    #expect(resolve(nil, ["198.51.100.1"]) == nil)
    #expect(resolve(nil, ["198.51.100.1"], trusted: ["unix"]) == "198.51.100.1")
  }

  @Test func takesTheRightmostAddressThatIsNoProxy() {
    #expect(resolve("10.0.0.1", ["198.51.100.1"]) == "198.51.100.1")
    #expect(resolve("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.9.9.9"]) == "198.51.100.1")
    #expect(resolve("10.0.0.1", ["1.1.1.1", "198.51.100.1", "10.9.9.9 , fd00::7"]) == "198.51.100.1")
    #expect(resolve("::ffff:10.0.0.1", ["198.51.100.1:4711"]) == "198.51.100.1")
    #expect(resolve("10.0.0.1", ["[2001:db8::1]:4711"]) == "2001:db8::1")
    #expect(resolve("10.0.0.1", ["2001:db8::1"]) == "2001:db8::1")
    #expect(resolve("10.0.0.1", ["10.0.0.7, 10.0.0.8"]) == "10.0.0.7")
    #expect(resolve("10.0.0.1", []) == "10.0.0.1")
  }

  @Test func stopsAtWhatIsNoAddress() {
    #expect(resolve("10.0.0.1", ["198.51.100.1, nonsense"]) == "10.0.0.1")
    #expect(resolve("10.0.0.1", ["198.51.100.1, nonsense, 10.0.0.9"]) == "10.0.0.9")
    #expect(resolve("10.0.0.1", [","]) == "10.0.0.1")
  }

  @Test func readsForwardedOnlyWhereItIsConfigured() {
    let fields = ClientAddress.ForwardedFields(
      xForwardedFor: ["6.6.6.6"],
      forwarded: ["for=\"[2001:db8:cafe::17]:4711\";proto=https", "For=10.0.0.4;by=\"a,b\""])
    let forwarded = ClientAddress(trustedProxies: ["10.0.0.0/8"], header: .forwarded)
    #expect(forwarded.resolve(peer: "10.0.0.1", fields: fields) == "2001:db8:cafe::17")
    #expect(ClientAddress(trustedProxies: ["10.0.0.0/8"]).resolve(peer: "10.0.0.1", fields: fields) == "6.6.6.6")
    let hidden = ClientAddress.ForwardedFields(forwarded: ["for=_hidden, for=unknown"])
    #expect(forwarded.resolve(peer: "10.0.0.1", fields: hidden) == "10.0.0.1")
  }

  @Test func knowsNetworks() throws {
    let network = try #require(IPNetwork("192.0.2.128/25"))
    #expect(network.contains(try #require(IPAddress("192.0.2.200"))))
    #expect(!network.contains(try #require(IPAddress("192.0.2.100"))))
    #expect(try #require(IPNetwork("::/0")).contains(try #require(IPAddress("2001:db8::1"))))
    #expect(try #require(IPNetwork("fe80::/10")).contains(try #require(IPAddress("fe80::1%eth0"))))
    for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "1.2.3", "::/129", "10.0.0.0/-1", "example.com"] {
      #expect(IPNetwork(text) == nil, "\(text)")
    }
  }

  @Test func survivesAnything() {
    var random = SeededGenerator(seed: 7)
    let alphabet = Array("0123456789abcdef.:,;[]\"=for /%\t\u{0}ü")
    for _ in 0..<10_000 {
      let text = String(
        (0..<Int.random(in: 0...60, using: &random)).map { _ in
          alphabet.randomElement(using: &random) ?? "x"
        })
      let fields = ClientAddress.ForwardedFields(xForwardedFor: [text], forwarded: [text])
      for header in HTTPProxyHeader.allCases {
        let resolved = ClientAddress(trustedProxies: ["10.0.0.0/8"], header: header).resolve(
          peer: "10.0.0.1", fields: fields)
        #expect(resolved.flatMap { IPAddress($0) } != nil)
      }
    }
  }
}
