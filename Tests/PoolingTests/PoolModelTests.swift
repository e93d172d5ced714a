import Testing

@testable import MainstayPooling

/// Random runs of the core beside a model that knows what must never happen. A failure names the seed and the step, and the
/// same seed runs the same way again.
@Suite struct PoolModelTests {
  @Test("a million random steps keep every promise", arguments: 0..<50)
  func randomSteps(seed: Int) throws {
    var model = PoolModel(seed: UInt64(seed))
    for step in 0..<20_000 {
      model.step()
      if let broken = model.broken {
        Issue.record("seed \(seed), step \(step): \(broken)")
        return
      }
    }
    model.finish()
    #expect(model.broken == nil, "seed \(seed), at the end")
    #expect(model.answered > 500, "the run must have reached waiters, or it shows nothing")
  }
}

/// A core, the world around it (connections that open, fail, die, answer late or never), and what callers have been told.
struct PoolModel {
  private struct Waiting {
    var priority: PoolPriority
    var tenant: String?
    var since: PoolInstant
    var deadline: PoolInstant
    var order: Int
  }

  private struct Use {
    var isCritical: Bool
    var tenant: String?
  }

  private(set) var core: PoolCore
  private var random: PoolRandom
  private var now = PoolInstant(nanoseconds: 0)
  private var waiting: [WaiterRef: Waiting] = [:]
  private var uses: [LeaseRef: Use] = [:]
  private var ended: [LeaseRef] = []
  private var connecting: [ConnectionRef] = []
  private var validating: [ConnectionRef] = []
  private var closing: [ConnectionRef] = []
  private var open: Set<ConnectionRef> = []
  private var order = 0
  private let tenants: [String?]
  private(set) var answered = 0
  /// What was broken first.
  private(set) var broken: String?

  init(seed: UInt64) {
    random = PoolRandom(seed: seed &* 7_919 &+ 1)
    var settings = PoolSettings()
    settings.max = 1 + Int(random.next() % 8)
    settings.min = Int(random.next() % UInt64(settings.max + 1))
    settings.minIdle = Int(random.next() % 3)
    settings.reserve = settings.max > 1 ? Int(random.next() % 2) : 0
    settings.idleOrder = random.next() % 2 == 0 ? .lifo : .fifo
    settings.maxWaiters = 4 + Int(random.next() % 30)
    settings.maxWaitersPerTenant = 2 + Int(random.next() % 8)
    settings.maxLeasesPerTenant = random.next() % 2 == 0 ? .max : 1 + Int(random.next() % 3)
    settings.maxConcurrentConnects = 1 + Int(random.next() % 4)
    settings.ageing = .milliseconds(50)
    settings.idleTimeout = .milliseconds(400)
    settings.maxLifetime = .milliseconds(1_500)
    settings.validateAfter = .milliseconds(60)
    settings.leakWarnAfter = .milliseconds(300)
    settings.leakReclaimAfter = random.next() % 3 == 0 ? .milliseconds(700) : nil
    settings.connectBackoff = .milliseconds(5)
    settings.maxConnectBackoff = .milliseconds(100)
    settings.unavailableAfter = .milliseconds(500)
    settings.scaling = random.next() % 3 == 0 ? PoolScaling() : nil
    settings.scaling?.upCooldown = .milliseconds(100)
    settings.scaling?.downCooldown = .milliseconds(300)
    tenants = random.next() % 2 == 0 ? [nil] : [nil, "a", "b", "c"]
    core = PoolCore(settings, seed: seed, now: now)
    core.start(now)
    takeActions()
  }

  mutating func step() {
    now = now + Int64(random.next() % 3_000_000)
    switch random.next() % 100 {
    case 0..<36: acquire()
    case 36..<62: release()
    case 62..<66: cancel()
    case 66..<78: connectEnds()
    case 78..<82: validationEnds()
    case 82..<90: closeEnds()
    case 90..<91: dies()
    case 91..<92: core.startGeneration(now)
    case 92..<93: core.scale(processor: nil, now: now)
    case 93..<94: _ = core.optimize(now)
    case 94..<95: now = now + Int64(random.next() % 400_000_000)
    case 95..<96: lateInputs()
    default: core.tick(now)
    }
    // The runner's timer: nothing that is due waits for long.
    if now >= core.wakeAt { core.tick(now) }
    takeActions()
    check()
  }

