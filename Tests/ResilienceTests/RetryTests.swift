import MainstayKernel
import MainstayResilience
import MainstayTesting
import Synchronization
import Testing

/// Retries, on a manual clock.
struct RetryTests {
  let clock = ManualClock()
  let timer: DeadlineTimer

  init() { timer = DeadlineTimer(clock: clock) }

  /// Waits of exactly 1 s.
  private static func strategy(_ attempts: Int) -> RetryStrategy {
    RetryStrategy(
      "test", attempts: attempts, backoff: Backoff(base: .seconds(1), factor: 1, cap: .seconds(1), jitter: .none))
  }

  private func finished<Value: Sendable>(_ task: Task<Value, Never>, waits: Int) async -> Value {
    for _ in 0..<waits {
      await clock.waitForSleeper(due: .seconds(1))
      clock.advance(by: .seconds(1))
    }
    return await task.value
  }

  @Test func theStrategiesAreThoseOfTheSources() {
    let expected: [(String, Int, Duration)] = [
      ("aggressive", 5, .milliseconds(500)), ("standard", 3, .seconds(1)), ("conservative", 2, .seconds(2)),
      ("quick", 2, .milliseconds(200)), ("database", 4, .milliseconds(50)), ("api", 3, .milliseconds(500)),
      ("external", 4, .seconds(1)), ("critical", 10, .milliseconds(500)), ("none", 1, .zero),
    ]
    #expect(RetryStrategy.presets.map(\.name) == expected.map(\.0))
    #expect(RetryStrategy.presets.map(\.attempts) == expected.map(\.1))
    #expect(RetryStrategy.presets.map(\.backoff.base) == expected.map(\.2))
    #expect(RetryStrategy.aggressive.longestWait == .milliseconds(7500))
    #expect(RetryStrategy.standard.longestWait == .seconds(3))
  }

  @Test func aStrategyThatCannotFitSaysSo() throws {
    #expect(RetryStrategy.quick.conflict(withDeadline: .seconds(1)) == nil)
    let conflict = try #require(RetryStrategy.standard.conflict(withDeadline: .seconds(1)))
    #expect(conflict.contains("'standard' may wait 3.0 s between its 3 attempts, but there are only 1.0 s"))
    #expect(RetryStrategy.external.longestDuration == .seconds(120))
  }

  @Test func repeatsUntilItSucceeds() async throws {
    let notices = Mutex<[RetryNotice.Kind]>([])
    let executions = RetryExecutions(capacity: 4)
    let retry = Retry(Self.strategy(3), timer: timer, executions: executions) { notice in
      notices.withLock { $0.append(notice.kind) }
    }
    let calls = Counter()
    let call = RetryCall("charge", service: "stripe", idempotency: .keyed("order-1"), metadata: ["order": "1"])
    let task = Task {
      await retry.outcome(of: call) {
        #expect(CallContext.current?.idempotencyKey == "order-1")
        #expect(CallContext.current?.attempt == calls.next())
        if calls.value < 3 { throw Failure() }
        return "done"
      }
    }
    let outcome = await finished(task, waits: 2)
    #expect(try outcome.result.get() == "done")
    #expect(outcome.attempts == 3 && outcome.stop == nil && outcome.duration == .seconds(2))
    #expect(notices.withLock { $0 } == [.willRetry(after: .seconds(1)), .willRetry(after: .seconds(1)), .succeeded])
    let execution = try #require(outcome.executionID.flatMap { executions.execution($0) })
    #expect(execution.state == .succeeded && execution.duration == .seconds(2))
    #expect(execution.metadata == ["order": "1"] && execution.service == "stripe")
    #expect(execution.attempts.map(\.errorType) == ["Failure", "Failure", nil])
    #expect(execution.attempts.map(\.ended) == [.zero, .seconds(1), .seconds(2)])
    #expect(retry.counts.succeededLater == 1 && retry.counts.retries == 2 && retry.counts.waited == .seconds(2))
  }

