/// The pool as a value: what happened and when goes in, what is to be done comes out in `actions`. It knows no clock, opens
/// nothing, and waits for nothing; the runner (`PoolEngine`) holds it under a lock and does what it asks for.
///
/// A connection's place (`PoolSlot`):
/// ```
///                 ┌────────── fail ──────────┐
///                 ▼                          │
///    ┌──────▶  empty  ──── connect ───▶ connecting ── connected ──┐
///    │            (min, a waiter, minIdle,                        │ a waiter?
///    │             a successor)                        no         │ yes
///    │                                       ┌────────────────────┴──────┐
///    │                                       ▼                           ▼
///    │                ┌─ validated ──▶     idle  ───── acquire ──────▶ leased
///    │                │                      │   ◀──── release ────── │   │
///    │           validating ◀─ idle for long, ┤    (no waiter)         │   │ release to a waiter:
///    │                │        and wanted     │                        └───┘ handed over directly
///    │                │ failed       timeout, │ death,                     │ broken, dead, too old, other generation,
///    │                ▼       lifetime, drain ▼ generation                 ▼ superseded, reclaimed, drain
///    └── closed ── closing ◀──────────────────┴────────────────────────────┘
/// ```
/// Everything but `empty` counts against the limit, also what is being closed: the server still knows it. Only a successor
/// comes on top: it is opened before the connection that it replaces is closed.
///
/// A waiter (`WaitQueue`): waiting → granted, or refused (deadline, cancelled, withdrawn, displaced, unavailable, shut down);
/// each is answered exactly once. There is never a waiter that could be served while a usable connection is idle.
///
/// The pool: open → draining (no new callers; who waits is served, what comes back is closed; at the deadline everything is
/// taken away) → closed.
@usableFromInline
struct PoolCore: Sendable {
  enum Phase: Sendable {
    case open, draining, closed
  }

  let settings: PoolSettings
  let times: PoolTimes
  var phase = Phase.open
  var isStarted = false
  /// How many connections may be open, successors apart.
  var limit: Int
  var generation: UInt32 = 0

  var slots: [PoolSlot]
  var free: [Int]
  var idle = IdleList()
  var leased = 0
  var leasedOrdinary = 0
  var connecting = 0
  var validating = 0
  var closing = 0
  /// Successors being opened; they are among `connecting`.
  var successors = 0
  /// Connections being replaced that are not gone yet: so many may be open above the limit.
  var pairs = 0
  let mostPairs: Int

  var queue = WaitQueue()
  var tenants = TenantTable()
  var gate: ConnectGate
  var pressure: PoolPressure
  var scaler: PoolScaler?
  var waits: WaitHistogram
  var counts = PoolCounts()
  var random: PoolRandom
  var isDown = false
  var downSince = PoolInstant(nanoseconds: 0)

  /// What is to be done, in order.
  var actions: [PoolAction] = []
  var nextSweep: PoolInstant
  var drainBy = PoolInstant.never
  /// A connection is wanted that could not be begun to be opened.
  var isStarved = false

  init(_ wanted: PoolSettings, seed: UInt64, now: PoolInstant) {
    let settings = wanted.normalized
    self.settings = settings
    times = PoolTimes(settings)
    mostPairs = settings.maxConcurrentConnects
    let least = Swift.max(settings.min, settings.reserve + 1)
    scaler = settings.scaling.map { PoolScaler($0, least: least, most: settings.max) }
    limit = scaler?.start ?? settings.max
    let places = settings.max + mostPairs
    slots = Array(repeating: PoolSlot(), count: places)
    free = Array((0..<places).reversed())
    gate = ConnectGate(settings)
    pressure = PoolPressure(settings)
    waits = WaitHistogram(window: settings.statisticsWindow, now: now)
    random = PoolRandom(seed: seed)
    nextSweep = now + times.shortest
    pressure.setLimit(limit)
  }

  /// Connections that work, as far as is known.
  var live: Int { idle.count + validating + leased }
  /// Places that are taken.
  var occupied: Int { live + connecting + closing }
  /// Connections that work which is not critical may use.
  var ordinaryCap: Int { max(1, limit + pairs - settings.reserve) }
  /// Connections being opened that replace none.
  var ordinaryConnecting: Int { connecting - successors }

  // MARK: Acquire

