/// The life of a host and its plugins, as a value: inputs and the current instant in, actions out.
///
/// It knows no task, no lock and no clock; the ``Kernel`` feeds it what happened and performs what it answers.
///
/// ```
///             requirements running           init returned              goal is down, holders idle
///   created ────────────────────▶ starting ───────────────▶ running ─────────────────────────────┐
///      ▲                             │ threw, overran                                             ▼
///      │  restart after backoff      ▼                                              draining: run() is cancelled,
///      └───────────────────────── failed ◀──────────── run() threw ──────────── then stop() is called, once
///      ▲                                                                                          │
///      └───────────── stopped ◀───────────────────────────────────────────────────────────────────┘
/// ```
/// Every plugin has a goal, up or down. It is down when the host stops, when the plugin is being restarted or has
/// failed, or when something it holds goes down. A plugin starts when its goal is up and everything it depends on runs;
/// it is stopped when its goal is down and nothing that holds it is alive. Rollback, shutdown, restart and reload are
/// all the same rule with other goals.
struct LifecycleMachine: Sendable {
  typealias Instant = ContinuousClock.Instant

  /// What the kernel must do.
  enum Action: Equatable, Sendable {
    /// Call the plugin's `init`.
    case start(Int)
    /// Cancel the task of an `init` that is not wanted any more; its end is still awaited.
    case cancelStart(Int)
    /// Give up on an `init` that overran its budget. If it returns after all, the kernel stops what it made.
    case abandonStart(Int)
    /// Close what the plugin opened and cancel the task of `run()`.
    case cancelRun(Int)
    /// Call `stop()` and the cleanups.
    case stop(Int)
    /// Give up on a `stop()` that overran its budget.
    case abandonStop(Int)
    /// The plugin changed its state.
    case changed(Int, from: PluginState, to: PluginState, after: Duration)
    /// Every plugin is up, or its failure is tolerated.
    case ready
    /// A plugin's failure asks for the end of the host.
    case failHost(Int)
    /// Everything is idle after the host was asked to stop.
    case finished
  }

  /// What the machine knows of one plugin.
  struct Node: Sendable {
    let name: String
    let policy: LifecyclePolicy
    let requires: [Int]
    let uses: [Int]
    let dependents: [Int]
    let collectors: [Int]
    /// Whom this one collects from, and must leave before.
    let contributors: [Int]

    var state: PluginState = .created
    var since: Instant
    /// The host wants it: false once the host stops, or when a reload removes it.
    var wanted = true
    /// It must go down once before it may come up again.
    var cycling = false
    /// It went wrong. While it runs down, and afterwards.
    var failure: Failure?
    /// It went wrong for good: only a reload brings it back.
    var settled = false
    /// When its present phase must be over, or when it is to be started again.
    var deadline: Instant?
    /// `stop()` has been called; otherwise draining waits for `run()`.
    var stopping = false
    /// A reload brings it up: if it fails, the reload is undone instead of applying its policy.
    var isOnProbation = false
    /// The kernel has been told to cancel its `init`.
    var startCancelled = false
    /// Its goal, as last computed from the flags above and from those it depends on.
    var isDown = false
    /// The last stop overran its budget.
    var overran: Failure?
    /// When it was restarted after failures, as far back as the policy looks.
    var restarts: [Instant] = []
    var restartCount = 0
    var startDuration: Duration?

    var isIdle: Bool { state == .created || state == .stopped || state == .failed }
    /// Nothing more is to be waited for before the host is ready.
    var isSettled: Bool { state == .running || (state == .failed && settled) }
    /// Alive and about to go, or going.
    var isLeaving: Bool { state == .draining || (state == .running && isDown) }
  }

  /// What went wrong with a plugin.
  struct Failure: Sendable, Equatable {
    var code: KernelError.Code
    var message: String
  }

