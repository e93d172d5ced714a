import MainstayCapabilities
import MainstayInstruments
import MainstayKernel
import MainstayResilience
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayHealth

/// How checks are run, on a manual clock.
struct HealthChecksTests {
  let clock = ManualClock()
  let timer: DeadlineTimer

  init() { timer = DeadlineTimer(clock: clock) }

  private func contributed(_ checks: HealthCheck...) -> [Contributed<HealthCheck>] {
    checks.map { Contributed(plugin: "pool", value: $0) }
  }

  @Test func aThousandProbesCostOneLook() async {
    let looks = Atomic<Int>(0)
    let gate = Gate()
    let checks = HealthChecks(.init(), timer: timer)
    checks.update(
      contributed(
        HealthCheck("postgres", about: .dependency) {
          looks.wrappingAdd(1, ordering: .relaxed)
          await gate.wait()
          return .healthy("well")
        }))
    let answers = await withTaskGroup(of: [CheckAnswer].self) { group in
      for _ in 0..<1000 { group.addTask { await checks.answers() } }
      while looks.load(ordering: .relaxed) == 0 { await Task.yield() }
      gate.open()
      return await group.reduce(into: [CheckAnswer]()) { $0 += $1 }
    }
    #expect(answers.count == 1000 && answers.allSatisfy { $0.counted == .healthy })
    #expect(looks.load(ordering: .relaxed) == 1)
    clock.advance(by: .milliseconds(4999))
    _ = await checks.answers()
    #expect(looks.load(ordering: .relaxed) == 1)
    clock.advance(by: .milliseconds(1))
    _ = await checks.answers()
    #expect(looks.load(ordering: .relaxed) == 2)
  }

  /// One check that hangs holds nobody up for longer than its time, is never run twice at once, and fails.
  @Test func aCheckThatHangsFailsAndIsNotJoinedByASecond() async throws {
    let looks = Atomic<Int>(0)
    let gate = Gate()
    let checks = HealthChecks(.init(), timer: timer)
    checks.update(
      contributed(
        HealthCheck("hangs", failAfter: 3) {
          looks.wrappingAdd(1, ordering: .relaxed)
          await gate.wait()
          return .healthy()
        }, HealthCheck("quick") { .healthy() }))
    let first = Task { await checks.answers() }
    await clock.waitForSleeper(due: .seconds(2))
    while !checks.known().contains(where: { $0.check.name == "quick" && $0.last != nil }) { await Task.yield() }
    clock.advance(by: .seconds(2))
    let answers = await first.value
    #expect(answers.map(\.name) == ["pool.hangs", "pool.quick"])
    // The first look says so at once; afterwards it would take three.
    #expect(answers.map(\.counted) == [.unhealthy, .healthy])
    #expect(answers[0].last?.finding.message == "no answer within 2s")
    clock.advance(by: .seconds(31))
    let later = await checks.answers()
    #expect(later[0].isStale && later[0].counted == .unhealthy)
    #expect(looks.load(ordering: .relaxed) == 1)
    #expect(timer.abandoned == 1)
    gate.open()
    while timer.abandoned > 0 { await Task.yield() }
    #expect(await checks.answers()[0].last?.finding.status == .healthy)
    #expect(looks.load(ordering: .relaxed) == 2)
  }

  @Test func whatIsStaleHasFailed() {
    let start = clock.now
    var machine = CheckMachine(keeps: .seconds(5), staleAfter: .seconds(30))
    _ = machine.found(.init(finding: .healthy(), at: start, latency: .zero))
    #expect(machine.status(at: start.advanced(by: .seconds(30))) == .healthy)
    #expect(machine.status(at: start.advanced(by: .seconds(31))) == .unhealthy)
  }