  /// Gives an idle connection, if there is one for this caller: the way that every caller takes first.
  /// - Parameter onlyNear: Whether one that is not near to the caller is of no use to it.
  mutating func tryAcquire(
    _ priority: PoolPriority, tenant: String?, site: PoolSite, affinity: Int32 = -1, onlyNear: Bool = false,
    now: PoolInstant
  ) -> LeaseRef? {
    guard phase == .open, let slot = usableIdle(affinity, onlyNear, now) else { return nil }
    guard priority == .critical || leasedOrdinary < ordinaryCap else { return nil }
    var number: Int32 = -1
    if let tenant {
      guard tenants.leases(tenants.number(of: tenant)) < settings.maxLeasesPerTenant else { return nil }
      number = tenants.enter(tenant)
    }
    idle.remove(slot, &slots)
    waits.addImmediate()
    return lease(slot, isCritical: priority == .critical, tenant: number, site: site, now: now)
  }

  /// Gives a connection, or a seat in the waiting room, or neither.
  mutating func acquire(_ request: PoolRequest, now: PoolInstant) -> PoolAcquisition {
    let idle = tryAcquire(
      request.priority, tenant: request.tenant, site: request.site, affinity: request.affinity, now: now)
    if let idle { return .granted(idle) }
    if let reason = refusal(request, now) {
      counts.refuse(reason)
      return .refused(PoolRefusal(reason))
    }
    let tenant = request.tenant.map { tenants.enter($0) } ?? -1
    tenants.addWaiter(tenant)
    let waiter = queue.append(
      request.priority, tenant: tenant, site: request.site, since: now, deadline: request.deadline)
    settle(now)
    return .waiting(waiter)
  }

  private mutating func refusal(_ request: PoolRequest, _ now: PoolInstant) -> PoolRefusal.Reason? {
    guard phase == .open else { return .shutDown }
    guard request.deadline > now else { return .timedOut }
    if let outer = heldSite(request) { return .nested(outer: outer) }
    if isUnavailable(now), now < gate.retryAt { return .unavailable }
    if let tenant = request.tenant, tenants.waiters(tenants.number(of: tenant)) >= settings.maxWaitersPerTenant {
      return .tenantQueueFull
    }
    guard queue.count >= settings.maxWaiters else { return nil }
    guard settings.maxWaiters > 0, let last = queue.lastBelow(request.priority) else { return .queueFull }
    refuse(last, .displaced, now)
    return nil
  }

  /// Where the caller took the connection it holds, if it would wait for one that only a return can bring.
  private func heldSite(_ request: PoolRequest) -> PoolSite? {
    guard let held = request.holding.first(where: { isCurrent($0) }) else { return nil }
    let isRoomForIt = request.priority == .critical || leasedOrdinary < ordinaryCap
    let tenantHasRoom =
      request.tenant.map { tenants.leases(tenants.number(of: $0)) < settings.maxLeasesPerTenant } ?? true
    let supply = idle.count + validating + ordinaryConnecting + max(0, limit - (occupied - pairs))
    return isRoomForIt && tenantHasRoom && supply > queue.count ? nil : slots[held.slot].site
  }

  /// Whether the use has neither ended nor been taken away.
  func isCurrent(_ lease: LeaseRef) -> Bool {
    slots[lease.slot].serial == lease.serial && slots[lease.slot].state == .leased
  }

  /// The idle connection to give out: one that was used recently, if possible one that is near to the caller.
  private func usableIdle(_ affinity: Int32, _ onlyNear: Bool, _ now: PoolInstant) -> Int? {
    guard !idle.isEmpty else { return nil }
    if affinity >= 0 {
      if let near = nearIdle(affinity), isFresh(near, now) { return near }
      if onlyNear { return nil }
    }
    if settings.idleOrder == .fifo, isFresh(Int(idle.oldest), now) { return Int(idle.oldest) }
    return isFresh(Int(idle.newest), now) ? Int(idle.newest) : nil
  }

  /// How many idle connections are looked at for one that is near.
  private static let mostLooks = 32

  private func nearIdle(_ affinity: Int32) -> Int? {
    let isFIFO = settings.idleOrder == .fifo
    var slot = Int(isFIFO ? idle.oldest : idle.newest)
    for _ in 0..<Self.mostLooks where slot >= 0 {
      if slots[slot].affinity == affinity { return slot }
      slot = Int(isFIFO ? slots[slot].newer : slots[slot].older)
    }
    return nil
  }

  func isFresh(_ slot: Int, _ now: PoolInstant) -> Bool { now - slots[slot].since <= times.validateAfter }

