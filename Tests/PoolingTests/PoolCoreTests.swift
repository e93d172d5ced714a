import Testing

@testable import MainstayPooling

/// The core's decisions as transcripts.
@Suite struct PoolCoreTests {
  @Test func lastReturnedFirstOut() {
    var pool = CorePool { $0.min = 3 }
    let all = [pool.take(), pool.take(), pool.take()]
    for lease in all { pool.give(lease) }
    #expect(pool.take()?.slot == all[2]?.slot)
    #expect(pool.take()?.slot == all[1]?.slot)
  }

  @Test func firstReturnedFirstOut() {
    var pool = CorePool {
      $0.min = 3
      $0.idleOrder = .fifo
    }
    let all = [pool.take(), pool.take(), pool.take()]
    for lease in all { pool.give(lease) }
    #expect(pool.take()?.slot == all[0]?.slot)
  }

  /// Of those that are near the one that came back last; else any.
  @Test(arguments: [PoolSettings.IdleOrder.lifo, .fifo])
  func theNearestIsTakenFirst(order: PoolSettings.IdleOrder) {
    var pool = CorePool {
      $0.min = 4
      $0.idleOrder = order
    }
    let all = (0..<4).compactMap { _ in pool.take() }
    for (number, lease) in all.enumerated() {
      pool.core.slots[lease.slot].affinity = Int32(number % 2)
      pool.give(lease)
    }
    #expect(pool.take(near: 7, onlyNear: true) == nil, "none ever was")
    let near = [pool.take(near: 0), pool.take(near: 0, onlyNear: true)].map { $0?.slot }
    #expect(near == (order == .lifo ? [all[2].slot, all[0].slot] : [all[0].slot, all[2].slot]))
    #expect(pool.take(near: 0, onlyNear: true) == nil, "none is near any more")
    #expect(pool.take(near: 0)?.slot == (order == .lifo ? all[3].slot : all[1].slot), "none is near any more")
    #expect(pool.take(near: 7)?.slot == (order == .lifo ? all[1].slot : all[3].slot), "none ever was")
  }

  @Test func aReturnGoesToTheNextInLineDirectly() {
    var pool = CorePool { $0.max = 1 }
    let lease = pool.take()
    let first = pool.wait()
    let second = pool.wait()
    #expect(pool.give(lease)?.waiter == first)
    #expect(pool.core.idle.isEmpty)
    #expect(pool.core.queue.isWaiting(second))
  }

  @Test func theMoreUrgentIsServedFirst() {
    var pool = CorePool { $0.max = 1 }
    var lease = pool.take()
    let all = [PoolPriority.low, .normal, .high, .critical].map { pool.wait($0) }
    var order: [WaiterRef] = []
    for _ in all {
      let grant = pool.give(lease)
      lease = grant?.lease
      if let grant { order.append(grant.waiter) }
    }
    #expect(order == all.reversed())
  }

  @Test func whoHasWaitedLongOvertakesTheMoreUrgent() {
    var pool = CorePool {
      $0.max = 1
      $0.ageing = .seconds(2)
    }
    let lease = pool.take()
    let low = pool.wait(.low)
    pool.pass(.seconds(7))
    let critical = pool.wait(.critical)
    let grant = pool.give(lease)
    #expect(grant?.waiter == low, "three classes are a head start of six seconds, and it came seven before")
    #expect(pool.give(grant?.lease)?.waiter == critical)
  }

  @Test func theReserveIsForCriticalWork() {
    var pool = CorePool {
      $0.min = 3
      $0.max = 3
      $0.reserve = 1
    }
    #expect(pool.take() != nil)
    let ordinary = pool.take()
    #expect(pool.take() == nil, "two of three are in use, and the third is the reserve")
    let waiter = pool.wait()
    #expect(pool.take(.critical) != nil)
    #expect(pool.give(ordinary)?.waiter == waiter)
  }

