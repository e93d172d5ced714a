public import Logging
import Synchronization

/// Runs a host: starts its plugins in dependency order, keeps them running, and stops them in reverse order.
///
/// The ``LifecycleMachine`` decides; this class performs. One task takes inputs (a plugin started, a budget is spent,
/// somebody asked for a stop) in order, puts each through the machine, and carries out its actions. Plugin code runs in
/// unstructured tasks of its own, so that one which ignores its cancellation can be given up and named.
public final class Kernel: Sendable {
  let planner: Planner
  let settings: KernelSettings
  let registry = Registry()
  let busCore: EventBusCore
  let bus: EventBus
  let logger: Logger
  let rules: RuleEngine
  let shared: Mutex<Shared>

  private let inputs: AsyncStream<Input>
  let send: AsyncStream<Input>.Continuation

  /// What the loop changes and others read.
  struct Shared {
    var plan: Plan
    var machine: LifecycleMachine
    var instances: [String: PluginInstance] = [:]
    var state = HostState.created
    var reason: String?
    var failure: KernelError?
    var generation = 1
    var rejectedReloads = 0
    /// The files as the last reload has read them, or the start; also those of a manifest that was refused, since there
    /// its mistake may be corrected.
    var lastRead: ConfigSnapshot
    /// Reloads that were answered, and what the last one was told.
    var answers = 0
    var lastAnswer: Result<ReloadReport, KernelError>?
    var startedAt: ContinuousClock.Instant
    var startedAtEpoch: Duration
    var readyAfter: Duration?
    var drainingSince: ContinuousClock.Instant?
    var reload: ReloadSession?
    var waitingReloads: [ReloadWaiter] = []
    var waiters: [Waiter] = []
    var hasBegun = false
    var timer: (deadline: ContinuousClock.Instant, task: Task<Void, Never>)?
    var lameDuck: Task<Void, Never>?
    var watcher: Task<Void, Never>?
  }

  /// Somebody who waits for a state of the host.
  struct Waiter {
    let states: Set<HostState>
    let continuation: CheckedContinuation<Void, Never>
  }

  /// What the loop is told.
  enum Input: Sendable {
    case begin
    case started(PluginInstance, any Plugin)
    case startFailed(PluginInstance, LifecycleMachine.Failure)
    case runEnded(PluginInstance, LifecycleMachine.Failure?)
    case stopped(PluginInstance)
    case tick(ContinuousClock.Instant)
    case stopRequested(String)
    case lameDuckOver
    case replanned(Planned, ReloadWaiter)
    case reconfigured(ReloadSession.Reconfigured)
  }

  /// A kernel for a plan. Nothing starts before `start()` or `run()`.
  public init(plan: Plan, planner: Planner, settings: KernelSettings = KernelSettings()) {
    self.planner = planner
    self.settings = settings
    logger = settings.logger
    busCore = EventBusCore(clock: settings.clock)
    bus = EventBus(core: busCore, owner: "kernel")
    rules = RuleEngine(bus: bus, registry: registry, clock: settings.clock, logger: settings.logger)
    (inputs, send) = AsyncStream.makeStream()
    let now = settings.clock.now
    shared = Mutex(
      Shared(
        plan: plan, machine: LifecycleMachine(graph: plan.graph, policies: plan.policies, at: now),
        lastRead: plan.snapshot, startedAt: now, startedAtEpoch: settings.clock.timeSinceEpoch))
  }

  /// Plans a host and makes its kernel; throws everything that is wrong with the manifest.
  public convenience init(planner: Planner, settings: KernelSettings = KernelSettings()) throws(KernelError) {
    let planned = planner.plan()
    guard let plan = planned.plan else {
      throw KernelError(.configuration, planned.report(colored: false))
    }
    self.init(plan: plan, planner: planner, settings: settings)
  }

  // MARK: - Public life

  /// The event bus of the host.
  public var events: EventBus { EventBus(core: busCore, owner: "host") }

  /// The host as its plugins see it.
  public var host: HostHandle {
    let plan = shared.withLock { $0.plan }
    return HostHandle(
      name: plan.host.name, environment: plan.host.environment, version: settings.version, source: self)
  }

  /// Starts every plugin. Returns when the host is ready; throws if it could not become so, after everything that had
  /// started has been stopped again.
  public func start() async throws(KernelError) {
    begin()
    await wait(for: [.running])
    if let failure = shared.withLock({ $0.failure }) {
      await wait(for: [])
      throw failure
    }
    if shared.withLock({ $0.state }) == .stopped {
      throw KernelError(.cancelled, "the host was asked to stop before it was ready")
    }
  }

  /// Asks the host to stop and waits until it has.
  public func stop(reason: String = "stop was called") async {
    requestStop(reason: reason)
    // One that never began has no loop yet; it ends with its first input.
    begin()
    await wait(for: [])
  }

  /// Runs the host until it is asked to stop; throws if a plugin's failure ended it. Cancelling the task stops the host.
  public func run() async throws(KernelError) {
    begin()
    await withTaskCancellationHandler {
      await wait(for: [])
    } onCancel: {
      requestStop(reason: "the task of the host was cancelled")
    }
    // Only here: a plugin that was left behind may block every thread, so that the host has stopped and nobody hears it.
    settings.watchdog?.disarm()
    if let failure = shared.withLock({ $0.failure }) { throw failure }
  }