  mutating func lease(
    _ slot: Int, isCritical: Bool, tenant: Int32, site: PoolSite, now: PoolInstant
  ) -> LeaseRef {
    let serial = slots[slot].beginLease(isCritical: isCritical, tenant: tenant, site: site, now: now)
    leased += 1
    if !isCritical { leasedOrdinary += 1 }
    tenants.addLease(tenant)
    waits.note(leased: leased)
    if leased > pressure.nearMark, pressure.level == .normal { lookAtPressure(now) }
    return LeaseRef(slot: slot, serial: serial)
  }

  // MARK: Release

  /// Takes a connection back that nobody waits for and that can be given out again; false, without having done anything, if
  /// more is to be done. The way that every return takes first.
  mutating func tryRelease(_ lease: LeaseRef, now: PoolInstant) -> Bool {
    guard queue.isEmpty, phase == .open, pressure.level == .normal, occupied - pairs <= limit else { return false }
    let slot = slots[lease.slot]
    guard slot.serial == lease.serial, slot.state == .leased, slot.generation == generation, slot.isDoomed == nil,
      !slot.isSuperseded
    else { return false }
    leased -= 1
    if !slot.isCritical { leasedOrdinary -= 1 }
    tenants.removeLease(slot.tenant)
    park(lease.slot, now)
    return true
  }

  /// Takes a connection back. The waiter that gets it, if there is one, is the result; more may stand in `actions`.
  mutating func release(_ lease: LeaseRef, _ outcome: PoolReturn, now: PoolInstant) -> PoolGrant? {
    guard isCurrent(lease) else { return nil }
    let slot = lease.slot
    endLease(slot)
    if let reason = unfitness(slot) ?? (outcome == .broken ? .broken : nil) {
      close(slot, reason, now)
      settle(now)
      return nil
    }
    if !queue.isEmpty, let seat = nextWaiter() {
      let grant = grant(slot, to: seat, now)
      // What came back may have been what kept somebody else from an idle one: their tenant's share, or the reserve.
      if !idle.isEmpty { settle(now) }
      return grant
    }
    park(slot, now)
    if phase != .open || pressure.level != .normal { settle(now) }
    return nil
  }

  mutating func endLease(_ slot: Int) {
    leased -= 1
    if !slots[slot].isCritical { leasedOrdinary -= 1 }
    tenants.removeLease(slots[slot].tenant)
    slots[slot].tenant = -1
  }

  /// Why a connection must not be given out again.
  func unfitness(_ slot: Int) -> PoolCloseReason? {
    if let reason = slots[slot].isDoomed { return reason }
    if slots[slot].generation != generation { return .generation }
    if slots[slot].isSuperseded { return .lifetime }
    // It has just left its state, so it is not counted among the occupied ones.
    if occupied + 1 - pairs > limit { return .scaledDown }
    return nil
  }

  /// Puts a connection among the idle ones.
  mutating func park(_ slot: Int, _ now: PoolInstant) {
    idle.append(slot, now, &slots)
  }
}

/// The settings' durations in nanoseconds.
struct PoolTimes: Sendable {
  /// What opens, tries or closes connections has its own deadline; so much later it is not waited for any more.
  static let grace: Int64 = 1_000_000_000

  let validateAfter: Int64
  let connect: Int64
  let validation: Int64
  let close: Int64
  let idle: Int64
  let lifetime: Int64
  let leakWarn: Int64
  let leakReclaim: Int64
  let ageing: Int64
  let unavailable: Int64
  /// Nothing that begins after a sweep is due earlier than this after it.
  let shortest: Int64

  init(_ settings: PoolSettings) {
    validateAfter = max(0, settings.validateAfter.poolNanoseconds)
    connect = max(0, settings.connectTimeout.poolNanoseconds)
    validation = max(0, settings.validationTimeout.poolNanoseconds)
    close = max(0, settings.closeTimeout.poolNanoseconds)
    idle = max(0, settings.idleTimeout.poolNanoseconds)
    lifetime = max(0, settings.maxLifetime.poolNanoseconds)
    leakWarn = max(0, settings.leakWarnAfter.poolNanoseconds)
    leakReclaim = max(0, settings.leakReclaimAfter?.poolNanoseconds ?? .max)
    ageing = max(0, settings.ageing.poolNanoseconds)
    unavailable = max(0, settings.unavailableAfter.poolNanoseconds)
    let youngest = Int64(Double(lifetime) * (1 - settings.lifetimeJitter) * 0.999)
    let window = settings.statisticsWindow.poolNanoseconds
    let all = [connect, validation, close, idle, youngest, leakWarn, leakReclaim, window]
    shortest = max(10_000_000, all.min() ?? 0)
  }
}
