public import MainstayKernel
import Synchronization

/// A clock that stands still until a test moves it on.
///
/// ```swift
/// let clock = ManualClock()
/// let task = Task { try await clock.sleep(for: .seconds(30)) }
/// await clock.waitForSleepers()
/// clock.advance(by: .seconds(30))
/// ```
public final class ManualClock: HostClock {
  private struct Sleeper {
    let id: Int
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct Waiter {
    let count: Int
    /// How far from now they wake; nil if it does not matter.
    let due: Duration?
    let continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var now = ContinuousClock.now
    var epoch: Duration
    var sleepers: [Sleeper] = []
    var waiters: [Waiter] = []
    var cancelled: Set<Int> = []
    var next = 0

    func isMet(_ waiter: Waiter) -> Bool {
      let matching = waiter.due.map { due in sleepers.count { $0.deadline == now.advanced(by: due) } }
      return (matching ?? sleepers.count) >= waiter.count
    }

    /// Takes out the waiters who have waited long enough.
    mutating func takeMetWaiters() -> [Waiter] {
      let met = waiters.filter { isMet($0) }
      waiters = waiters.filter { !isMet($0) }
      return met
    }
  }

  private let state: Mutex<State>

  /// A clock that shows a point in time given as the time since 1970: by default 2025-01-01T00:00:00Z.
  public init(timeSinceEpoch: Duration = .seconds(1_735_689_600)) {
    state = Mutex(State(epoch: timeSinceEpoch))
  }

  /// The present instant.
  public var now: ContinuousClock.Instant { state.withLock { $0.now } }
  /// Time since 1970.
  public var timeSinceEpoch: Duration { state.withLock { $0.epoch } }
  /// One nanosecond.
  public var minimumResolution: Duration { .nanoseconds(1) }
  /// How many tasks sleep on the clock.
  public var sleepers: Int { state.withLock { $0.sleepers.count } }

  /// Waits until a test has moved the clock to the deadline.
  public func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration? = nil) async throws {
    let id = state.withLock { state in
      state.next += 1
      return state.next
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        park(Sleeper(id: id, deadline: deadline, continuation: continuation))
      }
    } onCancel: {
      cancel(id)
    }
  }

  /// Moves the clock on and wakes, in order, whoever has slept long enough.
  public func advance(by duration: Duration) {
    let (due, met) = state.withLock { state in
      state.now = state.now.advanced(by: duration)
      state.epoch += duration
      let due = state.sleepers.filter { $0.deadline <= state.now }.sorted { $0.deadline < $1.deadline }
      state.sleepers.removeAll { $0.deadline <= state.now }
      return (due, state.takeMetWaiters())
    }
    for sleeper in due { sleeper.continuation.resume() }
    for waiter in met { waiter.continuation.resume() }
  }

  /// Waits until at least `count` tasks sleep on the clock.
  public func waitForSleepers(_ count: Int = 1) async { await wait(count: count, due: nil) }

  /// Waits until a task sleeps that wakes after exactly this time. In a host the kernel sleeps on the clock too, for its
  /// budgets; this tells a plugin's interval from them, unless it is as long as one: `start_timeout` is 10 s by default, and
  /// may still stand on the clock for a moment when a host has just started.
  public func waitForSleeper(due: Duration) async { await wait(count: 1, due: due) }

  private func wait(count: Int, due: Duration?) async {
    await withCheckedContinuation { continuation in
      let waiter = Waiter(count: count, due: due, continuation: continuation)
      let isMet = state.withLock { state in
        if state.isMet(waiter) { return true }
        state.waiters.append(waiter)
        return false
      }
      if isMet { continuation.resume() }
    }
  }

  private func park(_ sleeper: Sleeper) {
    enum Outcome { case parked([Waiter]), due, cancelled }
    let outcome: Outcome = state.withLock { state in
      if state.cancelled.remove(sleeper.id) != nil { return .cancelled }
      if sleeper.deadline <= state.now { return .due }
      state.sleepers.append(sleeper)
      return .parked(state.takeMetWaiters())
    }
    switch outcome {
    case .parked(let waiters): for waiter in waiters { waiter.continuation.resume() }
    case .due: sleeper.continuation.resume()
    case .cancelled: sleeper.continuation.resume(throwing: CancellationError())
    }
  }

  private func cancel(_ id: Int) {
    let sleeper = state.withLock { state in
      guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
        // Cancelled before it was parked, or after it woke; in the second case the entry is never looked at.
        state.cancelled.insert(id)
        return Sleeper?.none
      }
      return state.sleepers.remove(at: index)
    }
    sleeper?.continuation.resume(throwing: CancellationError())
  }
}