  private(set) var nodes: [Node]
  private(set) var isStopping = false
  private(set) var isReady = false
  private(set) var isFinished = false
  /// While true nothing starts: a reload is waiting for plugins to go down.
  private(set) var isHeld = false
  /// The earliest instant at which `tick` has something to do; may be too early, never too late.
  private(set) var wake: Instant?

  private var toDecide: WorkList
  private var toAct: WorkList
  private var actions: [Action] = []
  private var unsettled: Int

  init(graph: DependencyGraph, policies: [LifecyclePolicy], at now: Instant) {
    nodes = zip(graph.nodes, policies).map { node, policy in
      Node(
        name: node.name, policy: policy, requires: node.requires, uses: node.uses, dependents: node.dependents,
        collectors: node.collectors, contributors: node.contributors, since: now)
    }
    toDecide = WorkList(count: nodes.count)
    toAct = WorkList(count: nodes.count)
    unsettled = nodes.count
  }

  // MARK: - Inputs

  /// The host starts.
  mutating func begin(at now: Instant) -> [Action] {
    for index in nodes.indices { enqueue(index) }
    return settle(at: now)
  }

  /// A plugin's `init` returned.
  mutating func started(_ index: Int, at now: Instant) -> [Action] {
    guard nodes[index].state == .starting else { return [] }
    nodes[index].startDuration = now - nodes[index].since
    nodes[index].deadline = nil
    if nodes[index].isDown {
      enter(.draining, index, at: now)
      callStop(index, at: now)
    } else {
      enter(.running, index, at: now)
    }
    return settle(at: now)
  }

  /// A plugin's `init` threw.
  mutating func startFailed(_ index: Int, _ failure: Failure, at now: Instant) -> [Action] {
    guard nodes[index].state == .starting else { return [] }
    nodes[index].deadline = nil
    if nodes[index].startCancelled {
      enter(.stopped, index, at: now)
    } else {
      fail(index, failure, at: now)
    }
    return settle(at: now)
  }

  /// A plugin's `run()` ended: `failure` is nil if it returned, or was cancelled because the kernel asked for it.
  mutating func runEnded(_ index: Int, _ failure: Failure?, at now: Instant) -> [Action] {
    switch nodes[index].state {
    case .running:
      guard let failure else { return [] }
      nodes[index].failure = failure
      enqueue(index)
    case .draining where !nodes[index].stopping:
      callStop(index, at: now)
    default:
      return []
    }
    return settle(at: now)
  }

  /// A plugin's `stop()` and cleanups have returned.
  mutating func stopped(_ index: Int, at now: Instant) -> [Action] {
    guard nodes[index].state == .draining, nodes[index].stopping else { return [] }
    finishStop(index, at: now)
    return settle(at: now)
  }

  /// The host is asked to stop.
  mutating func stop(at now: Instant) -> [Action] {
    beginStop()
    return settle(at: now)
  }

  /// Time has passed: budgets may be overrun, restarts due.
  mutating func tick(at now: Instant) -> [Action] {
    guard let wake, wake <= now else { return [] }
    self.wake = nil
    for index in nodes.indices {
      guard let deadline = nodes[index].deadline else { continue }
      if deadline <= now { expire(index, at: now) } else { schedule(deadline) }
    }
    return settle(at: now)
  }

  // MARK: - Reload

  /// Takes plugins down, with everything that holds something of them, and starts nothing until `replace`.
  mutating func hold(takingDown names: Set<String>, at now: Instant) -> [Action] {
    isHeld = true
    var open = nodes.indices.filter { names.contains(nodes[$0].name) }
    var seen = Set(open)
    while let index = open.popLast() {
      let touched = names.contains(nodes[index].name)
      // Whoever failed because of a touched plugin gets another chance with it.
      if touched || nodes[index].state == .failed { nodes[index].cycling = true }
      if nodes[index].isIdle { nodes[index].deadline = nil }
      enqueue(index)
      for dependent in nodes[index].dependents where seen.insert(dependent).inserted { open.append(dependent) }
    }
    return settle(at: now)
  }

