import Instrumentation
import Logging
import Synchronization

/// Somebody who asked for a reload and waits for what becomes of it.
struct ReloadWaiter: Sendable {
  /// Who that is, in words.
  let by: String
  /// How many reloads had been answered when this one was asked for.
  let answers: Int
  let continuation: CheckedContinuation<Result<ReloadReport, KernelError>, Never>
}

/// A reload under way.
///
/// The new manifest is planned in full while the host runs. Changed plugins are asked to take over their new
/// configuration; those that cannot are stopped with their dependents, and started from the new plan. If one of them
/// does not come up, the old plan is put back the same way.
struct ReloadSession: Sendable {
  /// How far it has come.
  enum Phase: Sendable {
    /// Changed plugins are being asked to take over their configuration.
    case reconfiguring
    /// Plugins that must restart are going down.
    case holding
    /// They are coming up again.
    case starting
  }

  /// What became of asking the changed plugins.
  struct Reconfigured: Sendable {
    /// Those that took over their new values; they count only while they still run.
    var applied: [PluginInstance] = []
    var restart: [String] = []
    /// Those that took the new values and not the old ones back, or of which nobody knows.
    var undo: Set<String> = []
    var failure: KernelError?
  }

  let old: Plan
  let new: Plan
  let difference: PlanDifference
  /// Who asked first.
  let by: String
  var waiters: [ReloadWaiter]
  var phase = Phase.reconfiguring
  var outcome = Reconfigured()
  /// The plan it is moving to: the new one, or the old one again.
  var target: Plan
  var touched: Set<String> = []
  /// Plugins that were alive when the hold began.
  var alive: Set<String> = []
  var restarted: [String] = []
  var rejection: KernelError?
}

extension Kernel {
  /// Reads the manifest again and applies what changed.
  /// - Parameter by: Who asks, for the events that tell of it: `SIGHUP`. Nil names the request that is being answered, if
  ///   there is one.
  @discardableResult
  public func reload(by: String? = nil) async throws(KernelError) -> ReloadReport {
    let by = by ?? ServiceContext.current?.requestID.map { "request \($0)" } ?? "the program"
    guard shared.withLock({ $0.hasBegun }) else {
      throw KernelError(.reloadRejected, "the host has not been started")
    }
    let (planner, answers) = (self.planner, shared.withLock { $0.answers })
    // Reading files and decoding is done beside the loop, which goes on serving the plugins meanwhile.
    let planned = await Task(priority: .medium) { planner.plan() }.value
    let result = await withCheckedContinuation { continuation in
      let waiter = ReloadWaiter(by: by, answers: answers, continuation: continuation)
      if case .terminated = send.yield(.replanned(planned, waiter)) {
        continuation.resume(returning: .failure(KernelError(.reloadRejected, "the host has stopped")))
      }
    }
    return try result.get()
  }

  func takeReload(_ planned: Planned, _ waiter: ReloadWaiter) {
    let (state, isBusy, old) = shared.withLock { ($0.state, $0.reload != nil, $0.plan) }
    guard state == .running || state == .starting else {
      return reject(KernelError(.reloadRejected, "the host is \(state.rawValue)"), [waiter], by: waiter.by)
    }
    if join(planned.snapshot, waiter) { return }
    guard !isBusy, state == .running else {
      shared.withLock { $0.waitingReloads.append(waiter) }
      return
    }
    shared.withLock { shared in
      let before = shared.lastRead
      shared.lastRead = planned.snapshot
      if planned.plan == nil { shared.lastRead.keep(before) }
    }
    guard let new = planned.plan else {
      return reject(KernelError(.reloadRejected, planned.report(colored: false)), [waiter], by: waiter.by)
    }
    let difference = PlanDifference(from: old, to: new)
    if let fixed = difference.fixed.first {
      return reject(
        KernelError(.reloadRejected, "\(fixed.path) cannot change while the host runs; restart the host"), [waiter],
        by: waiter.by)
    }
    shared.withLock {
      $0.reload = ReloadSession(
        old: old, new: new, difference: difference, by: waiter.by, waiters: [waiter], target: new)
    }
    reconfigure(difference.changed, from: old, to: new)
  }

  /// Two who ask at the same time, such as a signal and the watcher, and find the same files, are given one answer: that
  /// of the reload under way, or of one that ended after the second had asked.
  private func join(_ snapshot: ConfigSnapshot, _ waiter: ReloadWaiter) -> Bool {
    let (isSame, answer) = shared.withLock { shared -> (Bool, Result<ReloadReport, KernelError>?) in
      guard shared.lastRead.hasRead(snapshot) else { return (false, nil) }
      if shared.reload != nil {
        shared.reload?.waiters.append(waiter)
        return (true, nil)
      }
      return shared.answers > waiter.answers ? (shared.lastAnswer != nil, shared.lastAnswer) : (false, nil)
    }
    if let answer { waiter.continuation.resume(returning: answer) }
    return isSame
  }

