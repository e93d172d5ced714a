import MainstayPooling
import Synchronization

/// A pool's clock that stands still until a test moves it on.
final class ManualPoolClock: PoolClock {
  private struct Scheduled {
    let id: Int
    let at: PoolInstant
    let action: @Sendable () -> Void
  }

  private struct State {
    var now = PoolInstant(nanoseconds: 1_000_000_000)
    var scheduled: [Scheduled] = []
    var next = 0
  }

  private let state = Mutex(State())
  private let origin = ContinuousClock.now

  var now: PoolInstant { state.withLock { $0.now } }
  /// How many timers are set.
  var timers: Int { state.withLock { $0.scheduled.count } }

  /// What is due already is done at once, as by any clock: whoever asks may have looked at the time before it was moved on.
  func schedule(at instant: PoolInstant, _ action: @escaping @Sendable () -> Void) -> PoolTimer {
    let (id, isDue) = state.withLock { state in
      state.next += 1
      let isDue = instant <= state.now
      if !isDue { state.scheduled.append(Scheduled(id: state.next, at: instant, action: action)) }
      return (state.next, isDue)
    }
    if isDue { Task.detached { action() } }
    return PoolTimer { [weak self] in self?.state.withLock { $0.scheduled.removeAll { $0.id == id } } }
  }

  func instant(_ instant: ContinuousClock.Instant) -> PoolInstant {
    PoolInstant(nanoseconds: 1_000_000_000).advanced(by: origin.duration(to: instant))
  }

  func continuous(_ instant: PoolInstant) -> ContinuousClock.Instant {
    origin.advanced(by: PoolInstant(nanoseconds: 1_000_000_000).duration(to: instant))
  }

  /// The present instant, as deadlines are given.
  var continuousNow: ContinuousClock.Instant { continuous(now) }

  /// Moves on, timer by timer.
  func advance(by duration: Duration) {
    let end = now.advanced(by: duration)
    while true {
      let due: Scheduled? = state.withLock { state in
        guard let next = state.scheduled.filter({ $0.at <= end }).min(by: { $0.at < $1.at }) else {
          state.now = end
          return nil
        }
        state.scheduled.removeAll { $0.id == next.id }
        state.now = max(state.now, next.at)
        return next
      }
      guard let due else { return }
      due.action()
    }
  }
}

/// A connection of no server.
final class Wire: Sendable {
  let number: Int
  let onDeath: @Sendable () -> Void
  let condition = Mutex(PooledConnectionCondition.reusable)
  let users = Atomic<Int>(0)

  init(number: Int, onDeath: @escaping @Sendable () -> Void) {
    self.number = number
    self.onDeath = onDeath
  }
}

struct WireError: Error, Equatable {
  var isHopeless = false
}

/// Makes wires, as told by a test, and remembers what became of them.
final class Wires: PooledConnectionFactory {
  private struct State {
    var made: [Wire] = []
    var closed: [Int] = []
    var tidied = 0
    var failure: WireError?
    var works = true
    var held: [CheckedContinuation<Void, Never>] = []
    var holds = false
    var waiters: [(Int, CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())

  var made: [Wire] { state.withLock { $0.made } }
  var closed: [Int] { state.withLock { $0.closed.sorted() } }
  var tidied: Int { state.withLock { $0.tidied } }

  /// From now on, connecting fails so; nil: it works.
  func fail(_ failure: WireError?) { state.withLock { $0.failure = failure } }
  /// From now on, trying a connection says so.
  func works(_ works: Bool) { state.withLock { $0.works = works } }
  /// From now on, connecting does not end before `letGo`.
  func hold() { state.withLock { $0.holds = true } }

  func letGo() {
    let held = state.withLock { state in
      state.holds = false
      defer { state.held = [] }
      return state.held
    }
    for one in held { one.resume() }
  }

  /// Waits until so many connects are held.
  func waitForHeld(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.held.count >= count { return true }
        state.waiters.append((count, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  func connect(
    deadline: ContinuousClock.Instant, onDeath: @escaping @Sendable () -> Void
  ) async throws -> Wire {
    await withCheckedContinuation { continuation in
      let met: [CheckedContinuation<Void, Never>]? = state.withLock { state in
        guard state.holds else { return nil }
        state.held.append(continuation)
        let met = state.waiters.filter { $0.0 <= state.held.count }.map(\.1)
        state.waiters.removeAll { $0.0 <= state.held.count }
        return met
      }
      if let met { for one in met { one.resume() } } else { continuation.resume() }
    }
    return try state.withLock { state in
      if let failure = state.failure { throw failure }
      let wire = Wire(number: state.made.count, onDeath: onDeath)
      state.made.append(wire)
      return wire
    }
  }

  func validate(_ connection: Wire, deadline: ContinuousClock.Instant) async -> Bool { state.withLock { $0.works } }
  func condition(of connection: Wire) -> PooledConnectionCondition { connection.condition.withLock { $0 } }

  func tidy(_ connection: Wire, deadline: ContinuousClock.Instant) async -> Bool {
    state.withLock { $0.tidied += 1 }
    return connection.condition.withLock { condition in
      defer { condition = .reusable }
      return condition == .untidy
    }
  }

  func close(_ connection: Wire) async { state.withLock { $0.closed.append(connection.number) } }
  func isHopeless(_ error: any Error) -> Bool { (error as? WireError)?.isHopeless ?? false }
}

/// What a pool has told, for tests to wait for.
final class PoolEvents: Sendable {
  private struct State {
    var seen: [PoolEvent] = []
    var waiters: [(@Sendable (PoolEvent) -> Bool, CheckedContinuation<PoolEvent, Never>)] = []
  }

  private let state = Mutex(State())

  var seen: [PoolEvent] { state.withLock { $0.seen } }

  var observer: @Sendable (PoolEvent) -> Void {
    { event in
      let met = self.state.withLock { state in
        state.seen.append(event)
        let met = state.waiters.filter { $0.0(event) }.map(\.1)
        state.waiters.removeAll { $0.0(event) }
        return met
      }
      for one in met { one.resume(returning: event) }
    }
  }

  /// The first event that fits, among those that have been and those to come.
  func first(_ fits: @escaping @Sendable (PoolEvent) -> Bool) async -> PoolEvent {
    await withCheckedContinuation { continuation in
      let known = state.withLock { state in
        let known = state.seen.first(where: fits)
        if known == nil { state.waiters.append((fits, continuation)) }
        return known
      }
      if let known { continuation.resume(returning: known) }
    }
  }

  func closed(_ reason: PoolCloseReason) async {
    _ = await first { if case .closed(reason) = $0 { true } else { false } }
  }
}

/// Lets other tasks run until something holds; ends with the test's time limit, which fails the test.
func eventually(_ holds: () -> Bool) async {
  while !holds(), !Task.isCancelled { await Task.yield() }
}
