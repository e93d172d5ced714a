import HTTPTypes
import Logging
import MainstayCapabilities
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayHealth

/// What the routes say of checks, in a real host.
@Suite(.serialized) struct HealthJSONTests {
  private static let viewer = Identity(subject: "ada", roles: ["viewer"], scheme: "test")

  /// A database that can be stopped.
  private struct DatabasePlugin: Plugin {
    struct Down: Error, CustomStringConvertible { var description: String { "connection refused, password canary-7" } }
    static let isDown = Atomic<Bool>(false)
    static let manifest = PluginManifest(
      name: "database", version: "1.0.0", summary: "Can be stopped.", contributes: [.point(.healthChecks)])

    init(configuration: NoConfiguration, context: PluginContext) async throws {
      try context.contribute(
        HealthCheck("postgres", about: .dependency, in: [.readiness], isCritical: true) {
          if Self.isDown.load(ordering: .relaxed) { throw Down() }
          return .healthy("2 of 50 connections in use", details: ["active": 2])
        }, to: .healthChecks)
    }
  }

  @Test func aHostWhoseDatabaseStopsTellsTheTruth() async throws {
    let clock = ManualClock()
    let manifest = "plugins: { catcher: {}, health: {}, database: {} }"
    DatabasePlugin.isDown.store(false, ordering: .relaxed)
    try await withHost(
      [RouteCatcher.self, HealthPlugin.self, DatabasePlugin.self], manifest: manifest, clock: clock
    ) { host in
      let recorder = EventRecorder(host.events, "health.*")
      let routes = try TestRoutes(try RouteCatcher.routes(of: host), caller: Self.viewer)
      #expect(await routes.get("/ready").status == .ok)
      let well = try await routes.get("/health/comprehensive").json
      #expect(well["status"] == "healthy")
      let check = well["services"]?["database"]?["checks"]?["postgres"]
      #expect(check?["message"] == "2 of 50 connections in use" && check?["details"]?["active"] == 2)
      #expect(well["services"]?["database"]?["latencyMilliseconds"] != nil)

      DatabasePlugin.isDown.store(true, ordering: .relaxed)
      clock.advance(by: .seconds(5))
      #expect(await routes.get("/live").status == .ok)
      let ready = await routes.get("/ready")
      #expect(ready.status == .serviceUnavailable)
      #expect(try ready.json["reasons"] == ["the check database.postgres has failed"])
      let health = await routes.get("/health")
      #expect(health.status == .serviceUnavailable)
      #expect(try health.json["status"] == "unhealthy")
      #expect(!health.text.contains("canary") && !ready.text.contains("canary"))
      let full = await routes.get("/health/comprehensive")
      #expect(full.status == .serviceUnavailable)
      #expect(try full.json["services"]?["database"]?["status"] == "unhealthy")
      let failed = try await recorder.next(HealthCheckFailed.self)
      #expect(failed.check == "postgres" && failed.isCritical)
      #expect(await routes.get("/health/report").text.contains("database.postgres"))

      DatabasePlugin.isDown.store(false, ordering: .relaxed)
      clock.advance(by: .seconds(5))
      #expect(await routes.get("/ready").status == .ok)
      #expect(try await routes.get("/health").json["status"] == "healthy")
      _ = try await recorder.next(HealthCheckRecovered.self)
      #expect(await routes.get("/startup").status == .ok)
    }
  }