  /// Asks the changed plugins one after the other; if one refuses, those before it get their old configuration back.
  private func reconfigure(_ names: [String], from old: Plan, to new: Plan) {
    let running: [(PluginInstance, any Plugin)] = names.compactMap { name in
      guard let instance = shared.withLock({ $0.runningInstance(name) }), let plugin = instance.plugin else {
        return nil
      }
      return (instance, plugin)
    }
    let (send, clock) = (self.send, settings.clock)
    Task(priority: .medium) {
      var outcome = ReloadSession.Reconfigured()
      outcome.restart = names.filter { name in !running.contains { $0.0.name == name } }
      for (instance, plugin) in running {
        let name = instance.name
        do {
          switch try await Self.ask(plugin, new, name, clock) {
          case .applied: outcome.applied.append(instance)
          case .restart: outcome.restart.append(name)
          }
        } catch {
          outcome.failure = KernelError(
            .reloadRejected, "plugin '\(name)' refused its new configuration", cause: error)
          // One that overran may still take the new values over some day: it is restarted with the old ones.
          if (error as? KernelError)?.code == .startTimedOut { outcome.undo.insert(name) }
          for (instance, plugin) in running where outcome.applied.contains(where: { $0 === instance }) {
            // The old configuration was accepted once; a plugin that now refuses it is restarted with it.
            if (try? await Self.ask(plugin, old, instance.name, clock)) != .applied {
              outcome.undo.insert(instance.name)
            }
          }
          break
        }
      }
      send.yield(.reconfigured(outcome))
    }
  }

  private static func ask(
    _ plugin: any Plugin, _ plan: Plan, _ name: String, _ clock: any HostClock
  ) async throws -> Reconfiguration {
    guard let planned = plan[name] else { return .restart }
    return try await withDeadline(planned.policy.startTimeout, clock: clock) {
      try await planned.registration.reconfigure(plugin, planned.configuration)
    } orThrow: {
      KernelError(
        .startTimedOut,
        "plugin '\(name)' did not finish reconfigure() within its budget of "
          + planned.policy.startTimeout.formattedShort)
    }
  }

  func takeReconfigured(_ outcome: ReloadSession.Reconfigured) {
    guard var session = shared.withLock({ $0.reload }) else { return }
    session.outcome = outcome
    if let failure = outcome.failure {
      session.rejection = failure
      session.target = session.old
      session.touched = outcome.undo
    } else {
      // One that has been restarted meanwhile runs with the old values.
      let gone = outcome.applied.filter { instance in
        shared.withLock { $0.runningInstance(instance.name) } !== instance
      }
      session.outcome.applied.removeAll { instance in gone.contains { $0 === instance } }
      let touched = Set(outcome.restart + session.difference.added + session.difference.removed + gone.map(\.name))
      // Whoever can do without one of these has to look again.
      let users = session.new.graph.edges.filter { $0.kind == .uses && touched.contains($0.to) }.map(\.from)
      session.touched = touched.union(users)
    }
    hold(&session)
  }

  /// Takes the touched plugins down; `advanceReload` goes on when they are.
  private func hold(_ session: inout ReloadSession) {
    session.phase = .holding
    let now = settings.clock.now
    let held = session
    let actions = shared.withLock { shared in
      var held = held
      held.alive = Set(shared.machine.nodes.filter { !$0.isIdle }.map(\.name))
      let actions = shared.machine.hold(takingDown: held.touched, at: now)
      shared.reload = held
      return actions
    }
    perform(actions)
  }

  /// Moves a reload on when the plugins it waits for are where they should be.
  func advanceReload() {
    guard let session = shared.withLock({ $0.reload }) else { return runWaitingReload() }
    if shared.withLock({ $0.machine.isStopping }) {
      return finish(session, rejection: KernelError(.reloadRejected, "the host stopped during the reload"))
    }
    switch session.phase {
    case .reconfiguring:
      break
    case .holding where shared.withLock { $0.machine.isHoldComplete }:
      start(session)
      advanceReload()
    case .starting where shared.withLock { $0.machine.isSettled }:
      conclude(session)
    default:
      break
    }
  }

