import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayResilience

/// The breaker and its runner, on a manual clock.
struct CircuitBreakerTests {
  let clock = ManualClock()

  private func opened(_ settings: CircuitBreakerSettings) throws -> CircuitBreaker {
    let breaker = CircuitBreaker("stripe", settings, clock: clock)
    for _ in 0..<5 where breaker.state == .closed { try breaker.acquire().finish(.failure) }
    #expect(breaker.state == .open)
    return breaker
  }

  @Test func opensAfterFiveFailuresInARowAndClosesAfterTwoSuccesses() throws {
    let states = Mutex<[String]>([])
    let breaker = CircuitBreaker("stripe", clock: clock) { change in
      states.withLock { $0.append("\(change.from)>\(change.to)") }
    }
    for _ in 0..<4 { try breaker.acquire().finish(.failure) }
    try breaker.acquire().finish(.success)
    for _ in 0..<4 { try breaker.acquire().finish(.failure) }
    #expect(breaker.state == .closed)
    try breaker.acquire().finish(.failure)
    let rejection = #expect(throws: CallRejection.self) { try breaker.acquire().finish(.success) }
    #expect(rejection == CallRejection(.circuitOpen, name: "stripe", retryAfter: .seconds(60)))
    clock.advance(by: .seconds(60))
    try breaker.acquire().finish(.success)
    #expect(breaker.state == .halfOpen)
    try breaker.acquire().finish(.success)
    #expect(breaker.status.state == .closed)
    #expect(states.withLock { $0 } == ["closed>open", "open>halfOpen", "halfOpen>closed"])
  }

  /// A thousand arrivals while it is half open are refused, not queued.
  @Test func halfOpenLetsOnlyItsProbesThrough() throws {
    let breaker = try opened(CircuitBreakerSettings(probes: 3))
    clock.advance(by: .seconds(60))
    var machine = CircuitBreakerMachine(CircuitBreakerSettings(probes: 3), at: clock.now)
    for _ in 0..<5 {
      if case .admitted(let ticket) = machine.acquire(at: clock.now) { machine.finish(ticket, .failure, at: clock.now) }
    }
    clock.advance(by: .seconds(60))
    let admitted = (0..<500).count { _ in
      if case .admitted = machine.acquire(at: clock.now) { true } else { false }
    }
    #expect(admitted == 3)
    #expect(machine.rejected == 497)
    // What is refused through the runner waits for nobody.
    let probe = try breaker.acquire()
    let second = try breaker.acquire()
    let third = try breaker.acquire()
    #expect(throws: CallRejection.self) { try breaker.acquire().finish(.success) }
    probe.finish(.neutral)
    second.finish(.neutral)
    third.finish(.neutral)
  }

  /// After closing, the share that is let through grows.
  @Test func rampsUpAfterClosing() throws {
    let settings = CircuitBreakerSettings(successThreshold: 1, rampUp: .seconds(10))
    let breaker = try opened(settings)
    clock.advance(by: .seconds(60))
    try breaker.acquire().finish(.success)
    func share() -> Int {
      (0..<1000).count { _ in
        do {
          try breaker.acquire().finish(.success)
          return true
        } catch { return false }
      }
    }
    #expect((99...101).contains(share()))
    clock.advance(by: .seconds(5))
    #expect((549...551).contains(share()))
    clock.advance(by: .seconds(5))
    #expect(share() == 1000)
  }

  /// A probe that never returns does not keep it half open for ever.
  @Test func aProbeThatHangsIsReplaced() throws {
    let breaker = try opened(CircuitBreakerSettings(successThreshold: 1, probeTimeout: .seconds(30)))
    clock.advance(by: .seconds(60))
    let hung = try breaker.acquire()
    #expect(throws: CallRejection.self) { try breaker.acquire().finish(.success) }
    clock.advance(by: .seconds(30))
    let next = try breaker.acquire()
    hung.finish(.success)
    #expect(breaker.state == .halfOpen)
    next.finish(.success)
    #expect(breaker.state == .closed)
  }