  @Test func oneTenantHasItsShare() {
    var pool = CorePool {
      $0.min = 3
      $0.maxLeasesPerTenant = 1
      $0.maxWaitersPerTenant = 1
    }
    let first = pool.take(tenant: "a")
    #expect(pool.take(tenant: "a") == nil)
    #expect(pool.take(tenant: "b") != nil)
    let waiter = pool.wait(tenant: "a")
    #expect(pool.refusal(tenant: "a") == .tenantQueueFull)
    #expect(pool.give(first)?.waiter == waiter)
    #expect(pool.core.tenants.count == 2)
  }

  @Test func theWaitingRoomIsBounded() {
    var pool = CorePool {
      $0.max = 1
      $0.maxWaiters = 2
    }
    _ = pool.take()
    _ = pool.wait(.normal)
    let low = pool.wait(.low)
    #expect(pool.refusal(.low) == .queueFull)
    _ = pool.wait(.high)
    #expect(pool.actions.contains(.refuse(low, PoolRefusal(.displaced))))
    #expect(pool.core.queue.count == 2)
  }

  @Test func deadlinesEndWaits() {
    var pool = CorePool { $0.max = 1 }
    _ = pool.take()
    let waiter = pool.wait(for: .seconds(3))
    #expect(pool.core.wakeAt <= pool.now + 3_001_000_000)
    pool.pass(.milliseconds(2_999))
    #expect(pool.core.queue.isWaiting(waiter))
    pool.pass(.milliseconds(2))
    #expect(pool.refusals[waiter]?.reason == .timedOut)
    #expect(pool.refusals[waiter]?.waited == .seconds(3))
  }

  @Test func connectionsAreOpenedAFewAtATime() {
    var pool = CorePool(opens: false) {
      $0.min = 10
      $0.maxConcurrentConnects = 3
    }
    #expect(pool.connecting.count == 3)
    pool.open()
    #expect(pool.connecting.count == 3)
    #expect(pool.core.live == 3)
  }

  @Test func failuresWaitLongerAndLonger() {
    var pool = CorePool(opens: false) {
      $0.min = 4
      $0.maxConcurrentConnects = 4
      $0.connectBackoff = .milliseconds(100)
      $0.maxConnectBackoff = .seconds(1)
    }
    pool.failConnects()
    #expect(pool.core.gate.failures == 1, "four tries at the same time are one failure")
    var waits: [Int64] = []
    for _ in 0..<8 {
      let wait = pool.core.gate.retryAt - pool.now
      waits.append(wait)
      pool.pass(.nanoseconds(wait))
      #expect(pool.connecting.count == 1, "one try at a time while they fail")
      pool.failConnects()
    }
    #expect(waits[0] >= 50_000_000 && waits[0] <= 100_000_000)
    #expect(waits[2] >= 200_000_000 && waits[2] <= 400_000_000)
    #expect(waits.allSatisfy { $0 <= 1_000_000_000 })
    pool.pass(.seconds(1))
    pool.open()
    #expect(pool.connecting.count == 3, "all at once again")
  }

  @Test func theServerGoneForLongNobodyWaits() {
    var pool = CorePool(opens: false) {
      $0.min = 0
      $0.unavailableAfter = .seconds(5)
      $0.connectBackoff = .milliseconds(50)
      $0.maxConnectBackoff = .milliseconds(400)
    }
    let early = pool.wait()
    pool.failConnects()
    #expect(pool.core.queue.isWaiting(early), "a short absence is waited for")
    #expect(pool.actions.contains(.down))
    for _ in 0..<30 {
      pool.pass(.milliseconds(400))
      pool.failConnects()
    }
    #expect(pool.refusals[early]?.reason == .unavailable)
    _ = pool.wait()
    pool.failConnects()
    #expect(pool.refusal() == .unavailable)
    pool.pass(.milliseconds(400))
    let probing = pool.wait()
    pool.open()
    #expect(pool.grants[probing] != nil)
    #expect(pool.actions.contains { if case .recovered = $0 { true } else { false } })
  }

