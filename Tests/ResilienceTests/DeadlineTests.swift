import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayResilience

/// Deadlines, on a manual clock.
struct DeadlineTests {
  let clock = ManualClock()
  let timer: DeadlineTimer

  init() { timer = DeadlineTimer(clock: clock) }

  @Test func answersThatComeInTimeLeaveNothingBehind() async throws {
    for _ in 0..<100 { #expect(try await withDeadline(.seconds(1), timer: timer) { 7 } == 7) }
    #expect(timer.pending == 0)
    #expect(clock.sleepers <= 1)
  }

  /// An operation that ignores its cancellation is waited for, and is told to be late.
  @Test func waitsForWhoIgnoresItsCancellation() async throws {
    let (clock, timer) = (clock, timer)
    let cancelled = OneShot<Void>()
    let task = Task {
      try await withDeadline(.seconds(5), timer: timer) {
        try await withTaskCancellationHandler {
          try await deaf(clock, .seconds(8))
        } onCancel: {
          cancelled.resume(())
        }
      }
    }
    await clock.waitForSleeper(due: .seconds(8))
    await clock.waitForSleeper(due: .seconds(5))
    clock.advance(by: .seconds(5))
    await cancelled.wait()
    clock.advance(by: .seconds(3))
    await #expect(throws: DeadlineExceeded(operation: "the call", scope: .overall, limit: .seconds(5))) {
      try await task.value
    }
  }

  /// Or left behind, and counted until it ends.
  @Test func leavesWhoIgnoresItsCancellationBehind() async throws {
    let (clock, timer) = (clock, timer)
    let ended = OneShot<Int>()
    let task = Task {
      try await withDeadline(.seconds(5), timer: timer, overrun: .abandon) {
        try? await deaf(clock, .seconds(8))
        ended.resume(1)
      }
    }
    await clock.waitForSleeper(due: .seconds(8))
    await clock.waitForSleeper(due: .seconds(5))
    clock.advance(by: .seconds(5))
    await #expect(throws: DeadlineExceeded.self) { try await task.value }
    #expect(timer.abandoned == 1)
    clock.advance(by: .seconds(3))
    _ = await ended.wait()
    while timer.abandoned > 0 { await Task.yield() }
    #expect(timer.pending == 0)
  }

  /// A success that comes with the deadline is a success.
  @Test func aSuccessThatComesTooLateIsKept() async throws {
    let (clock, timer) = (clock, timer)
    let task = Task {
      try await withDeadline(.seconds(5), timer: timer) {
        try? await clock.sleep(for: .seconds(100))
        return "made it"
      }
    }
    await clock.waitForSleeper(due: .seconds(100))
    await clock.waitForSleeper(due: .seconds(5))
    clock.advance(by: .seconds(5))
    #expect(try await task.value == "made it")
  }

  /// A caller who gives up is not told of a deadline.
  @Test(arguments: Overrun.allCases) func aCallerWhoGivesUpGetsACancellation(_ overrun: Overrun) async throws {
    let (clock, timer) = (clock, timer)
    let task = Task {
      try await withDeadline(.seconds(5), timer: timer, overrun: overrun) { try await clock.sleep(for: .seconds(100)) }
    }
    await clock.waitForSleeper(due: .seconds(100))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    while timer.abandoned > 0 { await Task.yield() }
    #expect(timer.pending == 0)
  }

  /// It computes without ever waiting, and only looks whether it is cancelled now and then.
  @Test(arguments: [true, false]) func whoeverNeverWaitsIsCancelledToo(_ isGivenUp: Bool) async throws {
    let (clock, timer) = (clock, timer)
    let begun = OneShot<Void>()
    // Of another priority, whose threads are not those that the others need.
    let task = Task(priority: .background) {
      try await withDeadline(.seconds(5), timer: timer) {
        begun.resume(())
        while !Task.isCancelled {}
        throw CancellationError()
      }
    }
    await begun.wait()
    if isGivenUp {
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    } else {
      await clock.waitForSleeper(due: .seconds(5))
      clock.advance(by: .seconds(5))
      await #expect(throws: DeadlineExceeded.self) { try await task.value }
    }
    #expect(timer.pending == 0)
  }

  @Test(arguments: Overrun.allCases) func aCallerWhoHasGivenUpBeforeIsHeard(_ overrun: Overrun) async throws {
    let (clock, timer) = (clock, timer)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await withDeadline(.seconds(5), timer: timer, overrun: overrun) { try await clock.sleep(for: .seconds(100)) }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    while timer.abandoned > 0 { await Task.yield() }
    #expect(timer.pending == 0)
  }

  @Test(arguments: Overrun.allCases) func theCallSeesWhatItsCallerHasBound(_ overrun: Overrun) async throws {
    let context = CallContext(retryOwner: "charge", attempt: 3)
    let seen = try await Bound.$word.withValue("outer") {
      try await CallContext.$current.withValue(context) {
        try await withDeadline(.seconds(5), timer: timer, overrun: overrun) {
          await Task.yield()
          let context = CallContext.current
          return (Bound.word, context?.retryOwner, context?.attempt, context?.deadline)
        }
      }
    }
    #expect(seen.0 == "outer" && seen.1 == "charge" && seen.2 == 3 && seen.3 == clock.now.advanced(by: .seconds(5)))
    #expect(CallContext.current == nil, "nothing stays bound")
  }