  // MARK: What may happen

  private mutating func acquire() {
    let priority = pick(PoolPriority.allCases) ?? .normal
    let tenant = pick(tenants) ?? nil
    let deadline = random.next() % 10 == 0 ? now + Int64(random.next() % 30_000_000) : now + 2_000_000_000
    let isAnyIdleUsable = core.tryAcquireIsPossible(now)
    switch core.acquire(
      PoolRequest(
        priority: priority, tenant: tenant, site: Self.site, deadline: deadline,
        affinity: Int32(random.next() % 4) - 1), now: now)
    {
    case .granted(let lease):
      begin(lease, Use(isCritical: priority == .critical, tenant: tenant))
      expect(!waiting.values.contains(where: mayServe), "a newcomer was served before somebody who waits")
    case .waiting(let waiter):
      expect(waiting[waiter] == nil, "a seat was given to two waiters")
      order += 1
      waiting[waiter] = Waiting(
        priority: priority, tenant: tenant, since: now, deadline: deadline, order: order)
    case .refused(let refusal):
      expect(refusal.reason != .timedOut || deadline <= now, "refused for its deadline before it")
      expect(!(isAnyIdleUsable && priority == .critical && tenant == nil), "refused though a connection is idle")
    }
  }

  private mutating func release() {
    guard let lease = pick(Array(uses.keys).sorted(by: { $0.slot < $1.slot })) else { return }
    uses[lease] = nil
    ended.append(lease)
    if ended.count > 20 { ended.removeFirst() }
    if random.next() % 20 != 0, core.tryRelease(lease, now: now) { return }
    let grant = core.release(lease, random.next() % 20 == 0 ? .broken : .reusable, now: now)
    if let grant { granted(grant) }
  }

  private mutating func cancel() {
    guard let waiter = pick(waiting.keys.sorted(by: { $0.seat < $1.seat })) else { return }
    core.cancel(waiter, now: now)
  }

  private mutating func connectEnds() {
    guard let connection = takeConnecting() else { return }
    if random.next() % 12 == 0 { core.died(connection, now: now) }
    if random.next() % 4 == 0 {
      core.connectFailed(connection, isHopeless: random.next() % 4 == 0, now: now)
    } else if core.connected(connection, affinity: Int32(random.next() % 3), now: now) {
      open.insert(connection)
    }
  }

  private mutating func validationEnds() {
    guard let connection = takeValidating() else { return }
    core.validated(connection, works: random.next() % 4 != 0, now: now)
  }

  private mutating func closeEnds() {
    guard let connection = takeClosing() else { return }
    core.closed(connection, now: now)
  }

  private mutating func dies() {
    guard let connection = pick(open.sorted(by: { $0.slot < $1.slot })) else { return }
    core.died(connection, now: now)
  }

  /// What arrives twice or too late must change nothing.
  private mutating func lateInputs() {
    if let lease = pick(ended) { expect(core.release(lease, .reusable, now: now) == nil, "a use ended twice") }
    let stale = ConnectionRef(slot: 0, epoch: core.slots[0].epoch &- 1)
    let before = core.occupied
    core.connectFailed(stale, isHopeless: true, now: now)
    core.validated(stale, works: true, now: now)
    core.closed(stale, now: now)
    core.died(stale, now: now)
    _ = core.connected(stale, now: now)
    expect(core.occupied == before, "an input of an earlier connection counted")
  }

  // MARK: What the core asks for

  private mutating func takeActions() {
    let actions = core.actions
    core.actions = []
    for action in actions {
      switch action {
      case .connect(let connection, _): connecting.append(connection)
      case .validate(let connection, _): validating.append(connection)
      case .close(let connection, _):
        open.remove(connection)
        closing.append(connection)
        uses = uses.filter { core.isCurrent($0.key) }
      case .grant(let grant): granted(grant)
      case .refuse(let waiter, let refusal): refused(waiter, refusal)
      case .leak, .pressure, .scaled, .down, .recovered, .drained: break
      }
    }
  }

