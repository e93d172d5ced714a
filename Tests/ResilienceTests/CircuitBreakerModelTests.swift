import MainstayResilience
import Testing

/// Every interleaving of three callers and a clock, up to a bounded time, against what a breaker promises.
struct CircuitBreakerModelTests {
  private static let openFor = 1
  private static let probeTimeout = 2

  /// What a caller holds, and what the model knows of it.
  private struct Call: Hashable {
    let ticket: CircuitBreakerMachine.Ticket
    /// The changes of state there had been when it was admitted.
    let epoch: Int
    let deadline: Int
  }

  private struct Node: Hashable {
    var machine: CircuitBreakerMachine
    var calls: [Call?]
    var time: Int
    // The model's own account.
    var epoch = 0
    var failuresInARow = 0
    var openedAt = 0
    var probeSuccesses = 0
    /// A probe that says nothing may be repeated for ever within one instant; a few of them show all there is to see.
    var neutralProbes = 0
  }

  private struct Search {
    let settings: CircuitBreakerSettings
    let start: ContinuousClock.Instant
    let lastTick: Int
    var seen: Set<Node> = []
    var open: [Node] = []
    var violations: Set<String> = []
    var transitions: Set<String> = []

    func instant(_ tick: Int) -> ContinuousClock.Instant { start.advanced(by: .seconds(tick)) }

    mutating func visit(_ node: Node) {
      if seen.insert(node).inserted { open.append(node) }
    }

    mutating func expect(_ condition: Bool, _ promise: String) {
      if !condition { violations.insert(promise) }
    }
  }

  @Test(arguments: [(1, 1), (1, 2), (2, 1)]) func keepsItsPromises(probes: Int, successThreshold: Int) async {
    let settings = CircuitBreakerSettings(
      trip: .consecutive(failures: 2), successThreshold: successThreshold, openFor: .seconds(Self.openFor),
      probes: probes, probeTimeout: .seconds(Self.probeTimeout))
    let start = ContinuousClock.now
    var search = Search(settings: settings, start: start, lastTick: 3)
    search.visit(Node(machine: CircuitBreakerMachine(settings, at: start), calls: [nil, nil, nil], time: 0))
    while let node = search.open.popLast() {
      step(node, &search)
      // Others wait for the same threads.
      if search.seen.count % 256 == 0 { await Task.yield() }
    }
    #expect(search.violations.isEmpty)
    #expect(search.seen.count > 5000)
    #expect(
      search.transitions == [
        "closed open thresholdReached", "open halfOpen timeToProbe", "halfOpen open probeFailed",
        "halfOpen closed probesSucceeded",
      ])
  }

  private func step(_ node: Node, _ search: inout Search) {
    check(node, &search)
    if node.time < search.lastTick {
      var next = node
      next.time += 1
      search.visit(next)
    }
    for caller in node.calls.indices {
      guard let call = node.calls[caller] else {
        // Callers are alike: it is enough that the first idle one calls.
        if node.calls.firstIndex(of: nil) == caller { admit(node, caller, &search) }
        continue
      }
      for verdict in CallVerdict.allCases { finish(node, caller, call, verdict, &search) }
    }
  }

  /// What holds in each state, whatever happened.
  private func check(_ node: Node, _ search: inout Search) {
    let alive = node.calls.compactMap { $0 }.filter { $0.epoch == node.epoch && $0.deadline > node.time }
    if node.machine.state == .halfOpen {
      search.expect(alive.count <= search.settings.probes, "no more probes than allowed")
    }
    var asked = node.machine
    let now = search.instant(node.time)
    let admitted = isAdmitted(asked.acquire(at: now))
    search.expect((node.machine.retryAfter(at: now) == .zero) == admitted, "what it says of itself is what it does")
    if node.machine.state == .halfOpen, alive.isEmpty { search.expect(admitted, "never stuck half open") }
    if node.machine.state == .open {
      search.expect(admitted == (node.time >= node.openedAt + openFor), "open for exactly its time")
    }
    if node.machine.state == .closed { search.expect(admitted, "closed lets everything through") }
  }

  private var openFor: Int { Self.openFor }

  private func admit(_ node: Node, _ caller: Int, _ search: inout Search) {
    var next = node
    let now = search.instant(node.time)
    let admission = next.machine.acquire(at: now)
    if let transition = next.machine.transition {
      note(transition, &search)
      search.expect(node.machine.state == .open && transition.to == .halfOpen, "asking only makes it half open")
      next.epoch += 1
      next.probeSuccesses = 0
    }
    switch admission {
    case .admitted(let ticket):
      next.calls[caller] = Call(ticket: ticket, epoch: next.epoch, deadline: node.time + Self.probeTimeout)
      search.visit(next)
    case .rejected(let retryAfter?):
      var later = node.machine
      search.expect(isAdmitted(later.acquire(at: now.advanced(by: retryAfter))), "lets through when it said")
      var earlier = node.machine
      let before = now.advanced(by: retryAfter - .nanoseconds(1))
      search.expect(!isAdmitted(earlier.acquire(at: before)), "and not before")
    case .rejected(nil): search.expect(next.machine.state == .halfOpen, "only half open refuses without a time")
    }
  }

  private func finish(_ node: Node, _ caller: Int, _ call: Call, _ verdict: CallVerdict, _ search: inout Search) {
    var next = node
    next.calls[caller] = nil
    next.machine.finish(call.ticket, verdict, at: search.instant(node.time))
    let state = node.machine.state
    let isCurrent = call.epoch == node.epoch && (state != .halfOpen || call.deadline > node.time)
    if verdict == .neutral { next.neutralProbes += 1 }
    guard next.neutralProbes <= 1 else { return }
    if isCurrent, verdict != .neutral {
      if state == .closed { next.failuresInARow = verdict == .failure ? node.failuresInARow + 1 : 0 }
      if state == .halfOpen, verdict == .success { next.probeSuccesses += 1 }
    }
    let transition = next.machine.transition
    switch state {
    case .closed:
      search.expect((transition != nil) == (next.failuresInARow == 2), "opens exactly at the threshold")
    case .halfOpen:
      let mustOpen = isCurrent && verdict == .failure
      let mustClose = isCurrent && verdict == .success && next.probeSuccesses == search.settings.successThreshold
      search.expect((transition?.to == .open) == mustOpen, "only a current probe opens it")
      search.expect((transition?.to == .closed) == mustClose, "only current probes close it")
    case .open, .forcedOpen, .disabled: search.expect(transition == nil, "a late result changes nothing")
    }
    if let transition {
      note(transition, &search)
      next.epoch += 1
      next.failuresInARow = 0
      next.probeSuccesses = 0
      if transition.to == .open { next.openedAt = node.time }
    }
    search.visit(next)
  }

  private func note(_ transition: CircuitBreakerMachine.Transition, _ search: inout Search) {
    search.transitions.insert("\(transition.from) \(transition.to) \(transition.reason)")
  }

  private func isAdmitted(_ admission: CircuitBreakerMachine.Admission) -> Bool {
    if case .admitted = admission { true } else { false }
  }
}