  @Test func aHopelessErrorIsToldAtOnce() {
    var pool = CorePool(opens: false) { $0.min = 0 }
    let waiter = pool.wait()
    pool.failConnects(isHopeless: true)
    #expect(pool.refusals[waiter]?.reason == .unavailable)
  }

  @Test func idleConnectionsExpireDownToTheMinimum() {
    var pool = CorePool {
      $0.min = 2
      $0.max = 6
      $0.idleTimeout = .seconds(60)
      $0.maxLifetime = .seconds(10_000)
    }
    let all = (0..<6).map { _ in pool.takeOrWait() }
    for lease in all { pool.give(lease) }
    #expect(pool.core.live == 6)
    pool.pass(.seconds(59))
    #expect(pool.core.live == 6)
    pool.pass(.seconds(2))
    #expect(pool.core.live == 2)
    #expect(pool.core.counts.closed[.idleTimeout] == 4)
  }

  @Test func anOldConnectionGoesAfterItsSuccessorHasCome() {
    var pool = CorePool(opens: false) {
      $0.min = 2
      $0.max = 2
      $0.maxConcurrentConnects = 1
      $0.maxLifetime = .seconds(100)
      $0.lifetimeJitter = 0
      $0.idleTimeout = .seconds(1_000)
      $0.leakWarnAfter = .seconds(1_000)
    }
    pool.open()
    pool.open()
    let busy = pool.take()
    pool.pass(.seconds(100))
    #expect(pool.core.live == 2 && pool.connecting.count == 1, "the old one stays until the new one has come")
    #expect(pool.core.pairs == 1)
    pool.open()
    pool.open()
    #expect(pool.core.live >= 2)
    pool.give(busy)
    #expect(pool.core.live == 2)
    #expect(pool.core.counts.closed[.lifetime] == 1)
    pool.pass(.seconds(2))
    pool.open()
    #expect(pool.core.counts.closed[.lifetime] == 2, "one after the other")
    #expect(pool.core.live == 2)
    #expect(pool.core.pairs == 0)
  }

  @Test func lifetimesAreSpread() {
    var pool = CorePool {
      $0.min = 100
      $0.max = 100
      $0.maxLifetime = .seconds(1_000)
      $0.lifetimeJitter = 0.2
    }
    let ends = pool.core.slots.filter { $0.state == .idle }.map { $0.retireAt - pool.now }
    #expect(ends.allSatisfy { $0 > 799_000_000_000 && $0 <= 1_000_000_000_000 })
    #expect(Set(ends).count == 100)
    #expect((ends.max() ?? 0) - (ends.min() ?? 0) > 150_000_000_000)
    _ = pool.take()
  }

  @Test func aLongIdleConnectionIsTriedFirst() {
    var pool = CorePool {
      $0.min = 1
      $0.max = 1
      $0.validateAfter = .seconds(30)
    }
    pool.pass(.seconds(31))
    #expect(pool.take() == nil)
    let waiter = pool.wait()
    #expect(pool.validating.count == 1)
    pool.validate(works: true)
    #expect(pool.grants[waiter] != nil)
  }

  @Test func whatDoesNotAnswerIsReplaced() {
    var pool = CorePool {
      $0.min = 1
      $0.max = 1
      $0.validateAfter = .seconds(30)
    }
    pool.pass(.seconds(31))
    let waiter = pool.wait()
    pool.validate(works: false)
    #expect(pool.grants[waiter] != nil, "by a new connection")
    #expect(pool.core.counts.closed[.validationFailed] == 1)
  }

