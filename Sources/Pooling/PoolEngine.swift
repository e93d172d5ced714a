import Synchronization

/// The pool's runner, without the connections' type: holds the core under a lock, does what it asks for, and wakes who waits.
/// Everything that is not a few steps of computing happens outside the lock.
@usableFromInline
final class PoolEngine: Sendable {
  typealias Object = any AnyObject & Sendable

  /// What only somebody who knows the connections' type can do.
  struct Effects: Sendable {
    let connect: @Sendable (PoolEngine, ConnectionRef, PoolInstant) -> Void
    let validate: @Sendable (PoolEngine, ConnectionRef, Object, PoolInstant) -> Void
    /// Closes a connection, and says so if it still has a place.
    let close: @Sendable (PoolEngine, ConnectionRef?, Object) -> Void
  }

  let name: String
  let clock: any PoolClock
  private let effects: Effects
  private let observer: @Sendable (PoolEvent) -> Void
  private let state: Mutex<PoolState>

  init(
    name: String, settings: PoolSettings, clock: any PoolClock, seed: UInt64, effects: Effects,
    observer: @escaping @Sendable (PoolEvent) -> Void
  ) {
    self.name = name
    self.clock = clock
    self.effects = effects
    self.observer = observer
    state = Mutex(PoolState(PoolCore(settings, seed: seed, now: clock.now)))
  }

  // MARK: Acquire and release

  /// An idle connection, if there is one for this caller. Never waits.
  @usableFromInline
  func tryAcquire(
    _ priority: PoolPriority, _ tenant: String?, _ site: PoolSite, _ affinity: Int32, onlyNear: Bool = false
  ) -> PoolHold? {
    let now = clock.coarseNow
    let (hold, isMore) = state.withLock { state -> (PoolHold?, Bool) in
      let lease = state.core.tryAcquire(
        priority, tenant: tenant, site: site, affinity: affinity, onlyNear: onlyNear, now: now)
      guard let lease else { return (nil, false) }
      return (state.hold(lease), !state.core.actions.isEmpty)
    }
    if isMore { apply { _, _ in } }
    return hold
  }

  /// Waits for a connection.
  @usableFromInline
  nonisolated(nonsending)
    func acquire(
      _ priority: PoolPriority, _ tenant: String?, _ site: PoolSite, _ affinity: Int32,
      _ deadline: ContinuousClock.Instant?
    ) async throws(PoolError) -> PoolHold
  {
    switch await answer(priority, tenant, site, affinity, deadline, nil) {
    case .hold(let hold): return hold
    case .refused(let refusal): throw error(refusal, site)
    }
  }

  /// Waits for a connection, or until it is withdrawn: then there is none.
  @usableFromInline
  nonisolated(nonsending)
    func acquire(
      _ priority: PoolPriority, _ tenant: String?, _ site: PoolSite, _ affinity: Int32,
      _ deadline: ContinuousClock.Instant?, unless withdrawal: PoolWithdrawal
    ) async throws(PoolError) -> PoolHold?
  {
    switch await answer(priority, tenant, site, affinity, deadline, withdrawal) {
    case .hold(let hold): return hold
    case .refused(let refusal) where refusal.reason == .withdrawn: return nil
    case .refused(let refusal): throw error(refusal, site)
    }
  }

  private nonisolated(nonsending)
    func answer(
      _ priority: PoolPriority, _ tenant: String?, _ site: PoolSite, _ affinity: Int32,
      _ deadline: ContinuousClock.Instant?, _ withdrawal: PoolWithdrawal?
    ) async -> PoolAnswer
  {
    let now = clock.now
    var limit = now + max(0, settings.acquireTimeout.poolNanoseconds)
    if let deadline { limit = min(limit, clock.instant(deadline)) }
    let holding = PoolHeld.leases(of: self)
    let request = PoolRequest(
      priority: priority, tenant: tenant, site: site, deadline: limit, affinity: affinity, holding: holding)
    let (acquisition, work) = state.withLock { state in
      let acquisition = state.acquire(request, now)
      return (acquisition, state.work(now))
    }
    perform(work)
    switch acquisition {
    case .answered(let immediate): return immediate
    case .waiting(let waiter):
      withdrawal?.begin { [self] in apply { $0.core.cancel(waiter, .withdrawn, now: $1) } }
      return await wait(waiter)
    }
  }

