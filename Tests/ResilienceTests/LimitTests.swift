import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayResilience

/// Bulkheads, adaptive limits and hedges, on a manual clock.
struct LimitTests {
  let clock = ManualClock()
  let timer: DeadlineTimer

  init() { timer = DeadlineTimer(clock: clock) }

  @Test func theBulkheadServesInOrderAndRefusesBeyondItsQueue() async throws {
    let bulkhead = Bulkhead("db", limit: 1, queue: 2, timer: timer)
    let first = try await bulkhead.acquire()
    let order = SharedList()
    var waiters: [Task<Void, any Error>] = []
    for n in 1...2 {
      waiters.append(
        Task {
          let permit = try await bulkhead.acquire()
          order.add(n)
          permit.release()
        })
      while bulkhead.status.queued < n { await Task.yield() }
    }
    await #expect(throws: CallRejection(.bulkheadFull, name: "db")) { try await bulkhead.run {} }
    first.release()
    for waiter in waiters { try await waiter.value }
    #expect(order.values == [1, 2])
    #expect(bulkhead.status == Bulkhead.Status(name: "db", limit: 1, inUse: 0, queued: 0, rejected: 1))
  }

  @Test func waitersThatLeaveTakeNoPlace() async throws {
    let bulkhead = Bulkhead("db", limit: 1, queue: 10, wait: .seconds(2), timer: timer)
    let permit = try await bulkhead.acquire()
    let timed = Task { try await bulkhead.run {} }
    await clock.waitForSleeper(due: .seconds(2))
    let cancelled = Task { try await bulkhead.run {} }
    while bulkhead.status.queued < 2 { await Task.yield() }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    clock.advance(by: .seconds(2))
    await #expect(throws: CallRejection(.bulkheadTimedOut, name: "db")) { try await timed.value }
    permit.release()
    #expect(bulkhead.status.inUse == 0 && bulkhead.status.queued == 0)
    try await bulkhead.run {}
    #expect(timer.pending == 0)
  }

