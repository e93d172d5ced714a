/// What stands under the pool's lock: the core, the connections themselves, and who waits for an answer.
struct PoolState: Sendable {
  /// What is known of the waiter on a seat.
  private enum Seat: Sendable {
    case free
    /// It was answered before its task had suspended.
    case answered(PoolAnswer)
    case suspended(UnsafeContinuation<PoolAnswer, Never>)
  }

  var core: PoolCore
  var objects: [PoolEngine.Object?]
  private var seats: [Seat] = []
  private(set) var lastConnectError: (any Error)?
  private var isHopeless = false
  /// Who waits for the first connections.
  var warming: [PoolLatch] = []
  /// Who waits for the pool to be closed.
  var draining: [PoolLatch] = []

  private var timer: PoolTimer?
  private var timerSerial = 0
  private var armedAt = PoolInstant.never

  init(_ core: PoolCore) {
    self.core = core
    objects = Array(repeating: nil, count: core.slots.count)
  }

  /// The connection of a lease. There is one in every place that is leased; without it, nobody would get anything.
  func hold(_ lease: LeaseRef) -> PoolHold? {
    objects[lease.slot].map { PoolHold(object: $0, lease: lease) }
  }

  // MARK: Waiters

  enum Acquisition {
    case answered(PoolAnswer)
    case waiting(WaiterRef)
  }

  mutating func acquire(_ request: PoolRequest, _ now: PoolInstant) -> Acquisition {
    switch core.acquire(request, now: now) {
    case .granted(let lease):
      if let hold = hold(lease) { return .answered(.hold(hold)) }
      return .answered(.refused(PoolRefusal(.unavailable)))
    case .refused(let refusal): return .answered(.refused(refusal))
    case .waiting(let waiter):
      while seats.count <= waiter.seat { seats.append(.free) }
      return .waiting(waiter)
    }
  }

  /// The waiter's task has suspended; the answer, if it has come before.
  mutating func attach(_ continuation: UnsafeContinuation<PoolAnswer, Never>, to waiter: WaiterRef) -> PoolAnswer? {
    guard case .answered(let answer) = seats[waiter.seat] else {
      seats[waiter.seat] = .suspended(continuation)
      return nil
    }
    seats[waiter.seat] = .free
    core.vacate(waiter)
    return answer
  }

  mutating func answer(_ grant: PoolGrant) -> PoolWakeUp? {
    answer(grant.waiter, hold(grant.lease).map { .hold($0) } ?? .refused(PoolRefusal(.unavailable)))
  }

  /// Answers a waiter; what is to be resumed outside the lock, if its task has suspended already.
  private mutating func answer(_ waiter: WaiterRef, _ answer: PoolAnswer) -> PoolWakeUp? {
    guard case .suspended(let continuation) = seats[waiter.seat] else {
      seats[waiter.seat] = .answered(answer)
      return nil
    }
    seats[waiter.seat] = .free
    core.vacate(waiter)
    return PoolWakeUp(continuation: continuation, answer: answer)
  }

  // MARK: Work

  mutating func connectFailed(_ error: any Error, isHopeless: Bool) {
    lastConnectError = error
    self.isHopeless = isHopeless
  }

  /// Turns the core's actions into what is to be done outside the lock.
  mutating func work(_ now: PoolInstant) -> PoolWork {
    var work = PoolWork()
    if !core.actions.isEmpty {
      var actions: [PoolAction] = []
      swap(&actions, &core.actions)
      for action in actions { add(action, to: &work, now) }
    }
    if !warming.isEmpty { lookAtWarming(&work) }
    work.alarm = alarm()
    return work
  }

  private mutating func add(_ action: PoolAction, to work: inout PoolWork, _ now: PoolInstant) {
    switch action {
    case .grant(let grant):
      if let wakeUp = answer(grant) { work.wakeUps.append(wakeUp) }
    case .refuse(let waiter, let refusal):
      if let wakeUp = answer(waiter, .refused(refusal)) { work.wakeUps.append(wakeUp) }
    case .connect(let connection, let deadline): work.tasks.append(.connect(connection, deadline))
    case .validate(let connection, let deadline):
      if let object = objects[connection.slot] { work.tasks.append(.validate(connection, object, deadline)) }
    case .close(let connection, let reason):
      guard let object = objects[connection.slot] else { return }
      objects[connection.slot] = nil
      work.tasks.append(.close(connection, object, reason))
    case .leak(let holder, let reclaimed): work.tasks.append(.tell(.leak(holder, reclaimed: reclaimed)))
    case .pressure(let level): work.tasks.append(.tell(.pressure(level, core.statistics(now))))
    case .scaled(let from, let to): work.tasks.append(.tell(.scaled(from: from, to: to)))
    case .down: work.tasks.append(.tell(.down))
    case .recovered(let after):
      lastConnectError = nil
      work.tasks.append(.tell(.recovered(after: after)))
    case .drained:
      work.latches += draining.map { ($0, .done) }
      draining = []
    }
  }

  private mutating func lookAtWarming(_ work: inout PoolWork) {
    if core.isWarm {
      work.latches += warming.map { ($0, .done) }
      warming = []
    } else if isHopeless, core.live == 0, let lastConnectError {
      work.latches += warming.map { ($0, .hopeless(lastConnectError)) }
      warming = []
    }
  }

  // MARK: Timer

  /// What is to be scheduled, if the core wants to be woken earlier than it will be.
  private mutating func alarm() -> PoolAlarm? {
    let at = core.phase == .closed ? .never : core.wakeAt
    guard at < armedAt else { return nil }
    armedAt = at
    timerSerial += 1
    defer { timer = nil }
    return PoolAlarm(at: at, serial: timerSerial, former: timer)
  }

  /// Keeps the timer, unless another has been scheduled meanwhile.
  mutating func keep(_ timer: PoolTimer, serial: Int) -> Bool {
    guard serial == timerSerial, armedAt < .never else { return serial == timerSerial }
    self.timer = timer
    return true
  }

  /// Whether it is the timer that was scheduled last.
  mutating func timerFired(_ serial: Int) -> Bool {
    guard serial == timerSerial else { return false }
    armedAt = .never
    timer = nil
    return true
  }
}

/// What is to be done outside the lock.
struct PoolWork: Sendable {
  var wakeUps: [PoolWakeUp] = []
  var latches: [(PoolLatch, PoolLatch.Result)] = []
  var tasks: [PoolTask] = []
  var alarm: PoolAlarm?
}

enum PoolTask: Sendable {
  case connect(ConnectionRef, PoolInstant)
  case validate(ConnectionRef, PoolEngine.Object, PoolInstant)
  case close(ConnectionRef, PoolEngine.Object, PoolCloseReason)
  case tell(PoolEvent)
}

/// A waiter to wake, and its answer.
struct PoolWakeUp: Sendable {
  let continuation: UnsafeContinuation<PoolAnswer, Never>
  let answer: PoolAnswer

  func resume() { continuation.resume(returning: answer) }
}

/// When the core is to be woken.
struct PoolAlarm: Sendable {
  let at: PoolInstant
  let serial: Int
  let former: PoolTimer?
}

/// What a waiter gets.
enum PoolAnswer: Sendable {
  case hold(PoolHold)
  case refused(PoolRefusal)
}

/// A connection in use.
@usableFromInline
struct PoolHold: Sendable {
  @usableFromInline let object: any AnyObject & Sendable
  @usableFromInline let lease: LeaseRef

  init(object: any AnyObject & Sendable, lease: LeaseRef) {
    self.object = object
    self.lease = lease
  }
}