  private nonisolated(nonsending) func wait(_ waiter: WaiterRef) async -> PoolAnswer {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let answer = state.withLock { $0.attach(continuation, to: waiter) }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      apply { $0.core.cancel(waiter, now: $1) }
    }
  }

  /// Takes a connection back, and hands it to whoever is next.
  @usableFromInline
  func release(_ lease: LeaseRef, _ outcome: PoolReturn) {
    if case .reusable = outcome {
      let now = clock.coarseNow
      if state.withLock({ $0.core.tryRelease(lease, now: now) }) { return }
    }
    let now = clock.now
    let (handOff, work) = state.withLock { state in
      let grant = state.core.release(lease, outcome, now: now)
      return (grant.flatMap { state.answer($0) }, state.core.actions.isEmpty ? nil : state.work(now))
    }
    handOff?.resume()
    if let work { perform(work) }
  }

  // MARK: Inputs

  /// Applies an input at the present instant, and does what follows from it.
  func apply(_ input: (inout PoolState, PoolInstant) -> Void) {
    let now = clock.now
    perform(
      state.withLock { state in
        input(&state, now)
        return state.work(now)
      })
  }

  func connected(_ connection: ConnectionRef, _ object: Object, _ affinity: Int32) {
    let now = clock.now
    let (isExpected, work) = state.withLock { state in
      let isExpected = state.core.connected(connection, affinity: affinity, now: now)
      if isExpected { state.objects[connection.slot] = object }
      return (isExpected, state.work(now))
    }
    if !isExpected { effects.close(self, nil, object) }
    perform(work)
  }

  func connectFailed(_ connection: ConnectionRef, _ error: any Error, isHopeless: Bool) {
    apply { state, now in
      state.connectFailed(error, isHopeless: isHopeless)
      state.core.connectFailed(connection, isHopeless: isHopeless, now: now)
    }
    observer(.connectFailed(error))
  }

  private func fire(_ serial: Int) {
    apply { state, now in
      guard state.timerFired(serial) else { return }
      state.core.tick(now)
    }
  }

  // MARK: Doing

  private func perform(_ work: PoolWork) {
    for wakeUp in work.wakeUps { wakeUp.resume() }
    for (latch, result) in work.latches { latch.open(result) }
    for task in work.tasks { perform(task) }
    if let alarm = work.alarm { arm(alarm) }
  }

  private func perform(_ task: PoolTask) {
    switch task {
    case .connect(let connection, let deadline): effects.connect(self, connection, deadline)
    case .validate(let connection, let object, let deadline): effects.validate(self, connection, object, deadline)
    case .close(let connection, let object, let reason):
      effects.close(self, connection, object)
      observer(.closed(reason))
    case .tell(let event): observer(event)
    }
  }

  private func arm(_ alarm: PoolAlarm) {
    alarm.former?.cancel()
    let serial = alarm.serial
    let timer = clock.schedule(at: alarm.at) { [weak self] in self?.fire(serial) }
    if !state.withLock({ $0.keep(timer, serial: serial) }) { timer.cancel() }
  }

  private func error(_ refusal: PoolRefusal, _ site: PoolSite) -> PoolError {
    let now = clock.now
    let (statistics, holders, cause) = state.withLock { state in
      (state.core.statistics(now), state.core.holders(3, now), state.lastConnectError)
    }
    return PoolError(
      refusal, pool: name, site: site, statistics: statistics, settings: settings, holders: holders,
      connectError: cause)
  }

  // MARK: Whole pool

  var settings: PoolSettings { state.withLock { $0.core.settings } }

  var statistics: PoolStatistics {
    let now = clock.now
    return state.withLock { $0.core.statistics(now) }
  }

  func holders(_ count: Int) -> [PoolHolder] {
    let now = clock.now
    return state.withLock { $0.core.holders(count, now) }
  }

  var lastConnectError: (any Error)? { state.withLock { $0.lastConnectError } }

  func optimize() -> (closed: Int, opening: Int) {
    let now = clock.now
    let (result, work) = state.withLock { state in
      let result = state.core.optimize(now)
      return (result, state.work(now))
    }
    perform(work)
    return result
  }

  func startGeneration(_ reason: String) {
    observer(.generation(reason: reason))
    apply { $0.core.startGeneration($1) }
  }

  /// Opens what is to be kept open, and waits until it is.
  func warmUp(by deadline: PoolInstant) async throws(PoolError) {
    let latch = PoolLatch()
    let started = clock.now
    apply { state, now in
      state.warming.append(latch)
      state.core.start(now)
    }
    let timer = clock.schedule(at: deadline) { latch.open(.timedOut) }
    let result = await withTaskCancellationHandler {
      await latch.wait()
    } onCancel: {
      latch.open(.cancelled)
    }
    timer.cancel()
    state.withLock { state in state.warming.removeAll { $0 === latch } }
    let waited = started.duration(to: clock.now)
    switch result {
    case .done: return
    case .timedOut: throw PoolError.notWarm(pool: name, waited, statistics, lastConnectError)
    case .hopeless(let error): throw PoolError.notWarm(pool: name, waited, statistics, error)
    case .cancelled:
      throw PoolError(.cancelled, pool: name, "cancelled while the first connections were opened", waited: waited)
    }
  }

  /// Closes the pool and waits until it is closed.
  func drain(by deadline: PoolInstant) async {
    let latch = PoolLatch()
    apply { state, now in
      state.core.drain(by: deadline, now: now)
      state.draining.append(latch)
    }
    _ = await latch.wait()
  }
}
