import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayResilience

/// The services of a host, and the client that calls them.
struct ResilienceRegistryTests {
  let clock = ManualClock()
  let timer: DeadlineTimer

  init() { timer = DeadlineTimer(clock: clock) }

  @Test func everyCallerOfAServiceSharesItsBreakerAndBudget() async throws {
    let resilience = Resilience(timer: timer)
    let one = try resilience.service("stripe")
    let two = try resilience.service("stripe")
    #expect(one.breaker === two.breaker && one.budget === two.budget && one.retry.budget === one.budget)
    #expect(resilience.known.map(\.name) == ["stripe"])
    let names = Mutex<[String?]>([])
    let call = RetryCall("read", idempotency: .safe, strategy: RetryStrategy("once", attempts: 1, backoff: .none)) {
      notice in
      names.withLock { $0.append(notice.service) }
    }
    _ = try? await one.run(call) { throw Failure() }
    #expect(names.withLock { $0 } == ["stripe"])
  }

  @Test func aServiceMayBeAnsweredFor() async throws {
    let stripe = try Resilience(timer: timer).service("stripe")
    let names = Mutex<[String?]>([])
    let call = RetryCall("read", idempotency: .safe, strategy: RetryStrategy.none) { notice in
      names.withLock { $0.append(notice.service) }
    }
    let answer = try await stripe.run(call, fallback: { error in "\(type(of: error))" }, { throw Failure() })
    #expect(answer == "Failure" && names.withLock { $0 } == ["stripe"])
  }

  @Test func strategiesAreThePresetsAndThoseOfTheHost() throws {
    let own = RetryStrategy("patient", attempts: 7, backoff: .none)
    let quick = RetryStrategy("quick", attempts: 9, backoff: .none)
    let resilience = Resilience(timer: timer, strategies: [own, quick])
    #expect(try resilience.strategy("patient") == own)
    #expect(try resilience.strategy("quick").attempts == 9)
    let error = #expect(throws: ResilienceError.self) { try resilience.strategy("quik") }
    #expect(error?.message.contains("there is no retry strategy 'quik'; there are: aggressive, api,") == true)
    #expect(try resilience.retry("database") === resilience.retry("database"))
    #expect(resilience.known.count == 1 && resilience.services.isEmpty, "it is no service, and has no breaker to show")
  }

  @Test func namesMadeOfDataDoNotFillTheMemory() throws {
    let resilience = Resilience(timer: timer, services: ["stripe": ServiceSettings()], mostServices: 3)
    _ = try resilience.service("a")
    _ = try resilience.service("b")
    #expect(throws: ResilienceError.self) { try resilience.service("c") }
    _ = try resilience.service("stripe")
    _ = try resilience.service("a")
  }

  @Test func tellsOfBreakers() async throws {
    let changes = Mutex<[String]>([])
    let resilience = Resilience(
      timer: timer, standard: ServiceSettings(strategy: .none, breaker: .init(trip: .consecutive(failures: 1))),
      observer: .init(breaker: { name, change in changes.withLock { $0.append("\(name) \(change.to)") } }))
    _ = try? await resilience.service("twilio").run("send", .safe) { throw Failure() }
    #expect(changes.withLock { $0 } == ["twilio open"])
  }

  // The client.

  private func client(_ transport: Transport, strategy: RetryStrategy = .none) -> OutboundClient {
    OutboundClient(
      [
        "stripe": .init(
          baseURL: "https://api.stripe.test/v1/", headers: [("authorization", Secret("Bearer canary"))])
      ],
      resilience: Resilience(timer: timer, standard: ServiceSettings(strategy: strategy)), transport: transport,
      context: { [("x-request-id", "r-1")] })
  }

  @Test func sendsToTheBaseURLWithTheCallersContext() async throws {
    let transport = Transport([.init(status: 201, headers: [("X-A", "b")], body: [1])])
    let answer = try await client(transport).send(
      OutboundRequest("POST", "/charges", body: [7], idempotency: .keyed("order-1")), to: "stripe")
    #expect(answer.status == 201 && answer.header("x-a") == "b" && answer.body == [1])
    let sent = try #require(transport.sent.first)
    #expect(sent.url == "https://api.stripe.test/v1/charges")
    #expect(sent.headers["authorization"] == "Bearer canary")
    #expect(sent.headers["x-request-id"] == "r-1" && sent.headers["idempotency-key"] == "order-1")
    #expect(sent.headers["x-retry-attempt"] == nil)
  }

