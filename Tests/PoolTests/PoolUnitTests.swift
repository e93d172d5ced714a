import MainstayCapabilities
import MainstayKernel
import MainstayPooling
import MainstayPostgres
import MainstayReactor
import MainstayTesting
import Testing

@testable import MainstayPool

/// Configuration, figures, and what is computed from them.
@Suite struct PoolUnitTests {
  @Test(arguments: [
    ("postgres: { min: 9, max: 3 }", "plugins.pool.postgres.min: must not be above max (3), is 9"),
    ("postgres: { reserve: 50 }", "plugins.pool.postgres.reserve: must be below max (50), is 50"),
    ("postgres: { url: 'mysql://root:hunter2@db/app' }", "plugins.pool.postgres.url: cannot be used"),
    ("postgres: { ssl: sometimes }", "plugins.pool.postgres.ssl: sslmode is one of"),
    ("redis: { url: 'http://:hunter2@localhost' }", "plugins.pool.redis.url: the URL of Redis cannot be used"),
    ("databases: { archive: {} }", "plugins.pool.databases.archive: has no url"),
    ("databases: { redis: { url: 'postgresql:///x' } }", "is the name of the section beside it"),
    ("databases: { 'A b': { url: 'postgresql:///x' } }", "must be a name of lower-case letters"),
    ("admin_access: open", "plugins.pool.admin_access: must not be open"),
    ("postgres: { acquire_timeout: 5 }", "plugins.pool.postgres.acquire_timeout"),
    ("postgres: { listen: [orders, ''] }", "plugins.pool.postgres.listen[1]: must be the name of a channel"),
  ])
  func mistakesAreToldWithTheirKey(section: String, message: String) async {
    let error = await failure {
      try await withHost(Borrowed(), manifest: "plugins: { pool: { \(section) } }") { _ in }
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(message), "\(text)")
    #expect(!text.contains("hunter2"))
  }

  @Test func processorsAreReadFromTwoReadings() {
    var load = ProcessorLoad()
    #expect(load.look("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3 4\n") == nil)
    #expect(load.look("cpu  150 0 150 900 0 0 0 0 0 0\n") == 50)
    #expect(load.look("cpu  150 0 150 1000 100 0 0 0 0 0\n") == 0)
    #expect(load.look("nonsense") == nil)
    #expect(load.look(nil) == nil)
    #expect(load.look("cpu  1 0 1 2 0\n") == nil, "counters that went back say nothing")
    #expect(ProcessorLoad.text?.hasPrefix("cpu ") == true)
  }

  @Test func settingsFollowTheConfiguration() {
    var section = PostgresPoolConfiguration()
    section.max = 500
    section.autoscaling.enabled = true
    section.autoscaling.connectionThreshold = 400
    section.queue.maxConnectionsPerTenant = 9
    let settings = section.settings
    #expect(settings.scaling?.connectionThreshold == 0.8)
    #expect(settings.scaling?.processorBrake == 75)
    #expect(settings.scaling?.upCooldown == .seconds(300) && settings.scaling?.downCooldown == .seconds(1_800))
    #expect(settings.maxLeasesPerTenant == 9)
    #expect(settings.acquireTimeout == .seconds(60) && settings.idleTimeout == .seconds(300))
    #expect(section.connectionSettings.statementTimeout == .seconds(15))
    #expect(PostgresPoolConfiguration().settings.scaling == nil)
    #expect(section.connectionSettings.maxResultSize == 256 << 20)
    section.maxResultSize = .bytes(0)
    #expect(section.connectionSettings.maxResultSize == nil, "0 is for no limit")
  }

  @Test func everyFigureIsShown() {
    var all = PoolStatistics()
    (all.total, all.active, all.idle, all.limit, all.max) = (5, 3, 2, 10, 20)
    all.utilisation = 0.3
    all.waits.p99 = .microseconds(1_500)
    all.closed = [.idleTimeout: 4]
    all.waitingByPriority = [.critical: 2]
    all.oldestHolder = PoolHolder(site: PoolSite(file: "A/B.swift", line: 3), held: .milliseconds(2_500))
    let json = all.json
    #expect(json["total"] == 5 && json["utilisation"] == 0.3)
    #expect(json["waitMilliseconds"]?["p99"] == 1.5)
    #expect(json["closed"]?["idle_timeout"] == 4)
    #expect(json["waitingByPriority"]?["critical"] == 2)
    #expect(json["oldestHolder"]?["site"] == "A/B.swift:3" && json["oldestHolder"]?["seconds"] == 2.5)
  }