  /// What was admitted before the outage has no say after it.
  @Test func staleResultsDoNotCount() throws {
    let settings = CircuitBreakerSettings()
    let breaker = CircuitBreaker("stripe", settings, clock: clock)
    let first = try breaker.acquire()
    let second = try breaker.acquire()
    let third = try breaker.acquire()
    for _ in 0..<5 { try breaker.acquire().finish(.failure) }
    clock.advance(by: .seconds(60))
    let probe = try breaker.acquire()
    first.finish(.success)
    second.finish(.success)
    third.finish(.failure)
    #expect(breaker.state == .halfOpen)
    probe.finish(.neutral)
    #expect(breaker.state == .halfOpen)
  }

  /// A caller who gives up says nothing about the callee, and its probe's place is free again.
  @Test func aCancelledProbeIsNeutral() async throws {
    let breaker = try opened(CircuitBreakerSettings(successThreshold: 1))
    clock.advance(by: .seconds(60))
    let clock = clock
    let task = Task { try await breaker.run { try await clock.sleep(for: .seconds(5)) } }
    await clock.waitForSleeper(due: .seconds(5))
    #expect(throws: CallRejection.self) { try breaker.acquire().finish(.success) }
    task.cancel()
    _ = await task.result
    #expect(breaker.state == .halfOpen)
    try breaker.acquire().finish(.success)
    #expect(breaker.state == .closed)
  }

  @Test func aPermitThatIsDroppedIsNeutral() throws {
    let breaker = try opened(CircuitBreakerSettings(successThreshold: 1))
    clock.advance(by: .seconds(60))
    do { _ = try breaker.acquire() }
    #expect(breaker.state == .halfOpen)
    try breaker.acquire().finish(.success)
    #expect(breaker.state == .closed)
  }

  @Test func refusalsForGoodAreNoFailures() async throws {
    let breaker = CircuitBreaker("stripe", clock: clock)
    for _ in 0..<10 { _ = try? await breaker.run { throw Failure(.permanent) } }
    #expect(breaker.state == .closed)
    for _ in 0..<5 { _ = try? await breaker.run { throw Failure(.transient) } }
    #expect(breaker.state == .open)
  }

  @Test func slowSuccessesAreFailuresIfItIsToldSo() throws {
    let breaker = CircuitBreaker(
      "stripe", CircuitBreakerSettings(trip: .consecutive(failures: 1), slowCall: .seconds(2)), clock: clock)
    let quick = try breaker.acquire()
    clock.advance(by: .seconds(2))
    quick.finish(.success)
    #expect(breaker.state == .closed)
    let slow = try breaker.acquire()
    clock.advance(by: .milliseconds(2001))
    slow.finish(.success)
    #expect(breaker.state == .open)
  }

  @Test func failuresThatLieFarApartAreNoRun() throws {
    let breaker = CircuitBreaker(
      "stripe", CircuitBreakerSettings(trip: .consecutive(failures: 2, within: .seconds(10))), clock: clock)
    try breaker.acquire().finish(.failure)
    clock.advance(by: .seconds(11))
    try breaker.acquire().finish(.failure)
    #expect(breaker.state == .closed)
    clock.advance(by: .seconds(10))
    try breaker.acquire().finish(.failure)
    #expect(breaker.state == .open)
  }

  @Test func staysOpenLongerEachTimeUpToALimit() throws {
    let breaker = try opened(
      CircuitBreakerSettings(
        successThreshold: 1, openFor: .seconds(10), openGrowth: 3, longestOpen: .seconds(60)))
    var waits: [Duration] = []
    for _ in 0..<4 {
      let wait = try #require(breaker.status.retryAfter)
      waits.append(wait)
      clock.advance(by: wait)
      try breaker.acquire().finish(.failure)
    }
    #expect(waits == [.seconds(10), .seconds(30), .seconds(60), .seconds(60)])
    clock.advance(by: .seconds(60))
    try breaker.acquire().finish(.success)
    for _ in 0..<5 { try breaker.acquire().finish(.failure) }
    #expect(breaker.status.retryAfter == .seconds(10))
  }