  private func start(_ session: ReloadSession) {
    let now = settings.clock.now
    var gone: [PluginInstance] = []
    let actions = shared.withLock { shared in
      var session = session
      let down = Set(shared.machine.nodes.filter(\.isIdle).map(\.name))
      session.restarted = session.target.plugins.map(\.name).filter { down.contains($0) && session.alive.contains($0) }
      session.phase = .starting
      shared.reload = session
      gone = shared.instances.filter { session.target[$0.key] == nil }.map(\.value)
      for instance in gone { shared.instances[instance.name] = nil }
      shared.plan = session.target
      // On trial is what the reload brings up or has changed; everything else goes by its policy.
      let risen = shared.machine.nodes.filter { $0.cycling || ($0.isIdle && !$0.settled && $0.deadline == nil) }
      let probation =
        session.rejection == nil
        ? session.touched.union(session.outcome.applied.map(\.name)).union(risen.map(\.name)) : []
      return shared.machine.replace(
        graph: session.target.graph, policies: session.target.policies, probation: probation, at: now)
    }
    withExtendedLifetime(gone) { perform(actions) }
  }

  private func conclude(_ session: ReloadSession) {
    if session.rejection == nil, let failure = shared.withLock({ $0.machine.probationFailure }) {
      var session = session
      session.rejection = KernelError(
        .reloadRejected, "the new configuration did not come up, the old one was put back: \(failure.message)")
      session.target = session.old
      // Undone by the same rule: everything that the new plan touched, or that took over a value of it.
      session.touched.formUnion(session.outcome.applied.map(\.name))
      let failed = shared.withLock { shared in
        defer { shared.machine.endProbation() }
        return shared.machine.nodes.filter { $0.isOnProbation && $0.state == .failed }.map(\.name)
      }
      session.touched.formUnion(failed)
      hold(&session)
      advanceReload()
    } else {
      finish(session, rejection: session.rejection)
    }
  }

  private func finish(_ session: ReloadSession, rejection: KernelError?) {
    shared.withLock { shared in
      shared.machine.endProbation()
      shared.reload = nil
      if rejection == nil, !session.difference.changes.isEmpty { shared.generation += 1 }
    }
    if let rejection {
      reject(rejection, session.waiters, by: session.by)
    } else {
      accept(session)
    }
    runWaitingReload()
  }

  private func accept(_ session: ReloadSession) {
    let difference = session.difference
    let report = ReloadReport(
      generation: shared.withLock { $0.generation }, changes: difference.changes,
      reconfigured: session.outcome.applied.map(\.name),
      restarted: session.restarted.filter { !difference.added.contains($0) }, started: difference.added,
      stopped: difference.removed)
    settings.logSettings?.update(from: session.new.logging)
    rules.replace(session.new.rules)
    if !difference.changes.isEmpty {
      logger.info(
        "configuration reloaded",
        metadata: [
          "generation": "\(report.generation)", "by": "\(session.by)",
          "changes": "\(difference.changes.map(\.description).joined(separator: "; "))",
          "restarted": "\(report.restarted.isEmpty ? "none" : report.restarted.joined(separator: ", "))",
        ])
      bus.publish(
        HostReloaded(
          generation: report.generation, changed: difference.changes.map(\.path.description), by: session.by))
    }
    answer(.success(report), session.waiters)
  }

  private func reject(_ error: KernelError, _ waiters: [ReloadWaiter], by: String) {
    shared.withLock { $0.rejectedReloads += 1 }
    logger.error("reload refused: \(error)", metadata: ["by": "\(by)"])
    bus.publish(HostReloadRejected(reason: error.description, by: by))
    answer(.failure(error), waiters)
  }

  private func answer(_ result: Result<ReloadReport, KernelError>, _ waiters: [ReloadWaiter]) {
    shared.withLock { shared in
      shared.answers += 1
      shared.lastAnswer = result
    }
    for waiter in waiters { waiter.continuation.resume(returning: result) }
  }

  /// Reloads that were asked for while another one ran are answered by one more, read afresh.
  private func runWaitingReload() {
    let waiters = shared.withLock { shared in
      guard shared.reload == nil, shared.state == .running else { return [ReloadWaiter]() }
      defer { shared.waitingReloads = [] }
      return shared.waitingReloads
    }
    guard let by = waiters.first?.by else { return }
    Task(priority: .medium) {
      let result: Result<ReloadReport, KernelError>
      do throws(KernelError) { result = .success(try await self.reload(by: by)) } catch { result = .failure(error) }
      for waiter in waiters { waiter.continuation.resume(returning: result) }
    }
  }

  /// Nobody is left waiting when the host ends.
  func finishReloads() {
    let waiters = shared.withLock { shared in
      defer {
        shared.waitingReloads = []
        shared.reload = nil
      }
      return shared.waitingReloads + (shared.reload?.waiters ?? [])
    }
    for waiter in waiters {
      waiter.continuation.resume(returning: .failure(KernelError(.reloadRejected, "the host has stopped")))
    }
  }
}

extension Kernel.Shared {
  /// The living instance of a plugin, if it runs.
  func runningInstance(_ name: String) -> PluginInstance? {
    guard let index = plan.index(of: name), machine.nodes[index].state == .running else { return nil }
    return instances[name]
  }
}
