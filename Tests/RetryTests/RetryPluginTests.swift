import HTTPTypes
import MainstayCapabilities
import MainstayHTTP
import MainstayHTTPTesting
import MainstayInstruments
import MainstayKernel
import MainstayResilience
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayRetry

/// The plugin in a host.
struct RetryPluginTests {
  private static let operatorRole = Identity(subject: "ada", roles: ["viewer", "operator"], scheme: "test")

  private func withPlugin(
    _ section: String, clock: ManualClock = ManualClock(),
    _ body: (Kernel, TestRoutes, Collector.Found) async throws -> Void
  ) async throws {
    let manifest = "plugins: { collector: {}, retry: \(section) }"
    try await withHost([Collector.self, RetryPlugin.self], manifest: manifest, clock: clock) { host in
      let found = try #require(host.events.last(Collector.Ready.self)).found
      try await body(host, TestRoutes(found.routes(), caller: Self.operatorRole), found)
    }
  }

  @Test func listsItsStrategies() async throws {
    try await withPlugin("{ strategies: { patient: { attempts: 7, delay: 3s } } }") { _, routes, _ in
      let json = try await routes.get("/retry/strategies").json
      guard case .array(let list)? = json["strategies"] else {
        Issue.record("\(json)")
        return
      }
      #expect(list.count == 10)
      let patient = list.first { $0["name"] == "patient" }
      #expect(patient?["attempts"] == 7 && patient?["delayMilliseconds"] == 3000.0)
    }
  }

