import MainstayKernel
import MainstayTesting
import Testing

@Suite struct ManualClockTests {
  private let clock = ManualClock()

  @Test func standsStillUntilItIsMoved() {
    let start = clock.now
    #expect(clock.now == start)
    clock.advance(by: .seconds(5))
    #expect(clock.now == start.advanced(by: .seconds(5)))
    #expect(clock.timeSinceEpoch == .seconds(1_735_689_605))
  }

  @Test func sleepersWakeWhenTheirTimeHasCome() async throws {
    let clock = clock
    let short = Task { try await clock.sleep(for: .seconds(1)) }
    let long = Task { try await clock.sleep(for: .seconds(10)) }
    await clock.waitForSleepers(2)
    clock.advance(by: .seconds(1))
    try await short.value
    #expect(clock.sleepers == 1)
    clock.advance(by: .seconds(9))
    try await long.value
    #expect(clock.sleepers == 0)
  }

  @Test func pastDeadlineDoesNotSleep() async throws {
    try await clock.sleep(until: clock.now, tolerance: nil)
    #expect(clock.sleepers == 0)
  }

  @Test func cancelledSleeperThrowsAndIsForgotten() async {
    let clock = clock
    let task = Task { try await clock.sleep(for: .seconds(1)) }
    await clock.waitForSleepers()
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(clock.sleepers == 0)
  }

  @Test func taskThatIsAlreadyCancelledDoesNotSleep() async {
    let clock = clock
    let (gate, open) = AsyncStream<Void>.makeStream()
    let task = Task {
      for await _ in gate {}
      try await clock.sleep(for: .seconds(1))
    }
    task.cancel()
    open.finish()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func tellsSleepersByWhenTheyWake() async {
    let clock = clock
    let other = Task { try await clock.sleep(for: .seconds(3)) }
    await clock.waitForSleepers()
    let found = Task { await clock.waitForSleeper(due: .seconds(7)) }
    let sought = Task { try await clock.sleep(for: .seconds(7)) }
    await found.value
    #expect(clock.sleepers == 2)
    other.cancel()
    sought.cancel()
  }

  @Test func sleeperComesWithinReachAsTimePasses() async {
    let clock = clock
    let sleeper = Task { try await clock.sleep(for: .seconds(10)) }
    await clock.waitForSleepers()
    clock.advance(by: .seconds(4))
    await clock.waitForSleeper(due: .seconds(6))
    sleeper.cancel()
  }
}