  /// Whether a held machine has come to rest: what was to go down is down.
  var isHoldComplete: Bool {
    isHeld && nodes.allSatisfy { $0.isIdle || ($0.state != .draining && !$0.isDown) }
  }

  /// Goes on with another graph. Plugins that run and are in both keep running.
  /// A failure of the plugins named in `probation` is left to the caller until `endProbation`.
  mutating func replace(
    graph: DependencyGraph, policies: [LifecyclePolicy], probation: Set<String> = [], at now: Instant
  ) -> [Action] {
    var old: [String: Node] = [:]
    for node in nodes { old[node.name] = node }
    var machine = LifecycleMachine(graph: graph, policies: policies, at: now)
    for index in machine.nodes.indices {
      machine.nodes[index].isOnProbation = probation.contains(machine.nodes[index].name)
      if let node = old[machine.nodes[index].name] { machine.nodes[index].takeOver(node) }
    }
    machine.unsettled = machine.nodes.count { !$0.isSettled }
    machine.isStopping = isStopping
    machine.isReady = isReady
    machine.wake = wake
    self = machine
    if isStopping { for index in nodes.indices { nodes[index].wanted = false } }
    return begin(at: now)
  }

  /// Whether every plugin is up, or its failure is tolerated.
  var isSettled: Bool { unsettled == 0 }

  /// What went wrong with a plugin that is on probation.
  var probationFailure: Failure? { nodes.first { $0.isOnProbation && $0.state == .failed }?.failure }

  /// From now on failures are dealt with by policy again.
  mutating func endProbation() {
    for index in nodes.indices { nodes[index].isOnProbation = false }
  }

  // MARK: - Rules

  /// Applies the rules to everything that may have changed, until nothing does. Goals are settled before anything
  /// acts on them: whether a plugin may stop depends on whether its collectors have to go as well.
  private mutating func settle(at now: Instant) -> [Action] {
    while let index = toAct.next() {
      while let index = toDecide.next() { decideGoal(index) }
      act(index, at: now)
    }
    announce()
    defer { actions = [] }
    return actions
  }

  /// A plugin has to be down if the host or a reload says so, if it failed, or if something it holds is leaving.
  private mutating func decideGoal(_ index: Int) {
    let node = nodes[index]
    let isDown =
      !node.wanted || node.cycling || node.failure != nil || node.requires.contains { nodes[$0].isLeaving }
      || node.uses.contains { nodes[$0].isLeaving }
    guard isDown != node.isDown else { return }
    nodes[index].isDown = isDown
    enqueueNeighbours(of: index)
  }

  private mutating func act(_ index: Int, at now: Instant) {
    switch nodes[index].state {
    case .created, .stopped, .failed:
      failIfHopeless(index, at: now)
      if mayStart(index) { start(index, at: now) }
    case .starting:
      if nodes[index].isDown, !nodes[index].startCancelled { cancelStart(index, at: now) }
    case .running:
      if nodes[index].isDown, mayStop(index) { drain(index, at: now) }
    case .draining:
      break
    }
  }

  private func mayStart(_ index: Int) -> Bool {
    let node = nodes[index]
    guard node.isIdle, !isHeld, !isStopping, node.deadline == nil, !node.isDown else { return false }
    return node.requires.allSatisfy { nodes[$0].state == .running && !nodes[$0].isDown }
      && node.uses.allSatisfy { nodes[$0].isSettled && !nodes[$0].isLeaving }
  }

  /// Whether everything that holds this plugin is idle. A collector counts only if it has to go down as well.
  private func mayStop(_ index: Int) -> Bool {
    let node = nodes[index]
    return node.dependents.allSatisfy { nodes[$0].isIdle }
      && node.collectors.allSatisfy { nodes[$0].isIdle || !nodes[$0].isDown }
  }