  @Test func aNewGenerationRetiresEverythingOpenedBefore() {
    var pool = CorePool {
      $0.min = 3
      $0.max = 3
    }
    let busy = pool.take()
    let before = pool.core.counts.created
    pool.apply { $0.startGeneration($1) }
    #expect(pool.core.counts.created == before + 2, "the idle ones are replaced at once")
    pool.give(busy)
    #expect(pool.core.counts.closed[.generation] == 3)
    #expect(pool.core.live == 3)
  }

  @Test func aLeakIsReportedOnceWithItsSite() {
    var pool = CorePool { $0.leakWarnAfter = .seconds(10) }
    _ = pool.take()
    pool.pass(.seconds(9))
    #expect(pool.leaks.isEmpty)
    pool.pass(.seconds(2))
    pool.pass(.seconds(100))
    #expect(pool.leaks.count == 1)
    #expect(pool.leaks.first?.site.description.hasSuffix("PoolCoreTests.swift:7") == true)
  }

  @Test func aReclaimedConnectionIsClosedAndItsPlaceServesOthers() {
    var pool = CorePool {
      $0.max = 1
      $0.leakReclaimAfter = .seconds(60)
    }
    let lost = pool.take()
    let waiter = pool.wait(for: .seconds(600))
    pool.pass(.seconds(61))
    #expect(pool.grants[waiter] != nil)
    #expect(pool.grants[waiter]?.slot != lost?.slot || pool.grants[waiter]?.serial != lost?.serial)
    #expect(pool.give(lost) == nil, "a return after that is ignored")
    #expect(pool.core.leased == 1)
  }

  @Test func aNestedAcquireThatCouldNotEndIsRefused() throws {
    var pool = CorePool { $0.max = 2 }
    let first = pool.take()
    let outer = try #require(first)
    let possible = pool.refusal(holding: [outer])
    #expect(possible == nil, "another connection can be opened, so it gets that one")
    #expect(pool.core.leased == 2)
    guard case .nested(let site) = pool.refusal(holding: [outer]) else {
      Issue.record("it would wait for a connection that only its own return brings")
      return
    }
    #expect(site.line == 7)
    pool.give(outer)
    #expect(pool.take()?.slot == outer.slot)
    let stale = pool.refusal(holding: [outer])
    #expect(stale == nil, "what it held once does not count")
  }

  @Test func pressureRisesAtOnceAndFallsClearly() {
    var pool = CorePool {
      $0.min = 20
      $0.max = 20
    }
    var leases = (0..<19).map { _ in pool.take() }
    #expect(pool.levels.isEmpty, "95 % is not above 95 %")
    leases.append(pool.take())
    #expect(pool.levels == [.nearlyExhausted])
    let waiter = pool.wait()
    #expect(pool.levels == [.nearlyExhausted, .exhausted])
    _ = pool.give(leases.removeLast())
    #expect(pool.core.queue.isEmpty && pool.grants[waiter] == nil, "handed over directly")
    for _ in 0..<4 { pool.give(leases.removeLast()) }
    #expect(pool.levels.last == .exhausted, "not within a second")
    pool.pass(.seconds(2))
    #expect(pool.levels.last == .normal)
    #expect(pool.levels.count == 3)
  }

  @Test func theLimitGrowsUnderLoadAndShrinksAfterRest() {
    var pool = CorePool {
      $0.min = 2
      $0.max = 40
      $0.scaling = PoolScaling()
      $0.leakWarnAfter = .seconds(100_000)
    }
    #expect(pool.core.limit == 10)
    let leases = (0..<10).map { _ in pool.takeOrWait() }
    _ = pool.wait(for: .seconds(100_000))
    pool.apply { $0.scale(processor: 80, now: $1) }
    #expect(pool.core.limit == 10, "busy processors brake")
    pool.apply { $0.scale(processor: 20, now: $1) }
    #expect(pool.core.limit == 13)
    _ = (0..<5).map { _ in pool.wait(for: .seconds(100_000)) }
    pool.apply { $0.scale(processor: 20, now: $1) }
    #expect(pool.core.limit == 13, "not again within five minutes")
    pool.pass(.seconds(301))
    pool.apply { $0.scale(processor: nil, now: $1) }
    #expect(pool.core.limit == 16)
    for lease in leases { pool.give(lease) }
    for lease in pool.grants.values { pool.give(lease) }
    for _ in 0..<40 {
      pool.pass(.seconds(60))
      pool.apply { $0.scale(processor: nil, now: $1) }
    }
    #expect(pool.core.limit < 16, "after half an hour of little use")
  }