  private mutating func granted(_ grant: PoolGrant) {
    guard let waiter = waiting.removeValue(forKey: grant.waiter) else {
      return expect(false, "a waiter was answered twice, or was never there")
    }
    answered += 1
    for (_, other) in waiting where other.priority == waiter.priority && other.tenant == waiter.tenant {
      expect(other.order > waiter.order, "overtaken within its class and tenant")
    }
    // Whoever may be served still, may have been served before, in place of this one: whatever its class and its tenant,
    // the head start of a class is all that another may have over it. So nobody waits longer than everybody who came within
    // three such head starts after it.
    for (_, other) in waiting where mayServe(other) {
      let headStart = Int64(waiter.priority.rawValue - other.priority.rawValue) * core.times.ageing
      expect(waiter.since - other.since <= headStart, "a waiter was overtaken beyond its ageing")
    }
    begin(grant.lease, Use(isCritical: waiter.priority == .critical, tenant: waiter.tenant))
    core.vacate(grant.waiter)
  }

  private func mayServe(_ waiter: Waiting) -> Bool {
    let used = waiter.tenant.map { core.tenants.leases(core.tenants.number(of: $0)) } ?? 0
    return (waiter.priority == .critical || core.leasedOrdinary < core.ordinaryCap)
      && used < core.settings.maxLeasesPerTenant
  }

  private mutating func refused(_ waiter: WaiterRef, _ refusal: PoolRefusal) {
    guard let entry = waiting.removeValue(forKey: waiter) else {
      return expect(false, "a waiter was refused twice, or was never there")
    }
    answered += 1
    expect(refusal.reason != .timedOut || entry.deadline <= now, "a waiter timed out before its deadline")
    core.vacate(waiter)
  }

  private mutating func begin(_ lease: LeaseRef, _ use: Use) {
    expect(!uses.keys.contains { $0.slot == lease.slot }, "a connection was given to two users")
    uses[lease] = use
  }

  // MARK: What must always hold

  private mutating func check() {
    let states = core.slots.map(\.state)
    func count(_ state: PoolSlot.State) -> Int { states.count { $0 == state } }
    expect(count(.leased) == core.leased, "leased is miscounted")
    expect(count(.idle) == core.idle.count, "idle is miscounted")
    expect(count(.connecting) == core.connecting, "connecting is miscounted")
    expect(count(.validating) == core.validating, "validating is miscounted")
    expect(count(.closing) == core.closing, "closing is miscounted")
    expect(count(.empty) == core.free.count, "a place was lost")
    expect(core.gate.inFlight == core.connecting, "the connect limit is miscounted")
    expect(core.occupied <= core.settings.max + core.pairs, "more connections than allowed")
    expect(core.pairs <= core.mostPairs && core.pairs >= 0, "more replacements than allowed")
    expect(core.slots.count { $0.isPaired } == core.pairs, "replacements are miscounted")
    let successors = core.slots.count { $0.state == .connecting && $0.partner >= 0 }
    expect(successors == core.successors, "successors are miscounted")
    expect(core.connecting <= core.settings.maxConcurrentConnects, "more connects at a time than allowed")
    checkUses()
    checkWaiters()
  }

  private mutating func checkUses() {
    expect(uses.count == core.leased, "the users do not match the connections in use")
    let ordinary = uses.values.count { !$0.isCritical }
    expect(ordinary == core.leasedOrdinary, "ordinary users are miscounted")
    for tenant in Set(uses.values.compactMap(\.tenant)) {
      let used = uses.values.count { $0.tenant == tenant }
      expect(used == core.tenants.leases(core.tenants.number(of: tenant)), "a tenant's share is miscounted")
      expect(used <= core.settings.maxLeasesPerTenant, "a tenant has more than its share")
    }
    let known = Set(uses.values.compactMap(\.tenant)).union(waiting.values.compactMap(\.tenant))
    expect(core.tenants.count == known.count, "a tenant is remembered for nothing")
  }