  private mutating func start(_ index: Int, at now: Instant) {
    nodes[index].startCancelled = false
    nodes[index].overran = nil
    enter(.starting, index, at: now)
    arm(index, now.advanced(by: nodes[index].policy.startTimeout))
    actions.append(.start(index))
  }

  /// The task of `init` is cancelled; it gets no longer than a stop would.
  private mutating func cancelStart(_ index: Int, at now: Instant) {
    nodes[index].startCancelled = true
    let limit = now.advanced(by: nodes[index].policy.stopTimeout)
    arm(index, nodes[index].deadline.map { min($0, limit) } ?? limit)
    actions.append(.cancelStart(index))
  }

  private mutating func drain(_ index: Int, at now: Instant) {
    nodes[index].stopping = false
    enter(.draining, index, at: now)
    arm(index, now.advanced(by: nodes[index].policy.stopTimeout))
    actions.append(.cancelRun(index))
  }

  private mutating func callStop(_ index: Int, at now: Instant) {
    nodes[index].stopping = true
    arm(index, now.advanced(by: nodes[index].policy.stopTimeout))
    actions.append(.stop(index))
  }

  private mutating func finishStop(_ index: Int, at now: Instant) {
    nodes[index].deadline = nil
    nodes[index].stopping = false
    if let failure = nodes[index].failure {
      fail(index, failure, at: now)
    } else {
      enter(nodes[index].overran == nil ? .stopped : .failed, index, at: now)
    }
  }

  /// A plugin whose provider failed for good cannot start: it fails too, with the chain in its message.
  private mutating func failIfHopeless(_ index: Int, at now: Instant) {
    guard nodes[index].failure == nil, nodes[index].wanted, !nodes[index].cycling, !isHeld,
      let provider = nodes[index].requires.first(where: { nodes[$0].settled && nodes[$0].state == .failed })
    else { return }
    let cause = nodes[provider].failure?.message ?? "it failed"
    nodes[index].failure = Failure(
      code: .startFailed,
      message: "plugin '\(nodes[index].name)' depends on '\(nodes[provider].name)', which is down: \(cause)")
    enter(.failed, index, at: now, settled: true)
  }

  private mutating func expire(_ index: Int, at now: Instant) {
    let node = nodes[index]
    nodes[index].deadline = nil
    switch node.state {
    case .created, .stopped, .failed:
      nodes[index].failure = nil  // The backoff is over.
      enqueue(index)
    case .starting where node.startCancelled:
      actions.append(.abandonStart(index))
      nodes[index].overran = node.overrun("init", node.policy.stopTimeout, .stopTimedOut)
      enter(.failed, index, at: now)
    case .starting:
      actions.append(.abandonStart(index))
      fail(index, node.overrun("init", node.policy.startTimeout, .startTimedOut), at: now)
    case .draining where !node.stopping:
      nodes[index].overran = node.overrun("run()", node.policy.stopTimeout, .stopTimedOut)
      callStop(index, at: now)
    case .draining:
      actions.append(.abandonStop(index))
      nodes[index].overran = node.overrun("stop()", node.policy.stopTimeout, .stopTimedOut)
      finishStop(index, at: now)
    case .running:
      break
    }
  }

  /// Applies the failure policy to a plugin that is not alive any more.
  private mutating func fail(_ index: Int, _ failure: Failure, at now: Instant) {
    nodes[index].failure = failure
    guard nodes[index].wanted, !isStopping, !nodes[index].cycling else {
      enter(.failed, index, at: now)
      return
    }
    if nodes[index].isOnProbation {
      enter(.failed, index, at: now, settled: true)
      return
    }
    let delay = nodes[index].policy.onFailure == .restart ? nodes[index].nextBackoff(at: now) : nil
    if let delay {
      enter(.failed, index, at: now)
      arm(index, now.advanced(by: delay))
    } else if nodes[index].policy.toleratesFailure {
      enter(.failed, index, at: now, settled: true)
    } else {
      enter(.failed, index, at: now)
      actions.append(.failHost(index))
      beginStop()
    }
  }

