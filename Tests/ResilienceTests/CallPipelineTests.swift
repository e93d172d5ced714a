import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayResilience

/// The layers together.
struct CallPipelineTests {
  let clock = ManualClock()
  let timer: DeadlineTimer

  init() { timer = DeadlineTimer(clock: clock) }

  private static let quick = RetryStrategy("test", attempts: 3, backoff: .none)

  @Test func anOpenBreakerEndsTheRetrying() async throws {
    let breaker = CircuitBreaker("stripe", CircuitBreakerSettings(trip: .consecutive(failures: 2)), clock: clock)
    let pipeline = CallPipeline(timer: timer, retry: Retry(Self.quick, timer: timer), breaker: breaker)
    let calls = Counter()
    await #expect(throws: CallRejection.self) {
      try await pipeline.run("read", .safe) {
        _ = calls.next()
        throw Failure()
      }
    }
    #expect(calls.value == 2)
  }

  /// An error of a library that knows nothing of retries, read by the call itself: for every layer.
  @Test func aCallMayReadItsErrorsItself() async throws {
    struct Foreign: Error { let isPermanent: Bool }
    let breaker = CircuitBreaker("stripe", CircuitBreakerSettings(trip: .consecutive(failures: 1)), clock: clock)
    let pipeline = CallPipeline(
      timer: timer, retry: Retry(Self.quick, timer: timer),
      hedge: Hedge(after: .fixed(.seconds(9)), timer: timer, budget: nil), breaker: breaker,
      limiter: AdaptiveLimiter("stripe", clock: clock))
    let classifier = CallClassifier { ($0 as? Foreign)?.isPermanent == true ? .permanent : nil }
    let calls = Counter()
    await #expect(throws: Foreign.self) {
      try await pipeline.run(RetryCall("read", idempotency: .safe, classifier: classifier)) {
        _ = calls.next()
        throw Foreign(isPermanent: true)
      }
    }
    #expect(calls.value == 1 && breaker.state == .closed, "it is not repeated, and the callee works")
    _ = try? await pipeline.run(RetryCall("read", idempotency: .safe, classifier: classifier)) {
      throw Foreign(isPermanent: false)
    }
    #expect(breaker.state == .open)
  }

  /// A call that is too slow is a failure for the breaker and the limit, and is repeated.
  @Test func theBreakerSeesWhatWasTooSlow() async throws {
    let (clock, timer) = (clock, timer)
    let breaker = CircuitBreaker("stripe", clock: clock)
    var strategy = Self.quick
    strategy.attempts = 2
    strategy.attemptTimeout = .seconds(3)
    let pipeline = CallPipeline(
      timer: timer, retry: Retry(strategy, timer: timer), breaker: breaker,
      limiter: AdaptiveLimiter("stripe", clock: clock))
    let task = Task { try await pipeline.run("read", .safe) { try await clock.sleep(for: .seconds(100)) } }
    for n in 1...2 {
      await clock.waitForSleeper(due: .seconds(100))
      await clock.waitForSleeper(due: .seconds(3))
      clock.advance(by: .seconds(3))
      while breaker.status.failures < n { await Task.yield() }
    }
    await #expect(throws: DeadlineExceeded(operation: "read", scope: .attempt, limit: .seconds(3))) {
      try await task.value
    }
  }

  @Test func theOverallDeadlineCountsAgainstTheCallee() async throws {
    let (clock, timer) = (clock, timer)
    let breaker = CircuitBreaker("stripe", clock: clock)
    let pipeline = CallPipeline(timer: timer, overallTimeout: .seconds(3), breaker: breaker)
    let task = Task { try await pipeline.run("read", .safe) { try await clock.sleep(for: .seconds(100)) } }
    await clock.waitForSleeper(due: .seconds(100))
    await clock.waitForSleeper(due: .seconds(3))
    clock.advance(by: .seconds(3))
    await #expect(throws: DeadlineExceeded.self) { try await task.value }
    #expect(breaker.status.failures == 1)
  }

  /// The fallback answers for failures, not for callers who have given up.
  @Test func theFallbackAnswersUnlessTheCallerHasGivenUp() async throws {
    let pipeline = CallPipeline(timer: timer, retry: Retry(Self.quick, timer: timer))
    let answer = try await pipeline.run(RetryCall("read", idempotency: .safe)) { error in
      "\(error)"
    } _: {
      throw Failure()
    }
    #expect(answer.hasPrefix("Failure"))
    let (clock, fallbacks) = (clock, Counter())
    let task = Task {
      try await pipeline.run(RetryCall("read", idempotency: .safe)) { _ in
        fallbacks.next()
      } _: {
        try await clock.sleep(for: .seconds(100))
        return 0
      }
    }
    await clock.waitForSleeper(due: .seconds(100))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(fallbacks.value == 0)
  }

  @Test func aSuccessEarnsTheSharedBudgetOnce() async throws {
    let budget = RetryBudget(ratio: 0.25, perSecond: 0, burst: 10, clock: clock)
    while let token = budget.reserve() { token.spend() }
    let pipeline = CallPipeline(
      timer: timer, retry: Retry(Self.quick, timer: timer, budget: budget),
      hedge: Hedge(after: .fixed(.seconds(1)), timer: timer, budget: budget))
    for _ in 0..<4 { #expect(try await pipeline.run("read", .safe) { 1 } == 1) }
    #expect(budget.status.tokens == 1)
  }

  @Test func saysWhatDoesNotFitTogether() {
    var strategy = RetryStrategy.standard
    strategy.attemptTimeout = .seconds(40)
    let retry = Retry(strategy, timer: timer)
    let pipeline = CallPipeline(
      timer: timer, overallTimeout: .seconds(2), retry: retry,
      hedge: Hedge(after: .fixed(.seconds(1)), timer: timer, budget: nil), breaker: CircuitBreaker("b", clock: clock))
    #expect(pipeline.warnings.count == 4)
    let fitting = CallPipeline(timer: timer, overallTimeout: .seconds(30), retry: Retry(.standard, timer: timer))
    #expect(fitting.warnings.isEmpty)
  }

  /// Random layers, outcomes, delays and cancellations: in the end every gauge is at zero.
  @Test(arguments: 0..<60) func everythingIsGivenBack(_ seed: Int) async {
    let trial = Trial(seed: UInt64(seed))
    await trial.run(calls: 25)
    #expect(trial.leftovers.isEmpty)
  }
}

