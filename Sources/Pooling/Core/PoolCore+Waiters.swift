extension PoolCore {
  /// Ends a wait. Does nothing if the waiter was answered already.
  mutating func cancel(_ waiter: WaiterRef, _ reason: PoolRefusal.Reason = .cancelled, now: PoolInstant) {
    guard queue.isWaiting(waiter) else { return }
    refuse(waiter.seat, reason, now)
    settle(now)
  }

  /// The runner has taken the answer away: the seat is free.
  mutating func vacate(_ waiter: WaiterRef) { queue.vacate(waiter) }

  /// Whoever is to be served next.
  func nextWaiter() -> Int? {
    queue.next(ageing: times.ageing) { priority, tenant in
      (priority == .critical || leasedOrdinary < ordinaryCap)
        && tenants.leases(tenant) < settings.maxLeasesPerTenant
    }
  }

  mutating func grant(_ slot: Int, to seat: Int, _ now: PoolInstant) -> PoolGrant {
    let waiter = queue.seats[seat]
    let ref = queue.ref(seat)
    queue.remove(seat)
    waits.add(max(0, now - waiter.since))
    let lease = lease(
      slot, isCritical: waiter.priority == .critical, tenant: waiter.tenant, site: waiter.site, now: now)
    tenants.removeWaiter(waiter.tenant)
    return PoolGrant(waiter: ref, lease: lease)
  }

  mutating func refuse(_ seat: Int, _ reason: PoolRefusal.Reason, _ now: PoolInstant) {
    let waiter = queue.seats[seat]
    let ref = queue.ref(seat)
    queue.remove(seat)
    tenants.removeWaiter(waiter.tenant)
    counts.refuse(reason)
    actions.append(.refuse(ref, PoolRefusal(reason, waited: .nanoseconds(max(0, now - waiter.since)))))
  }

  mutating func refuseAll(_ reason: PoolRefusal.Reason, _ now: PoolInstant) {
    for seat in queue.all { refuse(seat, reason, now) }
  }

  /// Gives a connection to whoever waits for it, or keeps it.
  mutating func offer(_ slot: Int, _ now: PoolInstant) {
    if !queue.isEmpty, let seat = nextWaiter() {
      actions.append(.grant(grant(slot, to: seat, now)))
    } else {
      park(slot, now)
    }
  }

  /// Brings everything into line after something has changed: nobody waits while there is a connection for them, what is
  /// wanted is being opened, what has changed is told.
  mutating func settle(_ now: PoolInstant) {
    serveFromIdle(now)
    if phase == .draining, queue.isEmpty { closeIdle(.shutDown, now) }
    supply(now)
    lookAtPressure(now)
    finishDrain()
  }

  private mutating func serveFromIdle(_ now: PoolInstant) {
    while !queue.isEmpty, !idle.isEmpty {
      let slot = Int(idle.newest)
      guard isFresh(slot, now), let seat = nextWaiter() else { return }
      idle.remove(slot, &slots)
      actions.append(.grant(grant(slot, to: seat, now)))
    }
  }

  /// How many waiters could use a connection if there were one more for each.
  var demand: Int {
    guard !queue.isEmpty else { return 0 }
    let critical = queue.count(of: .critical)
    let bound = critical + min(queue.count - critical, max(0, ordinaryCap - leasedOrdinary))
    guard settings.maxLeasesPerTenant < .max, bound > 0 else { return bound }
    let served = queue.seats.count { $0.isWaiting && tenants.leases($0.tenant) < settings.maxLeasesPerTenant }
    return min(bound, served)
  }

  mutating func lookAtPressure(_ now: PoolInstant) {
    if let level = pressure.look(leased: leased, limit: limit, waiting: queue.count, now: now) {
      actions.append(.pressure(level))
    }
  }
}