  @Test func optimizeClosesWhatTheLastMinutesDidNotNeed() {
    var pool = CorePool {
      $0.min = 2
      $0.max = 10
      $0.idleTimeout = .seconds(10_000)
    }
    let leases = (0..<10).map { _ in pool.takeOrWait() }
    for lease in leases { pool.give(lease) }
    pool.apply { _ = $0.optimize($1) }
    #expect(pool.core.live == 10, "all were in use a moment ago")
    pool.pass(.seconds(200))
    pool.apply { _ = $0.optimize($1) }
    #expect(pool.core.live == 2)
    #expect(pool.core.counts.closed[.pruned] == 8)
  }

  @Test func aDrainServesWhoWaitsAndEndsAtItsDeadline() {
    var pool = CorePool { $0.max = 1 }
    let lease = pool.take()
    let waiter = pool.wait()
    pool.apply { $0.drain(by: $1 + 10_000_000_000, now: $1) }
    #expect(pool.refusal() == .shutDown)
    let grant = pool.give(lease)
    #expect(grant?.waiter == waiter)
    pool.pass(.seconds(11))
    #expect(pool.core.phase == .closed)
    #expect(pool.actions.contains(.drained))
    #expect(pool.core.wakeAt == .never || pool.core.phase == .closed)
  }

  @Test func whatNeverAnswersIsNotWaitedForForever() {
    var pool = CorePool(opens: false) {
      $0.min = 1
      $0.max = 1
      $0.connectTimeout = .seconds(5)
    }
    let stuck = pool.connecting[0]
    pool.pass(.seconds(7))
    #expect(pool.connecting.count == 2, "another try has begun")
    #expect(pool.core.connecting == 1)
    let isExpected = pool.core.connected(stuck, now: pool.now)
    #expect(!isExpected, "a connection that comes later is closed by the runner")
    #expect(pool.core.counts.closed[.late] == 1)
  }

  @Test func waitsAreCountedInPercentiles() {
    var waits = WaitHistogram(window: .seconds(60), now: PoolInstant(nanoseconds: 0))
    for millisecond in 1...100 { waits.add(Int64(millisecond) * 1_000_000) }
    let summary = waits.summary
    #expect(summary.count == 100 && summary.immediate == 0)
    #expect(summary.p50 >= .milliseconds(50) && summary.p50 <= .milliseconds(57))
    #expect(summary.p99 >= .milliseconds(99) && summary.p99 <= .milliseconds(112))
    #expect(summary.longest == .milliseconds(100))
    for value in [0, 31, 32, 255, 256, 1_000, 123_456_789] as [Int64] {
      let bound = WaitHistogram.upperBound(WaitHistogram.bucket(value))
      #expect(bound > value && Double(bound) <= Double(value) * 1.13 + 32)
    }
  }
}

/// A core in a world where everything asked for happens at once, unless a test wants to do it.
struct CorePool {
  var core: PoolCore
  var now = PoolInstant(nanoseconds: 1_000_000_000)
  var actions: [PoolAction] = []
  var connecting: [ConnectionRef] = []
  var validating: [ConnectionRef] = []
  var grants: [WaiterRef: LeaseRef] = [:]
  var refusals: [WaiterRef: PoolRefusal] = [:]
  private let opens: Bool