  @Test func everyChangeOfATargetIsToldOnce() async {
    let bus = EventBus()
    let clock = ManualClock()
    let recorder = EventRecorder(bus, "pool.*")
    let watch = TargetWatch("postgres", bus: bus, clock: clock)
    watch.cameBack()
    watch.answered()
    #expect(recorder.events.isEmpty, "a target that was well is no news")
    watch.connectFailed("connection refused")
    #expect(recorder.events.isEmpty, "one failure among connections that work means nothing")
    watch.wentDown()
    watch.wentDown()
    #expect(recorder.events(of: PoolUnavailable.self).map(\.reason) == ["connection refused"])
    watch.didNotAnswer("no answer")
    watch.didNotAnswer("no answer")
    #expect(recorder.events(of: PoolHealthCheckFailed.self).map(\.failures) == [1, 2])
    clock.advance(by: .seconds(90))
    watch.cameBack()
    watch.answered()
    #expect(recorder.events(of: PoolRecovered.self).map(\.after) == [90])
  }

  /// Each check takes a connection, ahead of everybody else: those who ask at the same time share one.
  @Test func manyWhoAskShareOneCheck() async throws {
    let reactor = try Reactor(name: "test")
    defer { reactor.shutdown() }
    let target = SlowTarget()
    let targets = PoolTargets([target], healthTimeout: .seconds(60))
    let asking = (0..<50).map { _ in Task(executorPreference: reactor) { await targets.performHealthCheck() } }
    // One thread takes the first steps of all of them, in order.
    for _ in 0..<10 { try await reactor.run {} }
    try await eventually { target.pings.count == 1 }
    asking[0].cancel()
    target.isOpen.add()
    for one in asking { #expect(await one.value.map(\.finding.status) == [.healthy]) }
    #expect(target.pings.count == 1)
    #expect(await targets.performHealthCheck().count == 1)
    #expect(target.pings.count == 2, "what is over is not remembered")
  }

  @Test func aChannelThatIsNotHeardIsToldNowAndThen() {
    var record = ListenRecord()
    let start = ContinuousClock.now
    func listens() -> Bool { record.listens() }
    func fails(_ reason: String, after seconds: Int) -> Bool {
      record.doesNotListen(reason, now: start.advanced(by: .seconds(seconds)))
    }
    let beginning = listens()
    #expect(!beginning, "that it begins is no news")
    let first = fails("refused", after: 0)
    #expect(first && !record.isListening && record.reason == "refused")
    let again = (1..<200).contains { fails("refused", after: $0) }
    #expect(!again, "it is known")
    let other = fails("no such database", after: 200)
    #expect(other)
    let back = listens()
    #expect(back && record.isListening && record.reason == nil)
    var lines = 0
    for second in 201..<500 {
      lines += fails("lost", after: second) ? 1 : 0
      lines += listens() ? 1 : 0
    }
    #expect((4...10).contains(lines), "two lines a minute at most: \(lines)")
  }
}

/// A target that answers when it is let.
private final class SlowTarget: PoolTarget {
  let pings = Tally()
  let isOpen = Tally()
  let watch = TargetWatch("slow")

  var name: String { "slow" }
  var status: ConnectionPoolStatus {
    ConnectionPoolStatus(
      name: name, kind: "postgres", total: 0, active: 0, idle: 0, waiting: 0, utilisation: 0, isAvailable: true,
      figures: [:])
  }
  var condition: HealthFinding { .healthy("as it should be") }

  func ping(deadline: ContinuousClock.Instant) async throws -> Duration {
    pings.add()
    try await eventually { isOpen.count > 0 }
    return .zero
  }

  func optimize() -> ConnectionPoolOptimization { ConnectionPoolOptimization(name: name, closed: 0, opening: 0) }
  func scale(processor: Double?) {}
  func startGeneration(reason: String) -> Bool { false }
  func close(by deadline: ContinuousClock.Instant) async {}
}
