import Synchronization

/// Makes a second call when the first takes unusually long, and takes the answer that comes first.
///
/// Only calls that may be repeated are hedged, and only while the target's budget bears it. The copies that lose are cancelled and
/// left behind: hedge only operations that own everything they touch.
public final class Hedge: Sendable {
  /// After which time a copy is made.
  public enum Delay: Sendable, Hashable {
    /// After a fixed time.
    case fixed(Duration)
    /// After the time in which this share of the last calls was answered, such as 0.95; until sixteen are known, after
    /// `initially`.
    case quantile(Double, initially: Duration)
  }

  /// What has become of the hedged calls.
  public struct Counts: Sendable, Hashable {
    /// Calls, without their copies.
    public var calls: UInt64
    /// Copies that were made.
    public var copies: UInt64
    /// Calls in which a copy's answer came first.
    public var wins: UInt64
    /// Copies that the budget refused.
    public var refused: UInt64
    /// Copies and calls that run at present.
    public var running: Int

    /// Counts, by default none.
    public init(calls: UInt64 = 0, copies: UInt64 = 0, wins: UInt64 = 0, refused: UInt64 = 0, running: Int = 0) {
      self.calls = calls
      self.copies = copies
      self.wins = wins
      self.refused = refused
      self.running = running
    }
  }

  private struct State {
    var counts = Counts()
    var quantile: LatencyQuantile?
  }

  /// After which time a copy is made.
  public let delay: Delay
  /// The most copies beside the first call.
  public let copies: Int
  private let timer: DeadlineTimer
  let budget: RetryBudget?
  private let classifier: CallClassifier
  private let state: Mutex<State>

  /// A hedge. Give it the budget of the retries that go to the same target.
  public init(
    after delay: Delay, copies: Int = 1, timer: DeadlineTimer, budget: RetryBudget?,
    classifier: CallClassifier = .standard
  ) {
    self.delay = delay
    self.copies = max(0, copies)
    self.timer = timer
    self.budget = budget
    self.classifier = classifier
    var state = State()
    if case .quantile(let quantile, _) = delay { state.quantile = LatencyQuantile(quantile) }
    self.state = Mutex(state)
  }

  /// What has become of its calls.
  public var counts: Counts { state.withLock { $0.counts } }

  /// Calls, and calls again if that takes unusually long.
  /// - Parameter classifier: Reads the errors of this call; nil for the hedge's own.
  public func run<Value: Sendable>(
    _ idempotency: Idempotency, classifiedBy classifier: CallClassifier? = nil,
    _ call: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let value = try await answer(idempotency, classifiedBy: classifier, call)
    budget?.recordSuccess()
    return value
  }

  /// The first answer. Earns the budget nothing, for layers around it that do.
  func answer<Value: Sendable>(
    _ idempotency: Idempotency, classifiedBy classifier: CallClassifier? = nil,
    _ call: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard idempotency.allowsRepetition, copies > 0 else { return try await call() }
    state.withLock { $0.counts.calls += 1 }
    let run = HedgedCall(hedge: self, classifier ?? self.classifier, call)
    run.start()
    let result = await withTaskCancellationHandler {
      await run.result.wait()
    } onCancel: {
      run.giveUp()
    }
    run.end()
    return try result.get()
  }

  /// The time after which a copy is made at present.
  var currentDelay: Duration {
    switch delay {
    case .fixed(let delay): delay
    case .quantile(_, let initially): state.withLock { $0.quantile?.value } ?? initially
    }
  }

  /// One call with its copies.
  private final class HedgedCall<Value: Sendable>: Sendable {
    private struct State {
      var machine: HedgeMachine
      var tasks: [Task<Void, Never>] = []
      var timer: DeadlineTimer.ID?
    }

    let result = OneShot<Result<Value, any Error>>()
    private let hedge: Hedge
    private let classifier: CallClassifier
    private let call: @Sendable () async throws -> Value
    private let state: Mutex<State>

    init(hedge: Hedge, _ classifier: CallClassifier, _ call: @escaping @Sendable () async throws -> Value) {
      self.hedge = hedge
      self.classifier = classifier
      self.call = call
      state = Mutex(State(machine: HedgeMachine(copies: hedge.copies)))
    }

    /// Starts the call, or a copy, and sets the timer for the next.
    func start() {
      let began = hedge.timer.clock.now
      let number = state.withLock { state -> Int? in
        guard state.machine.canStart else { return nil }
        state.machine.start()
        return state.machine.started
      }
      guard let number else { return }
      hedge.started(number)
      let task = Task { await self.carryOut(number, began: began) }
      let (isOver, hasMore) = state.withLock { state in
        state.tasks.append(task)
        return (state.machine.isOver, state.machine.hasMore)
      }
      if isOver { task.cancel() } else if hasMore { arm(began.advanced(by: hedge.currentDelay)) }
    }

    func giveUp() {
      guard state.withLock({ $0.machine.giveUp() }) else { return }
      result.resume(.failure(CancellationError()))
      end()
    }

    /// Cancels what still runs.
    func end() {
      let (tasks, timer) = state.withLock { state in
        defer {
          state.tasks = []
          state.timer = nil
        }
        return (state.tasks, state.timer)
      }
      if let timer { hedge.timer.cancel(timer) }
      for task in tasks { task.cancel() }
    }

    private func arm(_ due: ContinuousClock.Instant) {
      let id = hedge.timer.set(due) { [weak self] in self?.startCopy() }
      let isOver = state.withLock { state in
        state.timer = id
        return state.machine.isOver
      }
      if isOver { hedge.timer.cancel(id) }
    }

    private func startCopy() {
      guard state.withLock({ $0.machine.hasMore }), hedge.mayCopy() else { return }
      start()
    }

    private func carryOut(_ number: Int, began: ContinuousClock.Instant) async {
      do {
        let value = try await call()
        let isFirst = state.withLock { $0.machine.succeeded() }
        hedge.ended(began, isWin: isFirst && number > 1, isSuccess: true)
        if isFirst { result.resume(.success(value)) }
      } catch {
        let isPermanent = classifier.advice(error) == .permanent
        let decision = state.withLock { $0.machine.failed(isPermanent: isPermanent) }
        hedge.ended(began, isWin: false, isSuccess: false)
        if decision == .end { result.resume(.failure(error)) }
      }
    }
  }

  private func started(_ number: Int) {
    state.withLock { state in
      state.counts.running += 1
      if number > 1 { state.counts.copies += 1 }
    }
  }

  /// Takes a token of the budget for a copy.
  private func mayCopy() -> Bool {
    guard let budget else { return true }
    guard let token = budget.reserve() else {
      state.withLock { $0.counts.refused += 1 }
      return false
    }
    token.spend()
    return true
  }

  private func ended(_ began: ContinuousClock.Instant, isWin: Bool, isSuccess: Bool) {
    let latency = began.duration(to: timer.clock.now)
    state.withLock { state in
      state.counts.running -= 1
      if isWin { state.counts.wins += 1 }
      if isSuccess { state.quantile?.record(latency) }
    }
  }
}