  @Test func declaredBreakersOpenTellAndAreSwitchedByHand() async throws {
    let section = "{ default_strategy: none, breakers: { stripe: { failure_threshold: 2, timeout: 30s }, twilio: {} } }"
    let clock = ManualClock()
    try await withPlugin(section, clock: clock) { host, routes, found in
      let recorder = EventRecorder(host.events, "retry.*")
      let stripe = try found.resilience.service("stripe")
      struct Down: Error {}
      for _ in 0..<2 { _ = try? await stripe.run("charge", .safe) { throw Down() } }
      let opened = try await recorder.next(BreakerChanged.self)
      #expect(opened.service == "stripe" && opened.from == "closed" && opened.to == "open")
      let status = try await routes.get("/circuit-breakers/stripe").json
      #expect(status["state"] == "OPEN" && status["retryAfterMilliseconds"] == 30_000.0)
      #expect(status["lastFailure"] == 1_735_689_600.0)
      let all = try await routes.get("/circuit-breakers").json
      #expect(all["breakers"]?["twilio"]?["state"] == "CLOSED")
      let check = try await found.check("breakers").look()
      #expect(check.status == .degraded && check.message == "open: stripe")
      #expect(try await routes.send(.post, "/circuit-breakers/stripe/reset").json["state"] == "CLOSED")
      #expect(try await routes.send(.post, "/circuit-breakers/twilio/open").json["state"] == "FORCED_OPEN")
      await #expect(throws: CallRejection.self) {
        try await found.resilience.service("twilio").run("send", .safe) {}
      }
      #expect(try await routes.send(.post, "/circuit-breakers/twilio/disable").json["state"] == "DISABLED")
      #expect(await routes.send(.post, "/circuit-breakers/twilio/explode").status == .notFound)
      #expect(await routes.get("/circuit-breakers/nobody").status == .notFound)
    }
  }

  @Test func tellsOfServicesThatDoNotAnswer() async throws {
    let server = try await ScriptedServer(["503", "503", "503"])
    let section = """
      { default_strategy: none, breakers: { nameSilo: { base_url: "\(server.url)", failure_threshold: 9 }, openAI: {} } }
      """
    try await withPlugin(section) { _, _, found in
      let check = try found.check("http_client")
      for failures in 1...3 {
        #expect(try await check.look().status == .healthy)
        let error = await #expect(throws: OutboundError.self) {
          try await found.outbound.send(OutboundRequest("GET", "/"), to: "nameSilo")
        }
        #expect(error?.code == .status(503) && found.outbound.counts["nameSilo"]?.failuresInARow == failures)
      }
      let finding = try await check.look()
      #expect(finding.status == .degraded && finding.message == "three failures in a row or more: nameSilo")
      #expect(finding.details["requests"] == 3 && finding.details["inFlight"] == 0)
    }
    try await server.stop()
  }

  @Test func tellsAndRecordsWhatIsRepeated() async throws {
    let clock = ManualClock()
    try await withPlugin("{ strategies: { test: { attempts: 2, delay: 1s, jitter: none } } }", clock: clock) {
      host, routes, found in
      let recorder = EventRecorder(host.events, "retry.*")
      let retry = try found.resilience.retry("test")
      let calls = Atomic<Int>(0)
      let task = Task {
        await retry.outcome(of: RetryCall("load", idempotency: .safe, metadata: ["order": "7"])) {
          if calls.wrappingAdd(1, ordering: .relaxed).newValue == 1 { throw OutboundError(.interrupted, service: "s") }
        }
      }
      await clock.waitForSleeper(due: .seconds(1))
      clock.advance(by: .seconds(1))
      let outcome = await task.value
      let attempt = try await recorder.next(RetryAttempted.self)
      #expect(attempt.operation == "load" && attempt.waitMilliseconds == 1000 && attempt.error == "OutboundError")
      #expect(try await recorder.next(RetrySucceeded.self).attempts == 2)
      let id = try #require(outcome.executionID)
      let execution = try await routes.get("/retry/executions/\(id)").json
      #expect(execution["state"] == "succeeded" && execution["metadata"]?["order"] == "7")
      #expect(await routes.get("/retry/executions/99999").status == .notFound)
      #expect(await routes.get("/retry/executions/x").status == .notFound)
      #expect(await routes.get("/retry/executions?limit=1").status == .ok)
      for limit in ["x", "-1", "0", "1001", "99999999999999999999", ""] {
        #expect(await routes.get("/retry/executions?limit=\(limit)").status == .badRequest, "\(limit)")
      }
      #expect(try await routes.get("/circuit-breakers").json["breakers"] == [:], "a strategy by itself has no breaker")
      let metrics = try await routes.get("/retry/metrics").json
      #expect(metrics["total"]?["succeededLater"] == 1 && metrics["total"]?["retries"] == 1)
      #expect(await routes.delete("/retry/metrics").status == .noContent)
      #expect(try await routes.get("/retry/metrics").json["total"]?["calls"] == 0)
      #expect(await routes.get("/retry/executions/\(id)").status == .notFound)
    }
  }

  /// What an error says may hold data: none of it is told, by no way.
  @Test func tellsNoneOfTheTextsOfErrors() async throws {
    struct Canary: Error, CustomStringConvertible { var description: String { "CANARY-7 of Ada Lovelace" } }
    let section = "{ default_strategy: none, breakers: { stripe: { failure_threshold: 1 } } }"
    try await withPlugin(section) { host, routes, found in
      let recorder = EventRecorder(host.events)
      _ = try? await found.resilience.service("stripe").run("charge", .safe) { throw Canary() }
      _ = try await recorder.next(BreakerChanged.self)
      _ = try await recorder.next(RetryFailed.self)
      var told = recorder.events.map { $0.json.compact }
      for path in ["/retry/executions", "/retry/executions/1", "/retry/metrics", "/circuit-breakers"] {
        let answer = await routes.get(path)
        #expect(answer.status == .ok)
        told.append(answer.text)
      }
      for check in found.checks() { told.append("\(try await check.look())") }
      #expect(told.contains { $0.contains("Canary") }, "the type is told")
      #expect(!told.contains { $0.contains("CANARY") || $0.contains("Ada") })
    }
  }

  @Test func showsHowEveryLimitIs() async throws {
    let section = """
      { default_strategy: none,
        breakers: { stripe: { concurrency: 3, queue: 2, adaptive: true, hedge_after: 1h, hedge_quantile: 0.9 } } }
      """
    try await withPlugin(section) { _, routes, found in
      let stripe = try found.resilience.service("stripe")
      #expect(stripe.pipeline.hedge?.delay == .quantile(0.9, initially: .seconds(3600)))
      try await stripe.run("read", .safe) {
        let shown = try await routes.get("/retry/metrics").json["services"]?["stripe"]
        #expect(shown?["bulkhead"] == ["limit": 3, "inUse": 1, "queued": 0, "rejected": 0])
        #expect(shown?["hedge"] == ["calls": 1, "copies": 0, "wins": 0, "refused": 0, "running": 1])
        #expect(shown?["adaptiveLimit"]?["inUse"] == 1)
      }
      stripe.breaker.forceOpen()
      _ = try? await stripe.run("read", .safe) {}
      let series = MetricsScrape(found.metrics().map { ("retry", $0) }).snapshots { _ in true }
        .flatMap { snapshot in
          snapshot.series.map { "\(snapshot.descriptor.name) \($0.labelValues.joined()) \($0.numbers[0])" }
        }
      for line in [
        "circuit_breaker_state stripe 1.0", "circuit_breaker_rejections stripe 1.0",
        "circuit_breaker_opened stripe 0.0", "hedge_copies stripe 0.0", "hedge_wins stripe 0.0",
        "retry_budget_tokens stripe 50.0",
      ] { #expect(series.contains(line), "\(line)") }
    }
  }

  /// Of a service that nobody declared, too.
  @Test func theVariableOfBreakersHoldsWhereNothingElseIsSaid() async throws {
    let manifest = """
      plugins: { collector: {}, retry: { breakers: { twilio: {}, stripe: { timeout: 7s } } } }
      """
    try await withHost(
      [Collector.self, RetryPlugin.self], manifest: manifest, environment: ["CIRCUIT_BREAKER_TIMEOUT": "30000"]
    ) { host in
      let found = try #require(host.events.last(Collector.Ready.self)).found
      func opens(_ name: String) throws -> Duration { try found.resilience.service(name).breaker.settings.openFor }
      #expect(try opens("twilio") == .seconds(30) && opens("stripe") == .seconds(7) && opens("other") == .seconds(30))
    }
    let planner = Planner(
      plugins: [PluginRegistration(RetryPlugin.self)],
      source: .inline("plugins: { retry: {} }", environment: ["CIRCUIT_BREAKER_TIMEOUT": "30000"]))
    let values = try #require(planner.plan().plan).values
    let known = values.first { $0.path.description == "plugins.retry.breaker_timeout" }
    #expect(known?.rendered == "30s" && known?.origin.description == "CIRCUIT_BREAKER_TIMEOUT")
    try await withPlugin("{ breakers: { twilio: {} } }") { _, _, found in
      let settings = try found.resilience.service("twilio").breaker.settings
      #expect(settings.openFor == .seconds(60) && settings.successThreshold == 2)
      #expect(settings.trip == .consecutive(failures: 5, within: .seconds(10)))
    }
  }

  @Test func carriesAStrategyOut() async throws {
    try await withPlugin("{ strategies: { hasty: { attempts: 3, delay: 0s } } }") { _, routes, _ in
      let fine = try await routes.post("/retry/test", json: ["strategy": JSONValue("hasty"), "failures": 2]).json
      #expect(fine["succeeded"] == true && fine["attempts"] == 3)
      let bad = try await routes.post("/retry/test", json: ["strategy": JSONValue("hasty"), "failures": 5]).json
      #expect(bad["succeeded"] == false && bad["stop"] == "attemptsExhausted")
      #expect(try await routes.post("/retry/test", json: ["strategy": "nobody"]).status == .badRequest)
      #expect(try await routes.post("/retry/test", json: ["failures": -1]).status == .badRequest)
    }
  }

  @Test func onlyOperatorsChangeSomething() async throws {
    try await withPlugin("{}") { _, _, found in
      let viewer = try TestRoutes(
        found.routes(), caller: Identity(subject: "bob", roles: ["viewer"], scheme: "test"))
      #expect(await viewer.get("/retry/strategies").status == .ok)
      #expect(await viewer.delete("/retry/metrics").status == .forbidden)
      #expect(try await viewer.post("/retry/test", json: ["failures": 1]).status == .forbidden)
      #expect(await viewer.send(.post, "/circuit-breakers/stripe/open").status == .forbidden)
      #expect(await (try TestRoutes(found.routes())).get("/retry/strategies").status == .unauthorized)
    }
  }

  @Test func saysWhatIsWrongInTheManifest() throws {
    let section = """
      retry:
        default_strategy: quik
        request_deadline: 1s
        breakers:
          stripe: { strategy: standard, overall_timeout: 2s, base_url: "ftp://x" }
          twilio: { strategy: nobody }
      """
    let issues = Self.issues(section)
    #expect(issues.contains { $0.contains("base_url") })
    let second = Self.issues(section.replacing("base_url: \"ftp://x\"", with: "base_url: \"https://x\""))
    #expect(second.contains { $0.contains("there is no strategy 'quik'") })
    #expect(second.contains { $0.contains("there is no strategy 'nobody'") })
    let third = Self.issues("retry: { breakers: { stripe: { hedge_quantile: 0.95 } } }")
    #expect(third.contains { $0.contains("hedge_quantile needs hedge_after") })
    #expect(second.contains { $0.contains("may wait 3.0 s between its 3 attempts, but there are only 2.0 s") })
  }

  @Test func theVariablesOfTheSourcesWork() async throws {
    let environment = [
      "RETRY_DEFAULT_STRATEGY": "quick", "RETRY_MAX_CONCURRENT": "7", "RETRY_ENABLE_METRICS": "false",
    ]
    let planner = Planner(
      plugins: [PluginRegistration(RetryPlugin.self)],
      source: .inline("plugins: { retry: {} }", environment: environment))
    let values = try #require(planner.plan().plan).values.filter { $0.path.description.hasPrefix("plugins.retry") }
    func value(_ key: String) -> String? { values.first { $0.path.description.hasSuffix(key) }?.rendered }
    let origins = values.map(\.origin.description)
    #expect(environment.keys.allSatisfy { origins.contains($0) })
    #expect(value("default_strategy") == "quick" && value("max_concurrent") == "7" && value(".metrics") == "false")
  }

  private static func issues(_ section: String) -> [String] {
    let planner = Planner(
      plugins: [PluginRegistration(RetryPlugin.self)],
      source: .inline("plugins:\n  " + section.replacing("\n", with: "\n  ") + "\n", environment: [:]))
    return planner.plan().issues.map { "\($0.path) \($0.message)" }
  }

  @Test func keepsTheContractOfPlugins() async throws {
    try await PluginConformance.check(RetryPlugin.self, manifest: "{}")
  }
}