  /// A database that other hosts need too takes none of them out of service, unless its check says so.
  @Test func aDependencyThatFailsIsAWarningWhereItsCheckCountsForNothing() async throws {
    struct Shared: Plugin {
      static let manifest = PluginManifest(
        name: "shared", version: "1.0.0", summary: "Uses what others use.", contributes: [.point(.healthChecks)])

      init(configuration: NoConfiguration, context: PluginContext) async throws {
        try context.contribute(
          HealthCheck("ledger", about: .dependency, in: []) { .unhealthy("gone") }, to: .healthChecks)
      }
    }
    try await withHost(
      [RouteCatcher.self, HealthPlugin.self, Shared.self], manifest: "plugins: { catcher: {}, health: {}, shared: {} }"
    ) { host in
      let routes = try TestRoutes(try RouteCatcher.routes(of: host))
      for path in ["/live", "/ready", "/startup"] { #expect(await routes.get(path).status == .ok, "\(path)") }
      let health = await routes.get("/health")
      #expect(health.status == .ok)
      #expect(try health.json["status"] == "degraded")
      #expect(try health.json["reasons"] == ["the check shared.ledger has failed"])
    }
  }

  /// What errors say is shown to those who may see details, and to nobody else: not in open answers, events or logs.
  @Test func whatErrorsSayIsForThoseWhoMayKnow() async throws {
    let (clock, log) = (ManualClock(), LogLines())
    DatabasePlugin.isDown.store(false, ordering: .relaxed)
    try await withHost(
      [RouteCatcher.self, HealthPlugin.self, DatabasePlugin.self],
      manifest: "plugins: { catcher: {}, health: {}, database: {} }", clock: clock, logger: log.logger
    ) { host in
      let recorder = EventRecorder(host.events)
      let routes = try RouteCatcher.routes(of: host)
      let (nobody, viewer) = (try TestRoutes(routes), try TestRoutes(routes, caller: Self.viewer))
      _ = await nobody.get("/health")
      DatabasePlugin.isDown.store(true, ordering: .relaxed)
      clock.advance(by: .seconds(6))
      let accept: HTTPFields = [.accept: "application/health+json"]
      #expect(await viewer.get("/health/comprehensive").text.contains("canary-7"))
      _ = try await recorder.next(HealthCheckFailed.self)
      var open = log.lines + recorder.events.map { $0.json.compact }
      for path in [
        "/live", "/ready", "/startup", "/health", "/health/comprehensive", "/health/report", "/api/health",
        "/api/ready",
        "/api/live", "/health/liveness", "/health/readiness", "/api/health/detailed", "/api/system/health",
      ] {
        open.append(await nobody.get(path).text)
        open.append(await nobody.get(path, headers: accept).text)
      }
      #expect(open.contains { $0.contains("database.postgres") })
      #expect(!open.contains { $0.contains("canary") || $0.contains("connection refused") })
      DatabasePlugin.isDown.store(false, ordering: .relaxed)
    }
  }

  @Test func speaksTheMediaTypeOfHealth() async throws {
    let manifest = "plugins: { catcher: {}, health: {}, database: {} }"
    try await withHost(
      [RouteCatcher.self, HealthPlugin.self, DatabasePlugin.self], manifest: manifest, clock: ManualClock()
    ) { host in
      let routes = try TestRoutes(try RouteCatcher.routes(of: host), caller: Self.viewer)
      let accept: HTTPFields = [.accept: "application/health+json"]
      let brief = await routes.get("/health", headers: accept)
      #expect(brief.headers[.contentType] == "application/health+json")
      #expect(brief.headers[.cacheControl] == "max-age=1")
      #expect(try brief.json["checks"] == nil)
      let full = try await routes.get("/health/comprehensive", headers: accept).json
      #expect(["pass", "warn", "fail"].contains(full["status"]?.stringValue))
      guard case .object(let checks)? = full["checks"] else {
        Issue.record("no checks in \(full)")
        return
      }
      #expect(checks["database.postgres:responseTime"] != nil && checks["tasks:lag"] != nil)
      for check in checks {
        #expect(check.key.split(separator: ":").count == 2)
        guard case .array(let list) = check.value, let first = list.first else {
          Issue.record("\(check.key) is no list")
          continue
        }
        #expect(["pass", "warn", "fail"].contains(first["status"]?.stringValue))
        #expect(first["time"] == "2025-01-01T00:00:00Z")
        #expect(first["status"] != "pass" || first["output"] == nil)
      }
    }
  }

  @Test func tellsNoDetailsIfItIsToldSo() async throws {
    let manifest = "plugins: { catcher: {}, health: { detailed: false }, database: {} }"
    try await withHost([RouteCatcher.self, HealthPlugin.self, DatabasePlugin.self], manifest: manifest) { host in
      let routes = try TestRoutes(try RouteCatcher.routes(of: host), caller: Self.viewer)
      #expect(try await routes.get("/health/comprehensive").json["services"] == nil)
      #expect(await routes.get("/health/report").text.contains("\"status\""))
    }
  }

  /// Whoever probes takes a redirect for a success.
  @Test func probesAreAnsweredAndNeverRedirected() async throws {
    try await withHost([RouteCatcher.self, HealthPlugin.self], manifest: "plugins: { catcher: {}, health: {} }") {
      host in
      let routes = try TestRoutes(try RouteCatcher.routes(of: host))
      for path in ["/live", "/ready", "/startup", "/health", "/health/liveness", "/health/readiness", "/api/ready"] {
        #expect(await routes.get(path).status == .ok, "\(path)")
        #expect(![301, 302, 303, 307, 308].contains(await routes.get(path + "/").status.code), "\(path)/")
      }
    }
  }

  @Test func keepsTheContractOfPlugins() async throws {
    try await PluginConformance.check(HealthPlugin.self, manifest: "interval: 1s")
  }

  @Test func theVariablesOfTheSourcesWork() throws {
    let environment = ["HEALTH_CHECK_CACHE_TIMEOUT": "7000", "HEALTH_CHECK_ENABLE_DETAILED": "false"]
    let planner = Planner(
      plugins: [PluginRegistration(HealthPlugin.self)],
      source: .inline("plugins: { health: {} }", environment: environment))
    let configuration = try #require(planner.plan().plan?["health"]?.configuration as? HealthConfiguration)
    #expect(configuration.checkCache == .seconds(7) && !configuration.detailed)
  }

  @Test func writesInstants() {
    #expect(Duration.zero.timestamp == "1970-01-01T00:00:00Z")
    #expect(Duration.seconds(951_782_399).timestamp == "2000-02-28T23:59:59Z")
    #expect(Duration.seconds(951_782_400).timestamp == "2000-02-29T00:00:00Z")
    #expect(Duration.seconds(1_735_689_600).timestamp == "2025-01-01T00:00:00Z")
  }
}
