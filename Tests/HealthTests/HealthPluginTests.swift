import Glibc
import HTTPTypes
import Logging
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayHealth

@Suite struct HealthTests {
  @Test func tellsThatAllIsWell() async throws {
    try await withHost([RouteCatcher.self, HealthPlugin.self], manifest: "plugins: { catcher: {}, health: {} }") {
      host in
      let routes = try RouteCatcher.routes(of: host)
      let known = try TestRoutes(routes, caller: Identity(subject: "ada", roles: ["viewer"], scheme: "test"))
      #expect(await known.get("/live").text == "{\"status\":\"live\"}")
      #expect(try await known.get("/ready").json == ["status": "ready"])
      let health = await known.get("/health")
      #expect(health.status == .ok)
      #expect(health.headers[.cacheControl] == "no-store")
      #expect(try health.json["status"] == "healthy")
      #expect(try health.json["reasons"] == nil)
      let full = try await known.get("/health/comprehensive").json
      #expect(full["status"] == "healthy")
      #expect(full["features"] == ["catcher", "health"])
      #expect(full["services"]?["health"]?["state"] == "running")
      #expect((full["services"]?["health"]?["startMilliseconds"]?.doubleValue ?? -1) >= 0)
      #expect((full["memory"]?["resident"]?.integerValue ?? 0) > 1 << 20)
      #expect((full["system"]?["cores"]?.integerValue ?? 0) > 0)
      #expect((full["start"]?["milliseconds"]?.doubleValue ?? -1) > 0)
      let report = await known.get("/health/report")
      #expect(report.headers[.contentType]?.hasPrefix("text/plain") == true)
      #expect(report.text.contains("is healthy"))
      #expect(report.text.contains("catcher"))
    }
  }

  /// Byte for byte what the path itself answers.
  @Test func answersUnderTheNamesOfOthers() async throws {
    let names = [
      "/health": ["/api/health"], "/ready": ["/api/ready", "/health/readiness"],
      "/live": ["/api/live", "/health/liveness"], "/startup": ["/api/startup", "/health/startup"],
      "/health/comprehensive": ["/api/health/detailed", "/api/system/health"],
    ]
    try await withHost(
      [RouteCatcher.self, HealthPlugin.self], manifest: "plugins: { catcher: {}, health: {} }", clock: ManualClock()
    ) { host in
      let routes = try RouteCatcher.routes(of: host)
      let viewer = try TestRoutes(routes, caller: Identity(subject: "ada", roles: ["viewer"], scheme: "test"))
      let nobody = try TestRoutes(routes)
      for (path, aliases) in names {
        let own = await viewer.get(path)
        #expect(own.status == .ok)
        for alias in aliases {
          let answer = await viewer.get(alias)
          #expect(answer.status == .ok && answer.text == own.text, "\(alias)")
          #expect(await nobody.get(alias).status == nobody.get(path).status, "\(alias)")
        }
      }
    }
  }

  @Test func tellsDetailsOnlyToThoseWhoMayKnow() async throws {
    let manifest = "plugins: { catcher: {}, health: { access: authenticated, detail_access: operator } }"
    try await withHost([RouteCatcher.self, HealthPlugin.self], manifest: manifest) { host in
      let routes = try RouteCatcher.routes(of: host)
      let nobody = try TestRoutes(routes)
      #expect(await nobody.get("/live").status == .ok)
      #expect(await nobody.get("/ready").status == .ok)
      #expect(await nobody.get("/health").status == .unauthorized)
      #expect(await nobody.get("/health/comprehensive").status == .unauthorized)
      let viewer = try TestRoutes(routes, caller: Identity(subject: "ada", roles: ["viewer"], scheme: "test"))
      #expect(await viewer.get("/health").status == .ok)
      #expect(await viewer.get("/health/report").status == .forbidden)
    }
  }

  @Test func isDegradedWithoutAPluginThatItMayDoWithout() async throws {
    let manifest = "plugins: { catcher: {}, health: {}, broken: { lifecycle: { on_failure: degrade } } }"
    try await withHost([RouteCatcher.self, HealthPlugin.self, BrokenPlugin.self], manifest: manifest) { host in
      let known = try TestRoutes(
        try RouteCatcher.routes(of: host), caller: Identity(subject: "ada", roles: ["viewer"], scheme: "test"))
      let health = await known.get("/health")
      #expect(health.status == .ok)
      #expect(try health.json["status"] == "degraded")
      #expect(try health.json["reasons"] == ["broken has failed; the host runs without it"])
      #expect(await known.get("/ready").status == .ok)
      let full = try await known.get("/health/comprehensive").json
      #expect(full["services"]?["broken"]?["status"] == "unhealthy")
      #expect(full["services"]?["broken"]?["failure"]?.stringValue?.contains("no way") == true)
      #expect(!health.text.contains("no way"))
    }
  }