/// Requires what the plugin provides, and collects what it contributes.
struct Collector: Plugin {
  static let manifest = PluginManifest(
    name: "collector", version: "1.0.0", summary: "Collects.",
    requires: [.capability(.resilience), .capability(.outboundHTTP)],
    collects: [.point(.httpRoutes), .point(.healthChecks), .point(.metrics)])

  /// How a test finds what was collected.
  struct Ready: Event {
    static let topic: Topic = "collector.ready"
    static let isSticky = true
    let found: Found
  }

  /// What was collected, which no event shows.
  struct Found: Encodable, Sendable {
    struct Missing: Error {}
    let resilience: Resilience
    let outbound: OutboundClient
    let routes: @Sendable () -> Routes
    let checks: @Sendable () -> [HealthCheck]
    let metrics: @Sendable () -> [MetricsRegistry]

    func check(_ name: String) throws -> HealthCheck {
      guard let check = checks().first(where: { $0.name == name }) else { throw Missing() }
      return check
    }

    func encode(to encoder: any Encoder) throws {}
  }

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let routes = try context.contributions(to: .httpRoutes)
    let checks = try context.contributions(to: .healthChecks)
    let metrics = try context.contributions(to: .metrics)
    context.bus.publish(
      Ready(
        found: Found(
          resilience: try context.require(.resilience), outbound: try context.require(.outboundHTTP),
          routes: { Routes(routes.current.flatMap(\.value.routes)) }, checks: { checks.current.map(\.value) },
          metrics: { metrics.current.map(\.value) })))
  }
}
