import MainstayHTTP
import MainstayHTTPServer
import MainstayHealth
import MainstayKernel
import MainstayTesting
import Testing

/// What probes and load balancers see while a host comes up and goes down, on a manual clock.
@Suite(.timeLimit(.minutes(3))) struct StartAndStopTests {
  private let clock = ManualClock()

  private func kernel(_ plugins: [PluginRegistration], _ manifest: String) throws -> Kernel {
    let known = [PluginRegistration(HTTPPlugin.self), PluginRegistration(HealthPlugin.self)]
    let planner = Planner(plugins: known + plugins, source: .inline(manifest, environment: [:]))
    return try Kernel(planner: planner, settings: KernelSettings(clock: clock, logger: .silent))
  }

  @Test("The server listens before any other plugin has started: live at once, started when all have")
  func slowStart() async throws {
    let manifest = """
      plugins: { http: { port: 0 }, health: {}, migrating: { lifecycle: { start_timeout: 120s } } }
      """
    let host = try kernel([PluginRegistration(MigratingPlugin.self)], manifest)
    let recorder = EventRecorder(host.events)
    host.begin()
    _ = try await recorder.next(HTTPListening.self)
    _ = try await recorder.next(PluginStateChanged.self) { $0.plugin == "health" && $0.to == .running }
    try await Site.of(host) { site in
      await clock.waitForSleeper(due: .seconds(60))
      #expect(try await site.get("/live").status == 200)
      for path in ["/startup", "/ready", "/health"] { #expect(try await site.get(path).status == 503, "\(path)") }
      let startup = try await site.get("/startup").json
      #expect(startup["reasons"] == ["migrating is starting"])
      clock.advance(by: .seconds(60))
      await host.wait(for: [.running, .failed])
      for path in ["/live", "/startup", "/ready", "/health"] {
        #expect(try await site.get(path).status == 200, "\(path)")
      }
    }
    await host.stop()
  }

  @Test("After the signal to stop, a host is not ready, and answers every new connection for its lame-duck time")
  func lameDuck() async throws {
    let manifest = """
      host: { shutdown: { lame_duck: 10s, grace: 5s, force_after: 60s } }
      plugins: { http: { port: 0 }, health: {}, greeting: {} }
      """
    let host = try kernel([PluginRegistration(GreetingPlugin.self)], manifest)
    try await host.start()
    try await Site.of(host) { site in
      #expect(try await site.get("/ready").status == 200)
      host.requestStop(reason: "SIGTERM")
      await host.wait(for: [.draining])
      await clock.waitForSleeper(due: .seconds(10))
      #expect(try await site.get("/ready", anew: true).status == 503)
      #expect(try await site.get("/live", anew: true).status == 200)
      // A load balancer that has not yet noticed: whoever it sends is served, and none is refused or cut off.
      for _ in 0..<50 {
        try await withThrowingTaskGroup(of: Site.Answer.self) { group in
          for _ in 0..<10 { group.addTask { try await site.get("/greeting", anew: true) } }
          for try await answer in group { #expect(answer.status == 200 && answer.text == "hello") }
        }
        clock.advance(by: .milliseconds(199))
      }
      #expect(host.status.state == .draining)
    }
    // The rest of the stop lives by the same clock, and has its own tests.
    let stopping = Task { while !Task.isCancelled { await next() } }
    await host.stop()
    stopping.cancel()
  }

  /// A little later.
  private func next() async {
    clock.advance(by: .milliseconds(1))
    await Task.yield()
  }

  /// Takes a minute to start.
  private struct MigratingPlugin: Plugin {
    static let manifest = PluginManifest(name: "migrating", version: "1.0.0", summary: "Takes its time.")

    init(configuration: NoConfiguration, context: PluginContext) async throws {
      try await context.clock.sleep(for: .seconds(60))
    }
  }

  private struct GreetingPlugin: Plugin {
    static let manifest = PluginManifest(
      name: "greeting", version: "1.0.0", summary: "Says hello.", contributes: [.point(.httpRoutes)])

    init(configuration: NoConfiguration, context: PluginContext) async throws {
      try context.contribute(
        Routes([.get("/greeting", "Says hello.", access: .open) { _, _ in .text("hello") }]))
    }
  }
}