  /// A POST that may have arrived is sent once; with a key it is repeated with the same key.
  @Test func repeatsOnlyWhatMayBeRepeated() async throws {
    let strategy = RetryStrategy("test", attempts: 3, backoff: .none, overallTimeout: .seconds(9))
    let broken = Transport([.init(status: 500), .init(status: 502), .init(status: 200)])
    let error = await #expect(throws: OutboundError.self) {
      try await client(broken, strategy: strategy).send(OutboundRequest("POST", "/charges"), to: "stripe")
    }
    #expect(error?.code == .status(500) && error?.response?.status == 500)
    #expect("\(error.map { "\($0)" } ?? "")" == "'stripe' answered with status 500")
    let keyed = OutboundRequest("POST", "/charges", idempotency: .keyed("k"))
    #expect(try await client(broken, strategy: strategy).send(keyed, to: "stripe").status == 200)
    #expect(broken.sent.count == 3)
    #expect(broken.sent.suffix(2).map { $0.headers["idempotency-key"] } == ["k", "k"])
    #expect(broken.sent.map { $0.headers["x-retry-attempt"] } == [nil, nil, "2"])
    #expect(broken.sent.last?.headers["x-request-deadline-ms"] == "9000")
  }

  @Test func answersThatAreNoFailuresAreReturned() async throws {
    let transport = Transport([.init(status: 404), .init(status: 302)])
    let client = client(transport, strategy: RetryStrategy("test", attempts: 3, backoff: .none))
    #expect(try await client.send(OutboundRequest("GET", "/charges/1"), to: "stripe").status == 404)
    #expect(try await client.send(OutboundRequest("GET", "/charges/1"), to: "stripe").status == 302)
  }

  @Test func refusesWhatCannotBeSent() async {
    let client = client(Transport([]))
    let unknown = await #expect(throws: OutboundError.self) {
      try await client.send(OutboundRequest("GET", "/"), to: "paypal")
    }
    #expect(unknown?.description.contains("no base_url in the manifest; there are: stripe") == true)
    for path in ["", "charges", "/x y", "/a\r\nHost: evil"] {
      let error = await #expect(throws: OutboundError.self) {
        try await client.send(OutboundRequest("GET", path), to: "stripe")
      }
      #expect(error?.code == .invalid)
    }
  }

  @Test func readsRetryAfterOfAnswers() async throws {
    let transport = Transport([.init(status: 429, headers: [("Retry-After", "7200")])])
    let error = await #expect(throws: OutboundError.self) {
      try await client(transport, strategy: .standard).send(OutboundRequest("GET", "/"), to: "stripe")
    }
    #expect(error?.callAdvice == .throttled(after: .seconds(7200)))
    #expect(OutboundError(.unreachable, service: "s").callAdvice == .withoutEffect)
    #expect(OutboundError(.status(500), service: "s").callVerdict == .failure)
    #expect(OutboundError(.invalid, service: "s").callVerdict == .success)
  }
}

/// Answers in order, and remembers what was sent.
private final class Transport: OutboundTransport {
  struct Sent: Sendable {
    let url: String
    let headers: [String: String]
  }

  private struct State {
    var answers: [OutboundResponse]
    var sent: [Sent] = []
  }

  private let state: Mutex<State>

  init(_ answers: [OutboundResponse]) { state = Mutex(State(answers: answers)) }

  var sent: [Sent] { state.withLock { $0.sent } }

  func send(
    _ request: OutboundRequest, url: String, service: String, longestBody: Int
  ) async throws -> OutboundResponse {
    state.withLock { state in
      state.sent.append(
        Sent(url: url, headers: Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })))
      return state.answers.isEmpty ? OutboundResponse(status: 200) : state.answers.removeFirst()
    }
  }
}
