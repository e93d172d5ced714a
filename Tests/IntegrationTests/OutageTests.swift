import Glibc
import MainstayCapabilities
import MainstayDevServers
import MainstayHTTPServer
import MainstayHealth
import MainstayKernel
import MainstayPool
import MainstayPostgres
import MainstayResilience
import MainstayTesting
import Synchronization
import Testing

/// A host whose real database goes away, as its probes see it.
@Suite(.serialized, .timeLimit(.minutes(4))) struct OutageTests {
  /// How long the result of a check is used again.
  private static let kept = Duration.milliseconds(500)

  private static func manifest(_ server: PostgresServer, _ client: String) -> String {
    """
    plugins:
      http: { port: 0 }
      health: { cache: 0s, check_cache: 500ms, interval: 1h, detail_access: open }
      pool:
        health_timeout: 1s
        monitoring_interval: 1h
        postgres: { url: "\(server.url)", min: 1, max: 4, acquire_timeout: 2s, connect: { max_backoff: 200ms } }
      \(client): {}
    """
  }

  /// Runs a host with a plugin that uses the database.
  private func withSite<Client: Plugin>(
    _ client: Client.Type, _ body: (Site, Kernel, PostgresServer) async throws -> Void
  ) async throws {
    try await withDevServer(try await PostgresServer.start()) { server in
      try await withHost(
        [HTTPPlugin.self, HealthPlugin.self, PoolPlugin.self, client],
        manifest: Self.manifest(server, Client.manifest.name)
      ) { host in
        try await Site.of(host) { site in try await body(site, host, server) }
      }
    }
  }

  @Test("A database that is killed: live all the time, not ready when a result is old, well after its start")
  func killed() async throws {
    try await withSite(BorrowingPlugin.self) { site, host, server in
      let recorder = EventRecorder(host.events, "health.*")
      try await expectWell(site)
      await server.kill()
      try await expectOutage(site, since: .now)
      let failed = try await recorder.next(HealthCheckFailed.self)
      #expect(failed.plugin == "pool" && failed.check == "postgres")

      // Nothing of this call reaches the database until it is back: so it is repeated whatever it does.
      let database = try #require(BorrowingPlugin.database.withLock { $0 })
      let retry = Retry(
        RetryStrategy("patient", attempts: 1000, backoff: Backoff(base: .milliseconds(20), cap: .milliseconds(20))),
        timer: DeadlineTimer(clock: SystemClock()))
      let call = Task {
        await retry.outcome(of: RetryCall("read", idempotency: .nonIdempotent)) {
          try await database.query("SELECT 7", as: Int.self)
        }
      }
      try await eventually { retry.counts.retries >= 2 }
      try await server.restart()
      let outcome = await call.value
      let read = try outcome.result.get()
      #expect(read == [7])
      try await eventually { try await site.get("/ready").status == 200 }
      try await expectWell(site)
      _ = try await recorder.next(HealthCheckRecovered.self)
    }
  }

  @Test("A database that stands still: probes are answered in time, live stays, and it is well when it goes on")
  func stopped() async throws {
    try await withSite(BorrowingPlugin.self) { site, _, server in
      try await expectWell(site)
      // Twice: whatever its first process had forked before that stood still.
      for _ in 0..<2 { signal(SIGSTOP, to: server) }
      let stopped = ContinuousClock.now
      try await expectOutage(site, since: stopped)
      signal(SIGCONT, to: server)
      try await eventually { try await site.get("/ready").status == 200 }
      try await expectWell(site)
    }
  }

  @Test("A thousand probes at a time cost one check")
  func stampede() async throws {
    try await withSite(CountingPlugin.self) { site, _, _ in
      let counter = try #require(CountingPlugin.running.withLock { $0 })
      try await withThrowingTaskGroup(of: Int.self) { group in
        for index in 0..<1000 {
          let path = ["/ready", "/health", "/health/comprehensive", "/health/report"][index % 4]
          group.addTask { try await site.get(path, anew: true).status }
        }
        try await eventually { counter.looks.load(ordering: .relaxed) > 0 }
        counter.gate.open()
        for try await status in group { #expect(status == 200) }
      }
      #expect(counter.looks.load(ordering: .relaxed) == 1)
      // The database itself has counted.
      #expect(try await counter.database.query("SELECT last_value::int FROM looks", as: Int.self) == [1])
    }
  }

  /// To every process of a server. One of them, such as a worker, may end between the look and the signal.
  private func signal(_ number: Int32, to server: PostgresServer) {
    for process in server.process.processIDs { try? server.process.signal(number, process: process) }
  }

  private func expectWell(_ site: Site) async throws {
    #expect(try await site.get("/live").status == 200)
    #expect(try await site.get("/ready").status == 200)
    let full = try await site.get("/health/comprehensive")
    #expect(full.status == 200)
    let json = try full.json
    #expect(json["status"] == "healthy", "\(full.text)")
    #expect(json["services"]?["pool"]?["checks"]?["postgres"]?["status"] == "healthy")
    #expect((json["services"]?["pool"]?["latencyMilliseconds"]?.doubleValue ?? 0) > 0)
  }

  /// Whoever asks after the time for which a result is kept, gets the truth. Whoever asks before may get it.
  private func expectOutage(_ site: Site, since begun: ContinuousClock.Instant) async throws {
    try await eventually {
      let asked = ContinuousClock.now
      let ready = try await site.get("/ready").status
      #expect(try await site.get("/live").status == 200)
      #expect(ready == 503 || asked < begun.advanced(by: Self.kept))
      return asked >= begun.advanced(by: Self.kept)
    }
    let ready = try await site.get("/ready")
    #expect(try ready.json == ["status": "not_ready", "reasons": ["the check pool.postgres has failed"]])
    let full = try await site.get("/health/comprehensive")
    // The host serves what needs no database.
    #expect(full.status == 200)
    let json = try full.json
    #expect(json["status"] == "degraded")
    let check = json["services"]?["pool"]?["checks"]?["postgres"]
    #expect(json["services"]?["pool"]?["status"] == "unhealthy" && check?["status"] == "unhealthy")
    #expect(check?["message"]?.stringValue?.isEmpty == false)
    #expect(try await site.get("/health/report").text.contains("pool.postgres"))
    #expect(try await site.get("/live").status == 200)
  }

  /// Lends its database to the test.
  private struct BorrowingPlugin: Plugin {
    static let manifest = PluginManifest(
      name: "borrowing", version: "1.0.0", summary: "Uses the database.", requires: [.capability(.postgres)])
    static let database = Mutex<PostgresDatabase?>(nil)

    init(configuration: NoConfiguration, context: PluginContext) async throws {
      let database = try context.require(.postgres)
      Self.database.withLock { $0 = database }
    }

    func stop() async { Self.database.withLock { $0 = nil } }
  }

  /// Has a check of its own, whose runs the database counts, and which lasts until the test lets it go.
  private final class CountingPlugin: Plugin {
    static let manifest = PluginManifest(
      name: "counting", version: "1.0.0", summary: "Has a check.", requires: [.capability(.postgres)],
      contributes: [.point(.healthChecks)])
    static let running = Mutex<CountingPlugin?>(nil)

    let database: PostgresDatabase
    let looks = Atomic<Int>(0)
    let gate = Gate()

    init(configuration: NoConfiguration, context: PluginContext) async throws {
      database = try context.require(.postgres)
      try await database.execute("CREATE SEQUENCE looks")
      Self.running.withLock { $0 = self }
      try context.contribute(
        HealthCheck("looks", timeout: .seconds(60), keeps: .seconds(3600)) { [weak self] in
          guard let self else { return .unhealthy("gone") }
          _ = try await database.query("SELECT nextval('looks')::int", as: Int.self)
          looks.wrappingAdd(1, ordering: .relaxed)
          await gate.wait()
          return .healthy("counted")
        }, to: .healthChecks)
    }

    func stop() async { Self.running.withLock { $0 = nil } }
  }
}