  /// A check that fails and passes in turns, quicker than its thresholds, changes nothing.
  @Test func doesNotFlap() {
    var machine = CheckMachine(keeps: .zero, staleAfter: .seconds(30), failAfter: 3, passAfter: 2)
    var changes: [CheckMachine.Change] = []
    func look(_ status: HealthFinding.Status) {
      let look = CheckMachine.Look(finding: HealthFinding(status), at: clock.now, latency: .zero)
      if let change = machine.found(look) { changes.append(change) }
    }
    look(.healthy)
    changes = []
    for _ in 0..<50 { for status in [HealthFinding.Status.unhealthy, .unhealthy, .healthy] { look(status) } }
    #expect(changes.isEmpty)
    for _ in 0..<3 { look(.unhealthy) }
    look(.healthy)
    #expect(changes == [.init(from: .healthy, to: .unhealthy)])
    look(.healthy)
    #expect(changes.last == .init(from: .unhealthy, to: .healthy))
  }

  @Test func refusesChecksThatAreDeclaredWrongly() async {
    let refusals = Mutex<[String]>([])
    let checks = HealthChecks(.init(), timer: timer, onRefusal: { text in refusals.withLock { $0.append(text) } })
    let list = contributed(
      HealthCheck("postgres", about: .dependency, in: [.liveness]) { .healthy() },
      HealthCheck("a:b") { .healthy() }, HealthCheck("") { .healthy() }, HealthCheck("twice") { .healthy() },
      HealthCheck("twice") { .healthy() }, HealthCheck("hasty", timeout: .zero) { .healthy() })
    checks.update(list)
    checks.update(list)
    #expect(refusals.withLock { $0.count } == 5)
    #expect(refusals.withLock { $0 }.contains { $0.contains("'pool.postgres' was refused: it looks at a dependency") })
    #expect(checks.refused.count == 5)
    #expect(await checks.answers().map(\.name) == ["pool.twice"])
  }

  @Test func exportsWhatIsKnownOfEachCheck() async throws {
    let checks = HealthChecks(.init(keeps: .zero), timer: timer)
    checks.update(
      contributed(
        HealthCheck("good") { .healthy() }, HealthCheck("fair") { .degraded("slow") },
        HealthCheck("bad") { .unhealthy("gone") }))
    let registry = try HealthMetrics(clock: SystemClock(), checks: checks).registry
    func values() -> [String] {
      MetricsScrape([("health", registry)]).snapshots { $0.name == "health_check_status" }.flatMap(\.series)
        .map { "\($0.labelValues.joined(separator: ".")) \($0.numbers[0])" }
    }
    #expect(values() == ["pool.bad 0.0", "pool.fair 0.0", "pool.good 0.0"], "nobody has looked yet")
    _ = await checks.answers()
    #expect(values() == ["pool.bad 0.0", "pool.fair 0.5", "pool.good 1.0"])
    let durations = MetricsScrape([("health", registry)]).snapshots { $0.name == "health_check_duration_seconds" }
    #expect(durations.flatMap(\.series).count == 3)
  }

  @Test func tellsWhatChangesAndForgetsWhatIsGone() async {
    let changes = Mutex<[String]>([])
    let isWell = Atomic<Bool>(true)
    let checks = HealthChecks(
      .init(keeps: .zero), timer: timer,
      onChange: { answer, change in changes.withLock { $0.append("\(answer.name) \(change.to)") } })
    struct Secret: Error {}
    let list = contributed(
      HealthCheck("redis", about: .dependency) {
        if isWell.load(ordering: .relaxed) { return .healthy() }
        throw Secret()
      })
    checks.update(list)
    _ = await checks.answers(in: .readiness)
    isWell.store(false, ordering: .relaxed)
    _ = await checks.answers(in: .liveness)
    _ = await checks.answers(in: .readiness)
    _ = await checks.answers(in: .readiness)
    isWell.store(true, ordering: .relaxed)
    _ = await checks.answers()
    #expect(changes.withLock { $0 } == ["pool.redis healthy", "pool.redis unhealthy", "pool.redis healthy"])
    // The same list again keeps what is known; an empty one forgets it.
    checks.update(list)
    #expect(checks.known().first?.last != nil)
    checks.update([])
    checks.update(list)
    #expect(checks.known().first?.last == nil)
    #expect(checks.known().first?.reason == "the check pool.redis has not been answered yet")
  }
}