  @Test func isOpenedDisabledAndClosedByHand() throws {
    let breaker = CircuitBreaker("stripe", clock: clock)
    breaker.forceOpen()
    clock.advance(by: .seconds(100_000))
    #expect(throws: CallRejection(.circuitOpen, name: "stripe")) { try breaker.acquire().finish(.success) }
    breaker.disable()
    for _ in 0..<20 { try breaker.acquire().finish(.failure) }
    #expect(breaker.state == .disabled)
    breaker.close()
    #expect(breaker.status.failures == 0)
    #expect(breaker.state == .closed)
    #expect(CircuitBreakerMachine.State.allCases.map(\.gauge) == [0, 1, 2, 1, 0])
  }

  @Test func tellsHowItIs() throws {
    let breaker = CircuitBreaker("stripe", clock: clock)
    let before = clock.timeSinceEpoch
    try breaker.acquire().finish(.failure)
    clock.advance(by: .seconds(7))
    let status = breaker.status
    #expect(status.failures == 1)
    #expect(status.lastFailure == before)
    #expect(status.retryAfter == .zero)
  }

  /// The window against a list of all events, and its size.
  @Test func theWindowAgreesWithAListOfEvents() {
    let start = clock.now
    var generator = SeededGenerator(seed: 11)
    var window = SlidingWindow(period: .seconds(10), at: start)
    var events: [(at: Duration, isSuccess: Bool)] = []
    var time = Duration.zero
    for _ in 0..<20_000 {
      time += .milliseconds(Int.random(in: 0...300, using: &generator))
      if Int.random(in: 0..<400, using: &generator) == 0 { time += .seconds(12) }
      let isSuccess = Bool.random(using: &generator)
      events.append((time, isSuccess))
      window.add(isSuccess: isSuccess, at: start.advanced(by: time))
      events.removeAll { $0.at < time - .seconds(10) }
      let inNine = events.filter { $0.at > time - .seconds(9) }
      // The oldest tenth may be gone already: that is the error, and all of it.
      #expect((inNine.count { $0.isSuccess }...events.count { $0.isSuccess }).contains(window.successes))
      #expect((inNine.count { !$0.isSuccess }...events.count { !$0.isSuccess }).contains(window.failures))
    }
    #expect(MemoryLayout<SlidingWindow>.size < 100)
  }

  /// What a breaker keeps does not grow with its calls.
  @Test func memoryDoesNotDependOnTheNumberOfCalls() async {
    let settings = CircuitBreakerSettings(trip: .windowed(ratio: 0.9, minimumCalls: 10, period: .seconds(10)))
    var machine = CircuitBreakerMachine(settings, at: clock.now)
    var generator = SeededGenerator(seed: 5)
    let before = elements(of: machine)
    var now = clock.now
    for round in 0..<100_000 {
      if round % 1024 == 0 { await Task.yield() }
      now = now.advanced(by: .milliseconds(Int.random(in: 0...20, using: &generator)))
      guard case .admitted(let ticket) = machine.acquire(at: now) else { continue }
      // Some never report.
      if round % 7 != 0 { machine.finish(ticket, round % 3 == 0 ? .failure : .success, at: now) }
    }
    #expect(elements(of: machine) == before)
  }

  /// How many values there are in all lists within a value.
  private func elements(of value: Any) -> Int {
    let mirror = Mirror(reflecting: value)
    let own = mirror.displayStyle == .collection ? mirror.children.count : 0
    return mirror.children.reduce(own) { $0 + elements(of: $1.value) }
  }

  @Test func opensByTheShareOfFailuresInAWindow() throws {
    let settings = CircuitBreakerSettings(trip: .windowed(ratio: 0.5, minimumCalls: 10, period: .seconds(10)))
    let breaker = CircuitBreaker("stripe", settings, clock: clock)
    for _ in 0..<5 { try breaker.acquire().finish(.success) }
    for _ in 0..<4 { try breaker.acquire().finish(.failure) }
    #expect(breaker.state == .closed)
    clock.advance(by: .seconds(20))
    for _ in 0..<9 { try breaker.acquire().finish(.failure) }
    #expect(breaker.state == .closed)
    try breaker.acquire().finish(.failure)
    #expect(breaker.state == .open)
  }
}

/// An error that says what it is told to.
struct Failure: RetryClassifiable, Equatable {
  let callAdvice: CallAdvice

  init(_ advice: CallAdvice = .transient) { callAdvice = advice }
}