/// One random pipeline and what it holds.
private final class Trial: Sendable {
  let clock = ManualClock()
  let timer: DeadlineTimer
  let pipeline: CallPipeline
  let budget: RetryBudget
  let limit = RetryLimit(5)
  private let generator: SharedGenerator
  private let ended = Counter()

  init(seed: UInt64) {
    let generator = SharedGenerator(SeededGenerator(seed: seed))
    var random = generator
    func maybe<Value>(_ value: @autoclosure () -> Value) -> Value? { Bool.random(using: &random) ? value() : nil }
    let timer = DeadlineTimer(clock: clock)
    let budget = RetryBudget(ratio: 0.1, perSecond: 1, burst: 10, clock: clock)
    let strategy = RetryStrategy(
      "trial", attempts: 3, backoff: Backoff(base: .milliseconds(100), cap: .seconds(1)),
      attemptTimeout: maybe(.milliseconds(400)), overallTimeout: maybe(.seconds(2)),
      retriesRejections: Bool.random(using: &random))
    pipeline = CallPipeline(
      timer: timer, overallTimeout: maybe(.seconds(3)),
      retry: maybe(
        Retry(strategy, timer: timer, budget: budget, limit: limit, executions: RetryExecutions(), generator: generator)
      ),
      hedge: maybe(Hedge(after: .quantile(0.9, initially: .milliseconds(150)), timer: timer, budget: budget)),
      breaker: maybe(
        CircuitBreaker(
          "trial", CircuitBreakerSettings(openFor: .milliseconds(300), probeTimeout: .seconds(1)), clock: clock)),
      bulkhead: maybe(Bulkhead("trial", limit: 3, queue: 4, wait: maybe(.milliseconds(500)), timer: timer)),
      limiter: maybe(AdaptiveLimiter("trial", AdditiveLimit(initial: 6, range: 2...8), clock: clock)),
      attemptTimeout: maybe(.milliseconds(300)), overrun: Bool.random(using: &random) ? .wait : .abandon)
    self.timer = timer
    self.budget = budget
    self.generator = generator
  }

  func run(calls: Int) async {
    var random = generator
    var tasks: [Task<Void, Never>] = []
    for _ in 0..<calls {
      let idempotency: Idempotency = Int.random(in: 0..<4, using: &random) == 0 ? .nonIdempotent : .safe
      tasks.append(
        Task { [self] in
          _ = try? await pipeline.run(RetryCall("trial", idempotency: idempotency)) { _ in
            0
          } _: {
            try await self.work()
          }
          _ = ended.next()
        })
      await step()
      if Int.random(in: 0..<5, using: &random) == 0 { tasks.randomElement(using: &random)?.cancel() }
    }
    while ended.value < calls { await step() }
    // Those that were left behind end too.
    for _ in 0..<200 where !leftovers.isEmpty { await step() }
  }

  private func step() async {
    var random = generator
    clock.advance(by: .milliseconds(Int.random(in: 0...60, using: &random)))
    for _ in 0..<20 { await Task.yield() }
  }

  private func work() async throws -> Int {
    var random = generator
    let duration = Duration.milliseconds(Int.random(in: 0...600, using: &random))
    let outcome = Int.random(in: 0..<6, using: &random)
    if Int.random(in: 0..<4, using: &random) == 0 {
      try await deaf(clock, duration)
    } else {
      try await clock.sleep(for: duration)
    }
    switch outcome {
    case 0: throw Failure(.transient)
    case 1: throw Failure(.permanent)
    case 2: throw Failure(.throttled(after: .milliseconds(50)))
    case 3: throw Failure(.withoutEffect)
    default: return 1
    }
  }

  /// Whatever is not back where it was.
  var leftovers: [String] {
    var list: [String] = []
    func zero(_ value: Int, _ name: String) { if value != 0 { list.append("\(name): \(value)") } }
    zero(timer.pending, "timers")
    zero(timer.abandoned, "abandoned calls")
    zero(limit.current, "places of retries")
    zero(pipeline.hedge?.counts.running ?? 0, "hedged calls")
    zero(pipeline.bulkhead?.status.inUse ?? 0, "places of the bulkhead")
    zero(pipeline.bulkhead?.status.queued ?? 0, "waiters of the bulkhead")
    zero(pipeline.limiter?.status.inFlight ?? 0, "calls of the limiter")
    zero(pipeline.retry?.executions?.recent(1000).count { $0.state == .running } ?? 0, "running executions")
    if let breaker = pipeline.breaker, breaker.state == .halfOpen {
      // Its places are free: as many probes are let through as allowed.
      if breaker.status.retryAfter != .zero { list.append("probes of the breaker") }
    }
    return list
  }
}
