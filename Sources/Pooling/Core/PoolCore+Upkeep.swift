extension PoolCore {
  /// When `tick` is to be called, if nothing happens before.
  var wakeAt: PoolInstant {
    var at = min(nextSweep, pressure.nextLook, drainBy)
    if isStarved, gate.inFlight == 0 { at = min(at, gate.retryAt) }
    return min(at, Self.rounded(queue.nextDeadline))
  }

  /// Deadlines that lie within the same millisecond are looked at together.
  private static func rounded(_ instant: PoolInstant) -> PoolInstant {
    guard instant < .never else { return .never }
    return instant + (999_999 - (instant.nanoseconds &- 1) % 1_000_000)
  }

  /// Time has passed.
  mutating func tick(_ now: PoolInstant) {
    guard phase != .closed else { return }
    for seat in queue.expired(now) { refuse(seat, .timedOut, now) }
    if now >= nextSweep { sweep(now) }
    if phase == .draining, now >= drainBy { takeEverything(now) }
    settle(now)
  }

  /// Looks at every connection. Finds when the next one is due; what begins later is due later than `times.shortest`.
  private mutating func sweep(_ now: PoolInstant) {
    waits.turn(now, leased: leased)
    var next = now + times.shortest
    for slot in slots.indices {
      switch slots[slot].state {
      case .empty, .idle: continue
      case .connecting: next = min(next, overdue(slot, times.connect, now) { $0.giveUp(slot, isHopeless: false, now) })
      case .validating:
        next = min(
          next,
          overdue(slot, times.validation, now) { core in
            core.validating -= 1
            core.close(slot, .validationFailed, now)
          })
      case .closing:
        next = min(
          next,
          overdue(slot, times.close, now) { core in
            core.closing -= 1
            core.vacate(slot)
          })
      case .leased: next = min(next, lookAtUse(slot, now))
      }
    }
    nextSweep = min(next, sweepIdle(now))
  }

  /// Gives up what takes longer than its own deadline and a grace.
  private mutating func overdue(
    _ slot: Int, _ allowed: Int64, _ now: PoolInstant, giveUp: (inout PoolCore) -> Void
  ) -> PoolInstant {
    let due = slots[slot].since + allowed + PoolTimes.grace
    guard now >= due else { return due }
    giveUp(&self)
    return .never
  }

  /// Reports a connection that is in use for too long, takes it away if that is wished, and replaces one that is too old.
  private mutating func lookAtUse(_ slot: Int, _ now: PoolInstant) -> PoolInstant {
    let begun = slots[slot].since
    let reclaimAt = begun + times.leakReclaim
    let holder = PoolHolder(site: slots[slot].site, held: .nanoseconds(max(0, now - begun)))
    if now >= reclaimAt {
      actions.append(.leak(holder, reclaimed: true))
      counts.leaks += 1
      takeAway(slot, .reclaimed, now)
      return .never
    }
    if !slots[slot].isReported, now >= begun + times.leakWarn {
      slots[slot].isReported = true
      counts.leaks += 1
      actions.append(.leak(holder, reclaimed: false))
    }
    let warnAt = slots[slot].isReported ? PoolInstant.never : begun + times.leakWarn
    return min(reclaimAt, warnAt, lookAtAge(slot, now))
  }

  /// Opens the successor of a connection that is too old.
  private mutating func lookAtAge(_ slot: Int, _ now: PoolInstant) -> PoolInstant {
    if slots[slot].isPaired || slots[slot].isDoomed != nil { return .never }
    guard now >= slots[slot].retireAt else { return slots[slot].retireAt }
    return startSuccessor(of: slot, now) ? .never : max(gate.retryAt, now + PoolTimes.grace)
  }

  /// Closes idle connections that are too old or superfluous, the longest idle first.
  private mutating func sweepIdle(_ now: PoolInstant) -> PoolInstant {
    var next = PoolInstant.never
    var place = idle.oldest
    while place >= 0 {
      let slot = Int(place)
      place = slots[slot].newer
      let isSpare = live > settings.min && idle.count > settings.minIdle
      let idleEnd = slots[slot].since + times.idle
      if isSpare, now >= min(idleEnd, slots[slot].retireAt) {
        idle.remove(slot, &slots)
        close(slot, now >= idleEnd ? .idleTimeout : .lifetime, now)
        continue
      }
      next = min(next, lookAtAge(slot, now))
      if isSpare { next = min(next, idleEnd) }
    }
    return next
  }

  /// Ends a use that its user has not ended. The connection is closed, never given to anybody else.
  mutating func takeAway(_ slot: Int, _ reason: PoolCloseReason, _ now: PoolInstant) {
    endLease(slot)
    slots[slot].serial &+= 1
    close(slot, reason, now)
  }

  // MARK: Generation, size

  /// Retires every connection opened so far: at once if it is idle, else when it comes back.
  mutating func startGeneration(_ now: PoolInstant) {
    generation &+= 1
    closeIdle(.generation, now)
    settle(now)
  }

  /// Looks whether the pool is to grow or to shrink.
  mutating func scale(processor: Double?, now: PoolInstant) {
    guard phase == .open, var scaler else { return }
    waits.turn(now, leased: leased)
    let sample = PoolScaler.Sample(
      peak: waits.peak, waiting: queue.count, wait: waits.summary.p95, processor: processor)
    let wanted = scaler.decide(sample, limit: limit, now: now)
    self.scaler = scaler
    guard let wanted else { return }
    actions.append(.scaled(from: limit, to: wanted))
    limit = wanted
    pressure.setLimit(wanted)
    while occupied - pairs > limit, !idle.isEmpty { closeOldestIdle(.scaledDown, now) }
    settle(now)
  }

  /// Closes idle connections that the last minutes did not need, and opens what is to be kept open.
  /// - Returns: How many are closed, and how many are being opened.
  mutating func optimize(_ now: PoolInstant) -> (closed: Int, opening: Int) {
    waits.turn(now, leased: leased)
    let needed = max(settings.min, waits.peak + settings.minIdle)
    let before = idle.count
    while live > needed, idle.count > settings.minIdle, !idle.isEmpty { closeOldestIdle(.pruned, now) }
    let closed = before - idle.count
    settle(now)
    return (closed, connecting)
  }

  private mutating func closeOldestIdle(_ reason: PoolCloseReason, _ now: PoolInstant) {
    let slot = Int(idle.oldest)
    idle.remove(slot, &slots)
    close(slot, reason, now)
  }

  // MARK: Drain

  /// Takes no new callers. Who waits is served, what comes back is closed; at the deadline everything is taken away.
  mutating func drain(by deadline: PoolInstant, now: PoolInstant) {
    guard phase == .open else {
      drainBy = phase == .draining ? min(drainBy, deadline) : .never
      // Whoever asks once more waits for an answer, too.
      if phase == .closed { actions.append(.drained) }
      return
    }
    phase = .draining
    drainBy = deadline
    if now >= deadline { takeEverything(now) }
    settle(now)
  }

  private mutating func takeEverything(_ now: PoolInstant) {
    drainBy = .never
    refuseAll(.shutDown, now)
    for slot in slots.indices {
      switch slots[slot].state {
      case .empty, .closing, .idle: continue
      case .leased: takeAway(slot, .shutDown, now)
      case .validating:
        validating -= 1
        close(slot, .shutDown, now)
      case .connecting:
        gate.forget()
        vacate(slot)
        connecting -= 1
      }
    }
  }

  mutating func finishDrain() {
    guard phase == .draining, queue.isEmpty, occupied == 0 else { return }
    phase = .closed
    actions.append(.drained)
  }
}