  /// Starts the host and returns at once.
  public func begin() {
    let isFirst = shared.withLock { shared in
      defer { shared.hasBegun = true }
      return !shared.hasBegun
    }
    guard isFirst else { return }
    send.yield(.begin)
    let inputs = self.inputs
    // Kernel work runs above plugin work: a pool kept busy by plugins must not hold up a deadline.
    Task(priority: .high) {
      // Ends when the host has finished; whatever was asked of it by then has been answered.
      for await input in inputs { self.take(input) }
    }
  }

  /// Waits until the host is in one of these states, or has ended: nothing comes after `stopped` and `failed`.
  public func wait(for states: Set<HostState>) async {
    let states = states.union([.stopped, .failed])
    await withCheckedContinuation { continuation in
      let isMet = shared.withLock { shared in
        if states.contains(shared.state) { return true }
        shared.waiters.append(Waiter(states: states, continuation: continuation))
        return false
      }
      if isMet { continuation.resume() }
    }
  }

  // MARK: - The loop

  private func take(_ input: Input) {
    let now = settings.clock.now
    switch input {
    case .begin where shared.withLock { $0.machine.isStopping }:
      break  // It was asked to stop before it was asked to start.
    case .begin:
      shared.withLock { shared in
        shared.startedAt = now
        shared.startedAtEpoch = settings.clock.timeSinceEpoch
      }
      enter(.starting)
      rules.replace(shared.withLock { $0.plan.rules })
      perform(shared.withLock { $0.machine.begin(at: now) })
    case .started(let instance, let plugin):
      pluginStarted(instance, plugin, at: now)
    case .startFailed(let instance, let failure):
      perform(feed(instance) { $0.startFailed($1, failure, at: now) })
    case .runEnded(let instance, let failure):
      perform(feed(instance) { $0.runEnded($1, failure, at: now) })
    case .stopped(let instance):
      perform(feed(instance) { $0.stopped($1, at: now) })
    case .tick(let deadline):
      // A timer that was cancelled too late must not orphan its successor.
      shared.withLock { if $0.timer?.deadline == deadline { $0.timer = nil } }
      perform(shared.withLock { $0.machine.tick(at: now) })
    case .stopRequested(let reason):
      drain(reason: reason)
    case .lameDuckOver:
      perform(shared.withLock { $0.machine.stop(at: now) })
    case .replanned(let planned, let waiter):
      takeReload(planned, waiter)
    case .reconfigured(let results):
      takeReconfigured(results)
    }
    advanceReload()
    armTimer()
  }

  /// Puts an input of one plugin through the machine, unless it is about an instance that was given up.
  private func feed(
    _ instance: PluginInstance, _ input: (inout LifecycleMachine, Int) -> [LifecycleMachine.Action]
  ) -> [LifecycleMachine.Action] {
    shared.withLock { shared in
      guard shared.instances[instance.name] === instance, let index = shared.plan.index(of: instance.name) else {
        return []
      }
      return input(&shared.machine, index)
    }
  }

  func perform(_ actions: [LifecycleMachine.Action]) {
    for action in actions {
      switch action {
      case .start(let index): startPlugin(index)
      case .cancelStart(let index): instance(index)?.cancelStart()
      case .abandonStart(let index): abandonStart(index)
      case .cancelRun(let index): cancelRun(index)
      case .stop(let index): stopPlugin(index)
      case .abandonStop(let index): abandonStop(index)
      case .changed(let index, let from, let to, let duration): announce(index, from, to, duration)
      case .ready: hostIsReady()
      case .failHost(let index): hostFails(because: index)
      case .finished: hostHasStopped()
      }
    }
  }

  /// Makes sure that a tick comes when the machine's earliest deadline is due.
  private func armTimer() {
    let clock = settings.clock
    shared.withLock { shared in
      guard let wake = shared.machine.wake, !shared.machine.isFinished else {
        shared.timer?.task.cancel()
        shared.timer = nil
        return
      }
      if let timer = shared.timer {
        if timer.deadline <= wake { return }
        timer.task.cancel()
      }
      let send = self.send
      let task = Task(priority: .high) {
        do { try await clock.sleep(until: wake, tolerance: nil) } catch { return }
        send.yield(.tick(wake))
      }
      shared.timer = (wake, task)
    }
  }

  func enter(_ state: HostState, reason: String? = nil) {
    let met = shared.withLock { shared in
      shared.state = state
      if let reason { shared.reason = reason }
      let met = shared.waiters.filter { $0.states.contains(state) }
      shared.waiters.removeAll { $0.states.contains(state) }
      return met
    }
    for waiter in met { waiter.continuation.resume() }
  }
}

/// What a kernel lives by besides its plan.
public struct KernelSettings: Sendable {
  /// The time by which the host lives.
  public var clock: any HostClock
  /// Lifecycle steps are logged here, and plugins get loggers derived from it.
  public var logger: Logger
  /// The version of the program, for `/health` and `mainstay --version`.
  public var version: String
  /// Ends the process when a shutdown overruns `host.shutdown.force_after`; nil in tests.
  public var watchdog: Watchdog?
  /// Log levels and format, which a reload may change; nil if somebody else configured logging.
  public var logSettings: LogSettings?

  /// The system's clock, a logger named `mainstay`, no watchdog.
  public init(
    clock: any HostClock = SystemClock(), logger: Logger = Logger(label: "mainstay"), version: String = "0.1.0",
    watchdog: Watchdog? = nil, logSettings: LogSettings? = nil
  ) {
    self.clock = clock
    self.logger = logger
    self.version = version
    self.watchdog = watchdog
    self.logSettings = logSettings
  }
}