  @Test func throwsTheLastErrorItself() async throws {
    let retry = Retry(Self.strategy(2), timer: timer)
    let task = Task {
      await retry.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in throw Failure(.transient) }
    }
    let outcome = await finished(task, waits: 1)
    #expect(throws: Failure(.transient)) { try outcome.result.get() }
    #expect(outcome.stop == .attemptsExhausted && outcome.attempts == 2)
    #expect(retry.counts.failed == [.attemptsExhausted: 1])
  }

  /// Without the caller's word, nothing is done twice.
  @Test func repeatsNonIdempotentCallsOnlyIfTheyNeverArrived() async throws {
    let retry = Retry(Self.strategy(3), timer: timer)
    let calls = Counter()
    let outcome = await retry.outcome(of: RetryCall("pay", idempotency: .nonIdempotent)) { () -> Int in
      _ = calls.next()
      throw Failure(.transient)
    }
    #expect(outcome.stop == .nonIdempotent && calls.value == 1)
    let task = Task {
      await retry.outcome(of: RetryCall("pay", idempotency: .nonIdempotent)) { () -> Int in
        _ = calls.next()
        throw Failure(.withoutEffect)
      }
    }
    let second = await finished(task, waits: 2)
    #expect(second.stop == .attemptsExhausted && calls.value == 4)
  }

  @Test func permanentErrorsEndItAtOnce() async {
    let retry = Retry(Self.strategy(3), timer: timer)
    let outcome = await retry.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in
      throw Failure(.permanent)
    }
    #expect(outcome.stop == .notRetryable && outcome.attempts == 1)
    let own = Retry(
      Self.strategy(3), timer: timer, classifier: CallClassifier { $0 is Failure ? .permanent : nil })
    #expect(
      await own.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in throw Failure() }.stop
        == .notRetryable)
  }

  /// Three layers of three attempts are three calls, unless each layer is told otherwise.
  @Test(arguments: [(RetryStrategy.Nesting.suppressed, 3), (.allowed, 27)])
  func onlyTheOutermostRepeats(_ nesting: RetryStrategy.Nesting, _ expected: Int) async throws {
    var strategy = RetryStrategy("test", attempts: 3, backoff: .none)
    strategy.nesting = nesting
    let retry = Retry(strategy, timer: timer)
    let calls = Counter()
    _ = try? await retry.run("outer", .safe) {
      try await retry.run("middle", .safe) {
        try await retry.run("inner", .safe) {
          _ = calls.next()
          throw Failure()
        }
      }
    }
    #expect(calls.value == expected)
  }

  @Test func aStrategyOfOneAttemptLeavesRepeatingToThoseInside() async throws {
    let none = Retry(.none, timer: timer)
    let inner = Retry(RetryStrategy("test", attempts: 3, backoff: .none), timer: timer)
    let calls = Counter()
    _ = try? await none.run("outer", .safe) {
      try await inner.run("inner", .safe) {
        _ = calls.next()
        throw Failure()
      }
    }
    #expect(calls.value == 3)
  }

  /// A callee may ask for time, but not for ever.
  @Test func waitsAsLongAsTheCalleeAsksButNotForEver() async throws {
    let retry = Retry(Self.strategy(2), timer: timer)
    let day = RetryAfter.duration("86400", timeSinceEpoch: .zero)
    let outcome = await retry.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in
      throw Failure(.throttled(after: day))
    }
    #expect(outcome.stop == .retryAfterTooLong && outcome.duration == .zero)
    var machine = RetryMachine(Self.strategy(9), idempotency: .safe)
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<8 {
      let decision = machine.failed(.throttled(after: .seconds(20)), at: clock.now, using: &generator)
      guard case .retry(let wait) = decision else {
        Issue.record("\(decision)")
        return
      }
      #expect(wait >= .seconds(20) && wait < .seconds(25))
    }
  }

  @Test func readsRetryAfter() {
    let now = Duration.seconds(784_111_777)  // Sun, 06 Nov 1994 08:49:37 GMT
    #expect(RetryAfter.duration("120", timeSinceEpoch: now) == .seconds(120))
    #expect(RetryAfter.duration(" 0", timeSinceEpoch: now) == .zero)
    #expect(RetryAfter.duration("Sun, 06 Nov 1994 08:50:07 GMT", timeSinceEpoch: now) == .seconds(30))
    #expect(RetryAfter.duration("Sun, 06 Nov 1994 08:49:07 GMT", timeSinceEpoch: now) == .zero)
    #expect(RetryAfter.duration("Thu, 29 Feb 2024 00:00:00 GMT", timeSinceEpoch: .zero) == .seconds(1_709_164_800))
    #expect(RetryAfter.duration("99999999999999999999", timeSinceEpoch: now) == .seconds(10_000_000_000))
    for bad in [
      "", "soon", "-5", "1.5", "5x", "Sun, 06 Nov 1994", "Sun, 99 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 CET",
    ] {
      #expect(RetryAfter.duration(bad, timeSinceEpoch: now) == nil)
    }
  }

  @Test func makesNoAttemptThatWouldBeginAfterTheDeadline() async {
    var strategy = Self.strategy(5)
    strategy.overallTimeout = .milliseconds(2500)
    let retry = Retry(strategy, timer: timer)
    let task = Task { await retry.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in throw Failure() } }
    let outcome = await finished(task, waits: 2)
    #expect(outcome.stop == .deadlineWouldPass && outcome.attempts == 3 && outcome.duration == .seconds(2))
  }

  @Test func attemptsAreCancelledWhenTheirTimeIsOver() async throws {
    var strategy = Self.strategy(2)
    strategy.attemptTimeout = .seconds(4)
    let retry = Retry(strategy, timer: timer)
    let clock = clock
    let cancelled = Counter()
    let task = Task {
      await retry.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in
        do { try await clock.sleep(for: .seconds(100)) } catch {
          _ = cancelled.next()
          throw error
        }
        return 1
      }
    }
    for attempt in 1...2 {
      await clock.waitForSleeper(due: .seconds(100))
      await clock.waitForSleeper(due: .seconds(4))
      clock.advance(by: .seconds(4))
      guard attempt == 1 else { break }
      await clock.waitForSleeper(due: .seconds(1))
      clock.advance(by: .seconds(1))
    }
    let outcome = await task.value
    #expect(throws: DeadlineExceeded(operation: "read", scope: .attempt, limit: .seconds(4))) {
      try outcome.result.get()
    }
    #expect(cancelled.value == 2 && outcome.stop == .attemptsExhausted)
  }

  /// A thousand failures at once get exactly what the budget holds, and what was not used goes back.
  @Test func theBudgetIsExact() async {
    let budget = RetryBudget(ratio: 0.2, perSecond: 0.5, burst: 50, clock: clock)
    let retry = Retry(Self.strategy(2), timer: timer, budget: budget)
    let clock = clock
    let outcomes = await withTaskGroup(of: RetryMachine.Stop?.self) { group in
      for _ in 0..<1000 {
        group.addTask {
          await retry.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in throw Failure() }.stop
        }
      }
      await clock.waitForSleepers(50)
      // Nobody else may be waiting: nine hundred and fifty have been refused before time moves on.
      var stops: [RetryMachine.Stop?] = []
      for _ in 0..<950 { if let stop = await group.next() { stops.append(stop) } }
      clock.advance(by: .seconds(1))
      for await stop in group { stops.append(stop) }
      return stops
    }
    #expect(outcomes.count { $0 == .budgetExhausted } == 950)
    #expect(outcomes.count { $0 == .attemptsExhausted } == 50)
    #expect(budget.status.granted == 50 && budget.status.refused == 950)
    #expect(budget.status.tokens == 0.5)
    for _ in 0..<10 { _ = try? await retry.run("read", .safe) { 1 } }
    #expect(budget.status.tokens == 2.5)
  }

  @Test func aCallerWhoGivesUpGetsTheTokenBack() async throws {
    let budget = RetryBudget(clock: clock)
    let limit = RetryLimit(1)
    let retry = Retry(Self.strategy(3), timer: timer, budget: budget, limit: limit)
    let task = Task { await retry.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in throw Failure() } }
    await clock.waitForSleeper(due: .seconds(1))
    #expect(limit.current == 1)
    #expect(budget.status.tokens == 49)
    let second = await retry.outcome(of: RetryCall("read", idempotency: .safe)) { () -> Int in throw Failure() }
    #expect(second.stop == .tooManyRetries)
    task.cancel()
    let outcome = await task.value
    #expect(outcome.stop == .cancelled)
    #expect(throws: CancellationError.self) { try outcome.result.get() }
    #expect(limit.current == 0)
    #expect(budget.status.tokens == 50 && budget.status.returned == 1)
  }

  @Test func rejectionsAreRepeatedOnlyOnRequest() async throws {
    let rejection = CallRejection(.circuitOpen, name: "stripe", retryAfter: .seconds(3))
    let plain = Retry(Self.strategy(2), timer: timer)
    #expect(
      await plain.outcome(of: RetryCall("pay", idempotency: .nonIdempotent)) { () -> Int in throw rejection }.stop
        == .notRetryable)
    var strategy = Self.strategy(2)
    strategy.retriesRejections = true
    let patient = Retry(strategy, timer: timer, generator: SharedGenerator(Zeros()))
    let task = Task {
      await patient.outcome(of: RetryCall("pay", idempotency: .nonIdempotent)) { () -> Int in throw rejection }
    }
    await clock.waitForSleeper(due: .seconds(3))
    clock.advance(by: .seconds(3))
    #expect(await task.value.stop == .attemptsExhausted)
  }

  @Test func theRecordIsBounded() async {
    let executions = RetryExecutions(capacity: 3)
    let retry = Retry(Self.strategy(1), timer: timer, executions: executions)
    for n in 1...5 {
      var call = RetryCall("read-\(n)", idempotency: .safe)
      call.isTracked = n % 2 == 1
      let outcome = await retry.outcome(of: call) { () -> Int in
        if n == 4 { throw Failure() }
        return n
      }
      #expect((outcome.executionID == nil) == (n == 2))
    }
    #expect(executions.recent(10).map(\.operation) == ["read-5", "read-4", "read-3"])
    #expect(executions.execution(1) == nil)
    #expect(executions.execution(4)?.operation == "read-5")
    #expect(executions.execution(5) == nil && executions.execution(0) == nil && executions.execution(.min) == nil)
    executions.removeAll()
    #expect(executions.recent(10).isEmpty && executions.execution(4) == nil)
  }

  @Test func theRecordsMetadataAreBounded() async throws {
    let executions = RetryExecutions(capacity: 3)
    let retry = Retry(Self.strategy(1), timer: timer, executions: executions)
    let long = String(repeating: "x", count: 10_000)
    let metadata = Dictionary(uniqueKeysWithValues: (0..<100).map { ("\($0 + 100)" + ($0 == 0 ? long : ""), long) })
    _ = try await retry.run(RetryCall("read", idempotency: .safe, metadata: metadata, isTracked: true)) { 1 }
    let kept = try #require(executions.recent(1).first).metadata
    #expect(kept.count == 32 && kept["131"]?.count == 256 && kept["132"] == nil)
    #expect(kept.keys.allSatisfy { $0.count <= 256 })
  }

  @Test func countsBeginAnew() async {
    let retry = Retry(Self.strategy(1), timer: timer)
    _ = try? await retry.run("read", .safe) { 1 }
    #expect(retry.counts.calls == 1 && retry.counts.succeededAtOnce == 1)
    retry.resetCounts()
    #expect(retry.counts == RetryCounts())
  }
}

/// A generator whose every number is the least.
struct Zeros: RandomNumberGenerator, Sendable {
  mutating func next() -> UInt64 { 0 }
}

/// Counts calls from many tasks.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  var value: Int { count.load(ordering: .relaxed) }

  func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