  private mutating func checkWaiters() {
    expect(waiting.count == core.queue.count, "the waiters do not match the queue")
    expect(core.queue.count <= core.settings.maxWaiters, "more waiters than allowed")
    for tenant in Set(waiting.values.compactMap(\.tenant)) {
      let waits = waiting.values.count { $0.tenant == tenant }
      expect(waits <= core.settings.maxWaitersPerTenant, "a tenant has more waiters than allowed")
    }
    // A deadline is looked at within a millisecond.
    expect(waiting.values.allSatisfy { now - $0.deadline <= 1_000_000 }, "a waiter outlived its deadline")
    if core.tryAcquireIsPossible(now), core.nextWaiter() != nil {
      expect(false, "somebody waits who could be served")
    }
  }

  /// After everything has come back, the pool serves as many as ever; then it drains.
  mutating func finish() {
    settleWorld()
    let most = core.limit
    var taken: [LeaseRef] = []
    for _ in 0..<most {
      let request = PoolRequest(priority: .critical, site: Self.site, deadline: .never)
      switch core.acquire(request, now: now) {
      case .granted(let lease): taken.append(lease)
      case .waiting(let waiter):
        waiting[waiter] = Waiting(
          priority: .critical, since: now, deadline: .never, order: .max)
      case .refused(let refusal): expect(false, "a pool that holds nothing refuses: \(refusal)")
      }
      for lease in taken { uses[lease] = Use(isCritical: true) }
      runWorld()
    }
    expect(uses.count == most, "a permit was lost: \(uses.count) of \(most)")
    drain()
  }

  private mutating func drain() {
    let kept = uses.keys.first
    for lease in uses.keys where lease != kept { _ = core.release(lease, .reusable, now: now) }
    uses = uses.filter { $0.key == kept }
    core.drain(by: now + 1_000_000_000, now: now)
    takeActions()
    runWorld()
    expect(core.phase == .draining, "a drain must wait for who still uses a connection")
    now = now + 1_000_000_000
    core.tick(now)
    takeActions()
    runWorld()
    expect(core.phase == .closed && core.occupied == 0, "a drain did not end")
  }

  /// Gives everything back and lets everything end well.
  private mutating func settleWorld() {
    for _ in 0..<200 {
      for lease in uses.keys.sorted(by: { $0.slot < $1.slot }) {
        uses[lease] = nil
        if let grant = core.release(lease, .reusable, now: now) { granted(grant) }
        takeActions()
      }
      runWorld()
      if uses.isEmpty, waiting.isEmpty { break }
    }
    expect(uses.isEmpty && waiting.isEmpty, "callers are left waiting though everything works")
  }

  private mutating func runWorld() {
    for _ in 0..<50 {
      while let connection = takeClosing() {
        core.closed(connection, now: now)
        takeActions()
      }
      while let connection = takeValidating() {
        core.validated(connection, works: true, now: now)
        takeActions()
      }
      while let connection = takeConnecting() {
        if core.connected(connection, now: now) { open.insert(connection) }
        takeActions()
      }
      if core.isStarved { now = max(now, core.gate.retryAt) }
      core.tick(now)
      takeActions()
      if connecting.isEmpty, validating.isEmpty, closing.isEmpty, core.queue.isEmpty { return }
    }
  }

  // MARK: Chance

  private mutating func pick<T>(_ all: [T]) -> T? {
    all.isEmpty ? nil : all[Int(random.next() % UInt64(all.count))]
  }

  private mutating func takeConnecting() -> ConnectionRef? { Self.take(&connecting, &random) }
  private mutating func takeValidating() -> ConnectionRef? { Self.take(&validating, &random) }
  private mutating func takeClosing() -> ConnectionRef? { Self.take(&closing, &random) }

  private static func take(_ all: inout [ConnectionRef], _ random: inout PoolRandom) -> ConnectionRef? {
    all.isEmpty ? nil : all.remove(at: Int(random.next() % UInt64(all.count)))
  }

  private mutating func expect(_ holds: Bool, _ what: String) {
    if !holds, broken == nil { broken = what }
  }

  private static let site = PoolSite(file: #fileID, line: #line)
}

extension PoolCore {
  /// Whether somebody without tenant who is critical would get a connection at once.
  func tryAcquireIsPossible(_ now: PoolInstant) -> Bool {
    var copy = self
    return copy.tryAcquire(.critical, tenant: nil, site: PoolSite(file: #fileID, line: #line), now: now) != nil
  }
}