  init(opens: Bool = true, _ change: (inout PoolSettings) -> Void = { _ in }) {
    self.opens = opens
    var settings = PoolSettings()
    settings.min = 1
    settings.max = 10
    change(&settings)
    core = PoolCore(settings, seed: 1, now: now)
    apply { $0.start($1) }
  }

  var leaks: [PoolHolder] { actions.compactMap { if case .leak(let holder, _) = $0 { holder } else { nil } } }
  var levels: [PoolPressureLevel] { actions.compactMap { if case .pressure(let level) = $0 { level } else { nil } } }

  mutating func apply(_ input: (inout PoolCore, PoolInstant) -> Void) {
    input(&core, now)
    perform()
  }

  mutating func take(
    _ priority: PoolPriority = .normal, tenant: String? = nil, near affinity: Int32 = -1, onlyNear: Bool = false
  ) -> LeaseRef? {
    defer { perform() }
    let site = PoolSite(file: #fileID, line: 7)
    return core.tryAcquire(
      priority, tenant: tenant, site: site, affinity: affinity, onlyNear: onlyNear, now: now)
  }

  /// A connection, also one that must be opened first.
  mutating func takeOrWait() -> LeaseRef? { take() ?? grants[wait()] }

  mutating func wait(
    _ priority: PoolPriority = .normal, tenant: String? = nil, for wait: Duration = .seconds(60)
  ) -> WaiterRef {
    let request = PoolRequest(
      priority: priority, tenant: tenant, site: PoolSite(file: #fileID, line: 7), deadline: now.advanced(by: wait))
    let acquisition = core.acquire(request, now: now)
    perform()
    guard case .waiting(let waiter) = acquisition else { return WaiterRef(seat: .max, serial: .max) }
    return waiter
  }

  mutating func refusal(
    _ priority: PoolPriority = .normal, tenant: String? = nil, holding: [LeaseRef] = []
  ) -> PoolRefusal.Reason? {
    let request = PoolRequest(
      priority: priority, tenant: tenant, site: PoolSite(file: #fileID, line: 7), deadline: .never, holding: holding)
    defer { perform() }
    guard case .refused(let refusal) = core.acquire(request, now: now) else { return nil }
    return refusal.reason
  }

  @discardableResult
  mutating func give(_ lease: LeaseRef?) -> PoolGrant? {
    guard let lease else { return nil }
    defer { perform() }
    if core.tryRelease(lease, now: now) { return nil }
    return core.release(lease, .reusable, now: now)
  }

  mutating func pass(_ duration: Duration) {
    let end = now.advanced(by: duration)
    while core.wakeAt <= end {
      now = max(now, core.wakeAt)
      apply { $0.tick($1) }
    }
    now = end
    apply { $0.tick($1) }
  }

  /// Lets what is being opened open.
  mutating func open() {
    let all = connecting
    connecting = []
    for connection in all { apply { _ = $0.connected(connection, now: $1) } }
  }

  mutating func failConnects(isHopeless: Bool = false) {
    let all = connecting
    connecting = []
    for connection in all { apply { $0.connectFailed(connection, isHopeless: isHopeless, now: $1) } }
  }

  mutating func validate(works: Bool) {
    let all = validating
    validating = []
    for connection in all { apply { $0.validated(connection, works: works, now: $1) } }
  }

  private mutating func perform() {
    while !core.actions.isEmpty {
      let batch = core.actions
      core.actions = []
      actions += batch
      for action in batch { perform(action) }
    }
  }

  private mutating func perform(_ action: PoolAction) {
    switch action {
    case .connect(let connection, _):
      if opens { _ = core.connected(connection, now: now) } else { connecting.append(connection) }
    case .validate(let connection, _): validating.append(connection)
    case .close(let connection, _): core.closed(connection, now: now)
    case .grant(let grant): grants[grant.waiter] = grant.lease
    case .refuse(let waiter, let refusal): refusals[waiter] = refusal
    case .leak, .pressure, .scaled, .down, .recovered, .drained: break
    }
  }
}