  /// Against a list of who is inside and who waits.
  @Test func theBulkheadsMachineKeepsCount() {
    for seed in 0..<200 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let limit = Int.random(in: 1...3, using: &generator)
      var machine = BulkheadMachine(limit: limit, queueLimit: 5)
      var inside = 0
      var waiting: [UInt64] = []
      for id in UInt64(1)...300 {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0:
          switch machine.enter(id) {
          case .entered: inside += 1
          case .queued: waiting.append(id)
          case .full: #expect(inside == limit && waiting.count == 5)
          }
        case 1 where inside > 0:
          let next = machine.release()
          #expect(next == waiting.first)
          if next == nil { inside -= 1 } else { waiting.removeFirst() }
        default:
          guard let victim = waiting.randomElement(using: &generator) else { continue }
          let (left, again) = (machine.leave(victim), machine.leave(victim))
          #expect(left && !again)
          waiting.removeAll { $0 == victim }
        }
        #expect(machine.inUse == inside && machine.queued == waiting.count && inside <= limit)
      }
    }
  }

  /// Calls get slower for a while; afterwards the limit comes back.
  @Test(arguments: [Algorithm.additive, .gradient]) func theLimitComesBack(_ algorithm: Algorithm) {
    var simulation = Simulation(algorithm.limit)
    simulation.run(.seconds(60), latency: .milliseconds(10))
    let before = simulation.limit.limit
    simulation.run(.seconds(30), latency: .milliseconds(400), dropsAbove: 8)
    let during = simulation.limit.limit
    simulation.run(.seconds(60), latency: .milliseconds(10))
    #expect(during < before / 2)
    #expect(simulation.limit.limit * 10 >= before * 9)
  }

  @Test(arguments: [Algorithm.additive, .gradient]) func lossesShrinkTheLimitDownToItsFloor(_ algorithm: Algorithm) {
    var limit = algorithm.limit
    let before = limit.limit
    for _ in 0..<3 { limit.record(latency: .milliseconds(10), inFlight: before, isDropped: true) }
    #expect(limit.limit < before)
    for _ in 0..<500 { limit.record(latency: .milliseconds(10), inFlight: before, isDropped: true) }
    #expect((1...4).contains(limit.limit))
  }

  enum Algorithm: Sendable {
    case additive, gradient

    var limit: any LimitAlgorithm {
      switch self {
      case .additive: AdditiveLimit(initial: 20, range: 4...100)
      case .gradient: GradientLimit(initial: 20, range: 4...100)
      }
    }
  }

  /// As many calls at a time as the limit allows, each round as long as one call.
  struct Simulation {
    var limit: any LimitAlgorithm

    init(_ limit: any LimitAlgorithm) { self.limit = limit }

    mutating func run(_ duration: Duration, latency: Duration, dropsAbove capacity: Int = .max) {
      var time = Duration.zero
      while time < duration {
        let inFlight = limit.limit
        for n in 1...inFlight { limit.record(latency: latency, inFlight: n, isDropped: n > capacity) }
        time += latency
      }
    }
  }

  @Test func theLimiterRefusesBeyondItsLimit() async throws {
    let limiter = AdaptiveLimiter("api", AdditiveLimit(initial: 2, range: 2...2), clock: clock)
    let first = try limiter.acquire()
    let second = try limiter.acquire()
    #expect(throws: CallRejection(.limitExceeded, name: "api")) { try limiter.acquire().finish(.success) }
    first.finish(.success)
    second.finish(.neutral)
    #expect(limiter.status == AdaptiveLimiter.Status(name: "api", limit: 2, inFlight: 0, rejected: 1))
    _ = try? await limiter.run { throw Failure() }
    #expect(limiter.status.inFlight == 0)
  }

  @Test func aHedgeAnswersWhenTheFirstCallHangs() async throws {
    let (clock, timer) = (clock, timer)
    let budget = RetryBudget(clock: clock)
    let hedge = Hedge(after: .fixed(.seconds(1)), timer: timer, budget: budget)
    let calls = Counter()
    let task = Task {
      try await hedge.run(.safe) {
        let number = calls.next()
        if number == 1 { try await clock.sleep(for: .seconds(100)) }
        return number
      }
    }
    await clock.waitForSleeper(due: .seconds(100))
    await clock.waitForSleeper(due: .seconds(1))
    clock.advance(by: .seconds(1))
    #expect(try await task.value == 2)
    while hedge.counts.running > 0 { await Task.yield() }
    #expect(hedge.counts == Hedge.Counts(calls: 1, copies: 1, wins: 1))
    #expect(timer.pending == 0)
  }

  /// When everything is slow, copies stop where the budget ends.
  @Test func hedgesStayWithinTheBudget() async throws {
    let (clock, timer) = (clock, timer)
    let budget = RetryBudget(ratio: 0.1, perSecond: 0, burst: 20, clock: clock)
    let hedge = Hedge(after: .fixed(.seconds(1)), timer: timer, budget: budget)
    let calls = Counter()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<200 {
        group.addTask {
          try? await hedge.run(.safe) {
            _ = calls.next()
            try await clock.sleep(for: .seconds(10))
          }
        }
      }
      await clock.waitForSleepers(201)
      clock.advance(by: .seconds(1))
      while hedge.counts.copies + hedge.counts.refused < 200 { await Task.yield() }
      while calls.value < 220 { await Task.yield() }
      await clock.waitForSleepers(220)
      clock.advance(by: .seconds(10))
    }
    #expect(hedge.counts.copies == 20 && hedge.counts.refused == 180 && calls.value == 220)
    while hedge.counts.running > 0 { await Task.yield() }
  }

  @Test func nonIdempotentCallsAreNotHedged() async throws {
    let hedge = Hedge(after: .fixed(.zero), timer: timer, budget: nil)
    #expect(try await hedge.run(.nonIdempotent) { 1 } == 1)
    #expect(hedge.counts == Hedge.Counts())
  }

  @Test func aHedgeWaitsForTheOtherCopyUnlessTheErrorIsPermanent() {
    var machine = HedgeMachine(copies: 1)
    machine.start()
    machine.start()
    #expect(!machine.canStart)
    let decisions = [machine.failed(isPermanent: false), machine.failed(isPermanent: false)]
    #expect(decisions == [.wait, .end])
    var fatal = HedgeMachine(copies: 2)
    fatal.start()
    fatal.start()
    let decision = fatal.failed(isPermanent: true)
    let isFirst = fatal.succeeded()
    #expect(decision == .end && !isFirst && !fatal.canStart)
  }

  @Test func theQuantileFollowsTheLastCalls() {
    var quantile = LatencyQuantile(0.95)
    for n in 1...100 { quantile.record(.milliseconds(n)) }
    #expect((90...96).contains(Int((quantile.value ?? .zero) / .milliseconds(1))))
    for _ in 0..<200 { quantile.record(.milliseconds(5)) }
    #expect(quantile.value == .milliseconds(5))
  }
}
