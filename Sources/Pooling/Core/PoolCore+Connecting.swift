extension PoolCore {
  /// Opens what is to be kept open. Until then nothing is opened unless somebody asks.
  mutating func start(_ now: PoolInstant) {
    isStarted = true
    settle(now)
  }

  /// Whether as many connections are open as are to be kept open.
  var isWarm: Bool { live >= settings.min }

  /// Tries idle connections and opens new ones, as many as are wanted and allowed.
  mutating func supply(_ now: PoolInstant) {
    let demand = demand
    while validating + ordinaryConnecting < demand, !idle.isEmpty, !isFresh(Int(idle.newest), now) {
      startValidation(Int(idle.newest), now)
    }
    isStarved = false
    while wantsConnection(demand) {
      guard gate.mayStart(now), let slot = free.popLast() else {
        isStarved = true
        return
      }
      startConnecting(slot, now)
    }
  }

  private func wantsConnection(_ demand: Int) -> Bool {
    guard phase != .closed, occupied - pairs < limit else { return false }
    let coming = validating + ordinaryConnecting
    if coming < demand { return true }
    guard phase == .open, isStarted else { return false }
    return live + ordinaryConnecting < settings.min || idle.count + coming - demand < settings.minIdle
  }

  private mutating func startConnecting(_ slot: Int, _ now: PoolInstant) {
    connecting += 1
    gate.start()
    slots[slot].state = .connecting
    slots[slot].since = now
    slots[slot].generation = generation
    actions.append(.connect(ref(slot), deadline: now + times.connect))
  }

  private mutating func startValidation(_ slot: Int, _ now: PoolInstant) {
    idle.remove(slot, &slots)
    validating += 1
    slots[slot].state = .validating
    slots[slot].since = now
    actions.append(.validate(ref(slot), deadline: now + times.validation))
  }

  /// Begins to open the successor of a connection whose time is up; false if that must wait.
  mutating func startSuccessor(of old: Int, _ now: PoolInstant) -> Bool {
    guard phase == .open, pairs < mostPairs, gate.mayStart(now), let slot = free.popLast() else { return false }
    startConnecting(slot, now)
    successors += 1
    pairs += 1
    slots[old].isPaired = true
    slots[old].partner = Int32(slot)
    slots[slot].partner = Int32(old)
    return true
  }

  /// A connection is open. False: it is not waited for any more, and the runner closes it by itself.
  mutating func connected(_ connection: ConnectionRef, affinity: Int32 = -1, now: PoolInstant) -> Bool {
    let slot = connection.slot
    guard slots[slot].epoch == connection.epoch, slots[slot].state == .connecting else {
      counts.close(.late)
      return false
    }
    connecting -= 1
    if slots[slot].partner >= 0 { successors -= 1 }
    gate.succeed()
    counts.created += 1
    slots[slot].retireAt = now + lifetime()
    slots[slot].affinity = affinity
    if isDown { recover(now) }
    if let reason = unfitness(slot) {
      close(slot, reason, now)
    } else {
      supersede(slot, now)
      offer(slot, now)
    }
    settle(now)
    return true
  }

  /// Its predecessor, if it has one, goes as soon as it is not used.
  private mutating func supersede(_ slot: Int, _ now: PoolInstant) {
    guard slots[slot].partner >= 0 else { return }
    let old = Int(slots[slot].partner)
    slots[slot].partner = -1
    slots[old].partner = -1
    slots[old].isSuperseded = true
    guard slots[old].state == .idle else { return }
    idle.remove(old, &slots)
    close(old, .lifetime, now)
  }

  private mutating func lifetime() -> Int64 {
    let share = 1 - settings.lifetimeJitter * random.fraction()
    return Int64(Double(times.lifetime).nextDown * share)
  }

  private mutating func recover(_ now: PoolInstant) {
    isDown = false
    actions.append(.recovered(after: .nanoseconds(max(0, now - downSince))))
  }

  /// A connection could not be opened.
  /// - Parameter isHopeless: Trying again will not help; who waits is told at once if there is no other connection.
  mutating func connectFailed(_ connection: ConnectionRef, isHopeless: Bool, now: PoolInstant) {
    let slot = connection.slot
    guard slots[slot].epoch == connection.epoch, slots[slot].state == .connecting else { return }
    giveUp(slot, isHopeless: isHopeless, now)
    settle(now)
  }

  /// Counts a try as failed and frees its place.
  mutating func giveUp(_ slot: Int, isHopeless: Bool, _ now: PoolInstant) {
    connecting -= 1
    counts.connectFailures += 1
    gate.fail(began: slots[slot].since, now: now, random: &random)
    vacate(slot)
    guard live == 0 else { return }
    if !isDown {
      isDown = true
      downSince = now
      actions.append(.down)
    }
    if isHopeless || isUnavailable(now) { refuseAll(.unavailable, now) }
  }

  /// Whether there is no connection, and has not been for so long that nobody shall wait for one.
  func isUnavailable(_ now: PoolInstant) -> Bool {
    guard live == 0, let since = gate.failingSince else { return false }
    return now - since >= times.unavailable
  }

  /// A connection that was tried works, or does not.
  mutating func validated(_ connection: ConnectionRef, works: Bool, now: PoolInstant) {
    let slot = connection.slot
    guard slots[slot].epoch == connection.epoch, slots[slot].state == .validating else { return }
    validating -= 1
    if let reason = unfitness(slot) ?? (works ? nil : .validationFailed) {
      close(slot, reason, now)
    } else {
      offer(slot, now)
    }
    settle(now)
  }

  /// The other side has closed a connection.
  mutating func died(_ connection: ConnectionRef, now: PoolInstant) {
    let slot = connection.slot
    guard slots[slot].epoch == connection.epoch else { return }
    switch slots[slot].state {
    case .empty, .closing: return
    case .connecting, .validating, .leased: slots[slot].isDoomed = .died
    case .idle:
      idle.remove(slot, &slots)
      close(slot, .died, now)
      settle(now)
    }
  }

  // MARK: Closing

  /// Begins to close a connection that has left its former state.
  mutating func close(_ slot: Int, _ reason: PoolCloseReason, _ now: PoolInstant) {
    closing += 1
    slots[slot].state = .closing
    slots[slot].since = now
    counts.close(reason)
    actions.append(.close(ref(slot), reason))
  }

  mutating func closeIdle(_ reason: PoolCloseReason, _ now: PoolInstant) {
    while !idle.isEmpty {
      let slot = Int(idle.oldest)
      idle.remove(slot, &slots)
      close(slot, reason, now)
    }
  }

  /// A connection is closed.
  mutating func closed(_ connection: ConnectionRef, now: PoolInstant) {
    let slot = connection.slot
    guard slots[slot].epoch == connection.epoch, slots[slot].state == .closing else { return }
    closing -= 1
    vacate(slot)
    settle(now)
  }

  /// Frees a place that no count includes any more.
  mutating func vacate(_ slot: Int) {
    unpair(slot)
    let (epoch, serial) = (slots[slot].epoch, slots[slot].serial)
    slots[slot] = PoolSlot()
    slots[slot].epoch = epoch &+ 1
    slots[slot].serial = serial
    free.append(slot)
  }

  /// Ends the replacement that a connection is part of, when either of the two is gone.
  private mutating func unpair(_ slot: Int) {
    let partner = Int(slots[slot].partner)
    let successor = slots[slot].isPaired ? partner : slot
    if slots[slot].isPaired {
      pairs -= 1
      slots[slot].isPaired = false
    } else if partner >= 0 {
      pairs -= 1
      slots[partner].isPaired = false
    }
    guard partner >= 0 else { return }
    if slots[successor].state == .connecting { successors -= 1 }
    slots[slot].partner = -1
    slots[partner].partner = -1
  }

  func ref(_ slot: Int) -> ConnectionRef { ConnectionRef(slot: slot, epoch: slots[slot].epoch) }
}