  @Test func saysWhatIsWaitedForAndForgetsNothingStale() async throws {
    let gate = SlowPlugin.gate
    let planner = Planner(
      plugins: [
        PluginRegistration(RouteCatcher.self), PluginRegistration(HealthPlugin.self),
        PluginRegistration(SlowPlugin.self),
      ], source: .inline("plugins: { catcher: {}, health: {}, slow: {} }", environment: [:]))
    let clock = ManualClock()
    let host = try Kernel(
      planner: planner,
      settings: KernelSettings(clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    let recorder = EventRecorder(host.events, "plugin.*")
    host.begin()
    _ = try await recorder.next(PluginStateChanged.self) { $0.plugin == "health" && $0.to == .running }
    _ = try await recorder.next(PluginStateChanged.self) { $0.plugin == "slow" && $0.to == .starting }
    _ = try await recorder.next(PluginStateChanged.self) { $0.plugin == "catcher" && $0.to == .running }
    let routes = try TestRoutes(try RouteCatcher.routes(of: host))
    let ready = await routes.get("/ready")
    #expect(ready.status == .serviceUnavailable)
    #expect(ready.headers[.retryAfter] == "1")
    #expect(try ready.json == ["status": "not_ready", "reasons": ["slow is starting"]])
    #expect(await routes.get("/health").status == .serviceUnavailable)
    #expect(await routes.get("/live").status == .ok)
    gate.give()
    await host.wait(for: [.running])
    // The clock stands still: only the change of state makes the answer a new one.
    #expect(await routes.get("/ready").status == .ok)
    #expect(try await routes.get("/health").json["status"] == "healthy")
    host.requestStop(reason: "test")
    _ = try await EventRecorder(host.events).next(HostDraining.self)
    #expect(await routes.get("/ready").status == .serviceUnavailable)
    await host.wait(for: [.stopped, .failed])
  }

  @Test func keepsAnAnswerForASecond() async throws {
    let clock = ManualClock()
    try await withHost(
      [RouteCatcher.self, HealthPlugin.self], manifest: "plugins: { catcher: {}, health: {} }", clock: clock
    ) { host in
      let routes = try TestRoutes(try RouteCatcher.routes(of: host))
      #expect(try await routes.get("/health").json["uptime"] == 0.0)
      clock.advance(by: .milliseconds(999))
      #expect(try await routes.get("/health").json["uptime"] == 0.0)
      clock.advance(by: .milliseconds(1))
      #expect(try await routes.get("/health").json["uptime"] == 1.0)
    }
  }

  @Test func writesDurationsForPeople() {
    #expect(Duration.zero.human == "0s")
    #expect(Duration.seconds(59).human == "59s")
    #expect(Duration.seconds(3600).human == "1h 0m 0s")
    #expect(Duration.seconds(90_061).human == "1d 1h 1m 1s")
  }
}

@Suite struct HealthReadingsTests {
  @Test func readsTheMachine() throws {
    let readings = HealthReadings()
    #expect(try #require(readings.memory.resident) > 1 << 20)
    #expect(try #require(readings.processorTime) > .zero)
    #expect(readings.system.load?.count == 3)
  }

  @Test func takesTheLowestLimitOfTheGroupsAbove() throws {
    let root = try TemporaryFolder([
      "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
      "sys/fs/cgroup/a/memory.max": "1048576\n", "sys/fs/cgroup/memory.max": "2097152\n",
      "proc/self/statm": "100 7 1 1 0 1 0\n", "proc/loadavg": "0.50 1.25 2.00 1/100 42\n",
    ])
    let readings = HealthReadings(root: root.path)
    #expect(readings.memory == .init(resident: 7 * Int(sysconf(Int32(_SC_PAGESIZE))), limit: 1_048_576))
    #expect(readings.system.load == [0.5, 1.25, 2])
  }

  @Test func takesTheHugeNumberForNoLimit() throws {
    let root = try TemporaryFolder([
      "proc/self/cgroup": "12:cpu,memory:/a\n0::/\n",
      "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n",
    ])
    #expect(HealthReadings(root: root.path).memory.limit == nil)
  }

  @Test func leavesOutWhatCannotBeRead() throws {
    let readings = HealthReadings(root: "/does/not/exist")
    #expect(readings.memory == .init())
    #expect(readings.system.load == nil)
  }

  @Test func measuresOverAnInterval() {
    let start = ContinuousClock.now
    var usage = ProcessorUsage(used: .seconds(1), at: start)
    #expect(usage.look(used: .seconds(2), at: start.advanced(by: .milliseconds(500))) == nil)
    let share = ProcessorUsage.Share(percent: 50, interval: .seconds(4))
    #expect(usage.look(used: .seconds(3), at: start.advanced(by: .seconds(4))) == share)
    #expect(usage.look(used: .seconds(4), at: start.advanced(by: .milliseconds(4900))) == share)
    #expect(usage.look(used: .seconds(3), at: start.advanced(by: .seconds(6)))?.percent == 0)
  }
}

/// Stands for a server: collects routes, so that a test can call them.
struct RouteCatcher: Plugin {
  static let manifest = PluginManifest(
    name: "catcher", version: "1.0.0", summary: "Catches routes.", collects: [.point(.httpRoutes)])

  /// How a test finds the catcher of its host.
  struct Ready: Event {
    static let topic: Topic = "catcher.ready"
    static let isSticky = true
    let routes: Caught
  }

  /// The routes, which no event shows.
  struct Caught: Encodable, Sendable {
    let routes: @Sendable () -> Routes
    func encode(to encoder: any Encoder) throws {}
  }

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let contributions = try context.contributions(to: .httpRoutes)
    context.bus.publish(
      Ready(routes: Caught { Routes(contributions.current.flatMap(\.value.routes)) }))
  }

  /// The routes that a host's plugins contribute now.
  static func routes(of host: Kernel) throws -> Routes {
    try #require(host.events.last(Ready.self)).routes.routes()
  }
}

/// Cannot start.
private struct BrokenPlugin: Plugin {
  struct NoWay: Error, CustomStringConvertible { var description: String { "no way" } }
  static let manifest = PluginManifest(name: "broken", version: "1.0.0", summary: "Cannot start.")
  init(configuration: NoConfiguration, context: PluginContext) async throws { throw NoWay() }
}

/// Takes its time to start.
private struct SlowPlugin: Plugin {
  static let gate = DrainSignal()
  static let manifest = PluginManifest(name: "slow", version: "1.0.0", summary: "Takes its time.")
  init(configuration: NoConfiguration, context: PluginContext) async throws { await Self.gate.wait() }
}