  /// Ends, deadlines and callers who give up, all at the same moment.
  @Test(arguments: Overrun.allCases) func nothingIsLostWhenEverythingEndsAtOnce(_ overrun: Overrun) async throws {
    let timer = DeadlineTimer(clock: SystemClock())
    var generator = SeededGenerator(seed: 11)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<3000 {
        let limit = Duration.microseconds(Int.random(in: 1...150, using: &generator))
        let yields = Int.random(in: 0...40, using: &generator)
        let isGivenUp = Int.random(in: 0..<3, using: &generator) == 0
        group.addTask {
          let task = Task {
            try await withDeadline(limit, timer: timer, overrun: overrun) {
              for _ in 0..<yields {
                await withTaskCancellationHandler(operation: { await Task.yield() }, onCancel: {})
              }
              try Task.checkCancellation()
            }
          }
          if isGivenUp { task.cancel() }
          if case .failure(let error) = await task.result {
            #expect(error is DeadlineExceeded || error is CallRejection || isGivenUp && error is CancellationError)
          }
        }
      }
    }
    while timer.abandoned > 0 { await Task.yield() }
    #expect(timer.pending == 0)
  }

  @Test func theNearestDeadlineCounts() async throws {
    let (clock, timer) = (clock, timer)
    let task = Task {
      try await withDeadline(.seconds(3), timer: timer, operation: "outer") {
        try await withDeadline(.seconds(10), timer: timer, operation: "inner", scope: .attempt) {
          #expect(CallContext.current?.remaining(at: clock.now) == .seconds(3))
          try await clock.sleep(for: .seconds(100))
        }
      }
    }
    await clock.waitForSleeper(due: .seconds(100))
    clock.advance(by: .seconds(3))
    let error = await #expect(throws: DeadlineExceeded.self) { try await task.value }
    #expect(error?.scope == .overall)
  }

  @Test func nothingBeginsAfterItsDeadline() async throws {
    let (clock, timer) = (clock, timer)
    let calls = Counter()
    await #expect(throws: CallRejection(.deadlinePassed, name: "read")) {
      try await withDeadline(.zero, timer: timer, operation: "read") { _ = calls.next() }
    }
    await CallContext.$current.withValue(CallContext(deadline: clock.now)) {
      await #expect(throws: CallRejection.self) {
        try await withDeadline(.seconds(1), timer: timer, operation: "read") { _ = calls.next() }
      }
    }
    #expect(calls.value == 0)
  }

  @Test func timersFallDueInOrderAndCancelledOnesDoNot() {
    var generator = SeededGenerator(seed: 5)
    let start = clock.now
    for _ in 0..<50 {
      var heap = TimerHeap<Int>()
      var expected: [(due: Int, id: TimerHeap<Int>.ID, payload: Int)] = []
      for payload in 0..<200 {
        let due = Int.random(in: 0..<100, using: &generator)
        expected.append((due, heap.insert(payload, due: start.advanced(by: .seconds(due))), payload))
        if Int.random(in: 0..<3, using: &generator) == 0, let victim = expected.randomElement(using: &generator) {
          let (payload, again) = (heap.cancel(victim.id), heap.cancel(victim.id))
          #expect(payload == victim.payload && again == nil)
          expected.removeAll { $0.id == victim.id }
        }
      }
      #expect(heap.count == expected.count)
      for tick in stride(from: 0, through: 100, by: 10) {
        let due = heap.takeDue(at: start.advanced(by: .seconds(tick)))
        let model = expected.filter { $0.due <= tick }.map(\.payload)
        #expect(Set(due) == Set(model) && due.count == model.count)
        expected.removeAll { $0.due <= tick }
      }
      #expect(heap.count == 0 && heap.next == nil)
    }
  }

  @Test func oneTaskSleepsForAllTimers() async {
    let fired = Counter()
    for second in (1...50).reversed() {
      _ = timer.set(clock.now.advanced(by: .seconds(second))) { _ = fired.next() }
    }
    await clock.waitForSleeper(due: .seconds(1))
    for second in 1...50 {
      clock.advance(by: .seconds(1))
      while fired.value < second { await Task.yield() }
      if second < 50 { await clock.waitForSleeper(due: .seconds(1)) }
    }
    #expect(timer.pending == 0 && clock.sleepers == 0)
  }
}

/// Something that a caller binds.
private enum Bound {
  @TaskLocal static var word = "nothing"
}

/// Sleeps on, whether its task is cancelled or not.
func deaf(_ clock: ManualClock, _ duration: Duration) async throws {
  await Task.detached { try? await clock.sleep(for: duration) }.value
  try Task.checkCancellation()
}