  private mutating func beginStop() {
    guard !isStopping else { return }
    isStopping = true
    isHeld = false
    for index in nodes.indices {
      nodes[index].wanted = false
      nodes[index].cycling = false
      if nodes[index].isIdle { nodes[index].deadline = nil }
      enqueue(index)
    }
  }

  private mutating func announce() {
    if isStopping {
      if !isFinished, nodes.allSatisfy(\.isIdle) {
        isFinished = true
        actions.append(.finished)
      }
    } else if !isReady, unsettled == 0 {
      isReady = true
      actions.append(.ready)
    }
  }

  // MARK: - Bookkeeping

  private mutating func enter(_ state: PluginState, _ index: Int, at now: Instant, settled: Bool = false) {
    let wasSettled = nodes[index].isSettled
    let from = nodes[index].state
    let after = now - nodes[index].since
    nodes[index].state = state
    nodes[index].settled = settled
    nodes[index].since = now
    if wasSettled != nodes[index].isSettled { unsettled += wasSettled ? 1 : -1 }
    actions.append(.changed(index, from: from, to: state, after: after))
    enqueueNeighbours(of: index)
  }

  private mutating func enqueueNeighbours(of index: Int) {
    enqueue(index)
    let node = nodes[index]
    for other in node.dependents { enqueue(other) }
    for other in node.requires { enqueue(other) }
    for other in node.uses { enqueue(other) }
    for other in node.contributors { enqueue(other) }
  }

  private mutating func enqueue(_ index: Int) {
    toDecide.add(index)
    toAct.add(index)
  }

  private mutating func arm(_ index: Int, _ deadline: Instant) {
    nodes[index].deadline = deadline
    schedule(deadline)
  }

  private mutating func schedule(_ deadline: Instant) {
    wake = wake.map { min($0, deadline) } ?? deadline
  }
}

extension LifecycleMachine.Node {
  /// The wait before the next restart, or nil if the policy's limit is reached.
  mutating func nextBackoff(at now: ContinuousClock.Instant) -> Duration? {
    let limit = policy.restart
    restarts.removeAll { now - $0 > limit.within }
    guard restarts.count < limit.attempts else { return nil }
    var delay = limit.backoff
    for _ in 0..<restarts.count where delay < limit.maxBackoff { delay += delay }
    restarts.append(now)
    restartCount += 1
    return min(delay, limit.maxBackoff)
  }

  /// Says which plugin overran which phase, by how much.
  func overrun(_ phase: String, _ budget: Duration, _ code: KernelError.Code) -> LifecycleMachine.Failure {
    LifecycleMachine.Failure(
      code: code,
      message: "plugin '\(name)' did not finish \(phase) within its budget of \(budget.formattedShort)")
  }

  /// What a plugin brings along from the graph before a reload. One that was taken down begins anew.
  mutating func takeOver(_ old: LifecycleMachine.Node) {
    restartCount = old.restartCount
    since = old.since
    startDuration = old.startDuration
    if old.cycling {
      state = old.state == .created ? .created : .stopped
      return
    }
    state = old.state
    failure = old.failure
    settled = old.settled
    deadline = old.deadline
    stopping = old.stopping
    startCancelled = old.startCancelled
    overran = old.overran
    restarts = old.restarts
  }
}

/// Indices that wait their turn, each at most once.
private struct WorkList: Sendable {
  private var items: [Int] = []
  private var head = 0
  private var isWaiting: [Bool]

  init(count: Int) { isWaiting = Array(repeating: false, count: count) }

  mutating func add(_ index: Int) {
    guard !isWaiting[index] else { return }
    isWaiting[index] = true
    items.append(index)
  }

  mutating func next() -> Int? {
    guard head < items.count else {
      items.removeAll(keepingCapacity: true)
      head = 0
      return nil
    }
    defer { head += 1 }
    isWaiting[items[head]] = false
    return items[head]
  }
}
