import Synchronization
import Testing

@testable import MainstayReactor

@Suite(.timeLimit(.minutes(1))) struct TimerHeapTests {
  @Test func firesInOrderOfDeadlineAndThenOfSetting() {
    var heap = TimerHeap()
    var names: [ObjectIdentifier: String] = [:]
    func timer(_ name: String, _ deadline: UInt64) -> ReactorTimer {
      let timer = ReactorTimer {}
      names[ObjectIdentifier(timer)] = name
      heap.set(timer, MonotonicInstant(nanoseconds: deadline))
      return timer
    }
    let timers = [timer("c", 30), timer("a1", 10), timer("b", 20), timer("a2", 10)]
    #expect(heap.popDue(MonotonicInstant(nanoseconds: 9)) == nil)
    var order: [String] = []
    while let due = heap.popDue(.distantFuture) { order.append(names[ObjectIdentifier(due)] ?? "?") }
    #expect(order == ["a1", "a2", "b", "c"])
    #expect(timers.allSatisfy { !$0.isPending })
  }

  /// Random settings, moves and removals against a sorted list.
  @Test(arguments: 0..<50) func agreesWithASortedList(seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    var heap = TimerHeap()
    let timers = (0..<40).map { _ in ReactorTimer {} }
    var model: [(deadline: UInt64, order: Int, index: Int)] = []
    for step in 0..<400 {
      let index = Int(random.next() % 40)
      switch random.next() % 5 {
      case 0, 1, 2:
        let deadline = random.next() % 100
        model.removeAll { $0.index == index }
        model.append((deadline, step, index))
        heap.set(timers[index], MonotonicInstant(nanoseconds: deadline))
      case 3:
        model.removeAll { $0.index == index }
        heap.remove(timers[index])
      default:
        model.sort { ($0.deadline, $0.order) < ($1.deadline, $1.order) }
        let now = random.next() % 100
        let expected = model.first.flatMap { $0.deadline <= now ? $0.index : nil }
        let due = heap.popDue(MonotonicInstant(nanoseconds: now))
        #expect(due.flatMap { timer in timers.firstIndex { $0 === timer } } == expected)
        if expected != nil { model.removeFirst() }
      }
      #expect(heap.count == model.count)
      #expect(timers.indices.allSatisfy { at in timers[at].isPending == model.contains { $0.index == at } })
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct ReactorTimerTests {
  @Test func firesOnTheThreadAndInOrder() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let log = Mutex<[Int]>([])
    await withUnsafeContinuation { continuation in
      reactor.submit {
        for (number, milliseconds) in [(3, 6), (1, 2), (2, 4)] {
          let timer = ReactorTimer {
            log.withLock { $0.append(reactor.isOnThread ? number : -1) }
            if number == 3 { continuation.resume() }
          }
          reactor.set(timer, for: reactor.now.advanced(by: .milliseconds(milliseconds)))
        }
      }
    }
    #expect(log.withLock { $0 } == [1, 2, 3])
  }

  @Test func doesNotFireWhenCancelledAndMovesWhenSetAgain() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let log = Mutex<[String]>([])
    await withUnsafeContinuation { continuation in
      reactor.submit {
        let cancelled = ReactorTimer { log.withLock { $0.append("cancelled") } }
        let moved = ReactorTimer {
          log.withLock { $0.append("moved") }; continuation.resume()
        }
        let between = ReactorTimer { log.withLock { $0.append("between") } }
        reactor.set(cancelled, for: reactor.now)
        reactor.set(moved, for: reactor.now)
        reactor.cancel(cancelled)
        reactor.set(between, for: reactor.now.advanced(by: .milliseconds(1)))
        reactor.set(moved, for: reactor.now.advanced(by: .milliseconds(2)))
      }
    }
    #expect(log.withLock { $0 } == ["between", "moved"])
  }

  @Test func wakesForADeadlineSetWhileItSleeps() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let far = ReactorTimer {}
    try await reactor.run { reactor.set(far, for: reactor.now.advanced(by: .seconds(3600))) }
    await withUnsafeContinuation { continuation in
      let near = ReactorTimer { continuation.resume() }
      reactor.submit { reactor.set(near, for: reactor.now.advanced(by: .milliseconds(1))) }
    }
    #expect(try await reactor.run { far.isPending })
  }
}

@Suite(.timeLimit(.minutes(1))) struct MonotonicInstantTests {
  @Test func movesWithoutOverflow() {
    let start = MonotonicInstant(nanoseconds: 5)
    #expect(start.advanced(by: .nanoseconds(7)).nanoseconds == 12)
    #expect(start.advanced(by: .seconds(2)).nanoseconds == 2_000_000_005)
    #expect(start.advanced(by: .seconds(-3)) == start)
    #expect(start.advanced(by: .seconds(Int64.max)) == .distantFuture)
    #expect(MonotonicInstant.distantFuture.advanced(by: .nanoseconds(1)) == .distantFuture)
    #expect(start.duration(to: MonotonicInstant(nanoseconds: 9)) == .nanoseconds(4))
    #expect(MonotonicInstant(nanoseconds: 9).duration(to: start) == .zero)
    #expect(start.duration(to: .distantFuture) == .nanoseconds(Int64.max))
  }

  @Test func followsTheClockOfTheHost() {
    let before = MonotonicInstant.now
    let instant = MonotonicInstant(ContinuousClock.now.advanced(by: .seconds(60)))
    #expect(instant >= before.advanced(by: .seconds(30)))
    #expect(instant <= MonotonicInstant.now.advanced(by: .seconds(60)))
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
