public import MainstayKernel
import Synchronization

/// One sleeping task for all deadlines: setting one costs a push onto a heap, and a call that ends in time takes it
/// back. Make one a host, and give it to every layer.
public final class DeadlineTimer: Sendable {
  typealias ID = TimerHeap<@Sendable () -> Void>.ID

  private struct State {
    var timers = TimerHeap<@Sendable () -> Void>()
    /// When the sleeping task wakes; nil if there is none.
    var wakes: ContinuousClock.Instant?
    var sleeper: Task<Void, Never>?
    /// Tells a sleeper that was replaced from the one that counts.
    var generation = 0
  }

  /// The clock by which deadlines pass.
  public let clock: any HostClock
  private let state = Mutex(State())
  let abandonedCalls = Atomic<Int>(0)

  /// A timer on a clock.
  public init(clock: any HostClock) { self.clock = clock }

  deinit { state.withLock { $0.sleeper }?.cancel() }

  /// How many deadlines are set.
  public var pending: Int { state.withLock { $0.timers.count } }

  /// How many calls were given up at their deadline, ignored their cancellation, and still run.
  public var abandoned: Int { abandonedCalls.load(ordering: .relaxed) }

  /// Calls `action` at an instant, outside every lock. It must be short.
  func set(_ due: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) -> ID {
    let (id, replaced) = state.withLock { state -> (ID, Task<Void, Never>?) in
      let id = state.timers.insert(action, due: due)
      if let wakes = state.wakes, wakes <= due { return (id, nil) }
      return (id, arm(&state, for: due))
    }
    replaced?.cancel()
    return id
  }

  /// Takes a deadline back. False if it has passed.
  @discardableResult
  func cancel(_ id: ID) -> Bool { state.withLock { $0.timers.cancel(id) } != nil }

  /// Begins to sleep until `due`. Returns the sleeper that is not needed any more.
  private func arm(_ state: inout State, for due: ContinuousClock.Instant) -> Task<Void, Never>? {
    let replaced = state.sleeper
    state.generation &+= 1
    state.wakes = due
    let generation = state.generation
    let clock = clock
    state.sleeper = Task.detached(priority: .high) { [weak self] in
      guard (try? await clock.sleep(until: due, tolerance: nil)) != nil else { return }
      self?.wake(generation)
    }
    return replaced
  }

  private func wake(_ generation: Int) {
    let now = clock.now
    let due = state.withLock { state -> [@Sendable () -> Void] in
      guard generation == state.generation else { return [] }
      let due = state.timers.takeDue(at: now)
      state.sleeper = nil
      state.wakes = nil
      if let next = state.timers.next { _ = arm(&state, for: next) }
      return due
    }
    for action in due { action() }
  }
}
