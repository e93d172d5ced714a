import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayResilience

/// Outages, simulated: what the budget lets through, and whether the target comes up again.
struct StormTests {
  /// Everything fails for twenty seconds at 400 calls a second.
  @Test func anOutageIsNotMadeWorse() async {
    var storm = Storm(budget: true)
    await storm.run(seconds: 60, perSecond: 400, down: 20..<40)
    let load = Double(storm.sent[20..<40].reduce(0, +)) / Double(20 * 400)
    #expect(load <= 1.05)
    #expect(storm.sent[20] <= 500)
    // And afterwards everything succeeds again.
    #expect(storm.succeeded[42] >= 380)
  }

  @Test func withoutABudgetItIs() async {
    var storm = Storm(budget: false)
    await storm.run(seconds: 60, perSecond: 400, down: 20..<40)
    #expect(storm.sent[20..<40].reduce(0, +) > 3 * 20 * 400)
  }

  /// While a tenth of the calls fails by chance, retries do their work.
  @Test func singleFailuresAreRepeated() async {
    var storm = Storm(budget: true)
    await storm.run(seconds: 60, perSecond: 200, down: 5..<55, failing: 0.1)
    #expect(Double(storm.answered) >= 0.999 * Double(storm.offered))
  }

  /// A server at four fifths of its capacity stops for ten seconds. The queue that piles up makes every answer too
  /// late; retries that are not held back keep it that way for ever.
  @Test func anOverloadedTargetRecovers() async {
    var budgeted = Overload(budget: true)
    await budgeted.run(seconds: 80)
    // Forty seconds after the target came back, at the latest.
    #expect(budgeted.goodput(in: 50..<80) >= 0.95)
    var unbounded = Overload(budget: false)
    await unbounded.run(seconds: 80)
    #expect(unbounded.goodput(in: 60..<80) < 0.5)
  }
}

/// What both simulations have in common: calls in the order of their time, decided by the values of the module.
private struct Caller {
  var generator = SeededGenerator(seed: 1)
  let start = ContinuousClock.now
  var tokens: RetryTokens?
  let strategy = RetryStrategy("storm", attempts: 4, backoff: Backoff(base: .milliseconds(100), cap: .seconds(2)))

  init(budget: Bool) {
    tokens = budget ? RetryTokens(ratio: 0.2, perSecond: 0.5, burst: 50, at: start) : nil
  }

  func machine() -> RetryMachine { RetryMachine(strategy, idempotency: .safe) }

  func instant(_ time: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(1) * time) }

  /// The wait before the next attempt; nil if there is none.
  mutating func retry(_ machine: inout RetryMachine, at time: Double) -> Double? {
    guard case .retry(let wait) = machine.failed(.transient, at: instant(time), using: &generator) else { return nil }
    let now = instant(time)
    if tokens != nil, tokens?.take(at: now) != true { return nil }
    return wait / .seconds(1)
  }
}

/// A target that answers or does not, at once.
private struct Storm {
  private var caller: Caller
  private(set) var sent: [Int] = []
  private(set) var succeeded: [Int] = []
  private(set) var offered = 0
  var answered: Int { succeeded.reduce(0, +) }

  init(budget: Bool) { caller = Caller(budget: budget) }

  mutating func run(seconds: Int, perSecond: Int, down: Range<Int>, failing: Double = 1) async {
    sent = Array(repeating: 0, count: seconds + 60)
    succeeded = sent
    var queue = TimerHeap<(time: Double, machine: RetryMachine)>()
    for n in 0..<seconds * perSecond {
      let time = Double(n) / Double(perSecond)
      _ = queue.insert((time, caller.machine()), due: caller.instant(time))
    }
    offered = queue.count
    var rounds = 0
    while let next = queue.next {
      rounds += 1
      // Others wait for the same threads.
      if rounds % 256 == 0 { await Task.yield() }
      for (time, machine) in queue.takeDue(at: next) {
        sent[Int(time)] += 1
        let fails = down.contains(Int(time)) && Double.random(in: 0..<1, using: &caller.generator) < failing
        if !fails {
          succeeded[Int(time)] += 1
          caller.tokens?.earn()
          continue
        }
        var machine = machine
        guard let wait = caller.retry(&machine, at: time) else { continue }
        _ = queue.insert((time + wait, machine), due: caller.instant(time + wait))
      }
    }
  }
}

/// A server that answers 500 calls a second in the order in which they came, also those whose caller has given up after
/// a second; 400 new calls come each second; for the first ten seconds it stands still.
private struct Overload {
  private var caller: Caller
  private var good: [Int]
  private var offered: [Int]

  init(budget: Bool) {
    caller = Caller(budget: budget)
    good = Array(repeating: 0, count: 200)
    offered = good
  }

  func goodput(in range: Range<Int>) -> Double {
    Double(good[range].reduce(0, +)) / Double(offered[range].reduce(0, +))
  }

  private enum Event { case send(RetryMachine), giveUp(RetryMachine, call: Int) }

  mutating func run(seconds: Int) async {
    var events = TimerHeap<Event>()
    for n in 0..<seconds * 400 {
      let time = Double(n) / 400
      offered[Int(time)] += 1
      _ = events.insert(.send(caller.machine()), due: caller.instant(time))
    }
    var queue: [Int] = []
    var head = 0
    var calls = 0
    var waiting: Set<Int> = []
    for step in 0..<seconds * 500 {
      let time = Double(step) / 500
      if step % 256 == 0 { await Task.yield() }
      for event in events.takeDue(at: caller.instant(time)) {
        switch event {
        case .send(let machine):
          calls += 1
          queue.append(calls)
          waiting.insert(calls)
          _ = events.insert(.giveUp(machine, call: calls), due: caller.instant(time + 1))
        case .giveUp(var machine, let call):
          guard waiting.remove(call) != nil else { continue }
          guard let wait = caller.retry(&machine, at: time) else { continue }
          _ = events.insert(.send(machine), due: caller.instant(time + wait))
        }
      }
      guard time >= 10, head < queue.count else { continue }
      if waiting.remove(queue[head]) != nil {
        good[Int(time)] += 1
        caller.tokens?.earn()
      }
      head += 1
    }
  }
}
