import Logging
import Synchronization

/// The life of the host as a whole, and what others see of it.
extension Kernel: HostStatusSource {
  func hostIsReady() {
    let (duration, count, isDraining) = shared.withLock { shared in
      let duration = settings.clock.now - shared.startedAt
      shared.readyAfter = duration
      return (duration, shared.plan.plugins.count, shared.state == .draining)
    }
    guard !isDraining else { return }
    logger.info("host ready", metadata: ["duration": "\(duration.formattedShort)", "plugins": "\(count)"])
    enter(.running)
    let watcher = Task(priority: .medium) { await self.watchConfiguration() }
    shared.withLock { $0.watcher = watcher }
    bus.publish(HostReady(duration: duration, plugins: count))
  }

  /// Begins the end: not ready from now on, and after the lame-duck time plugins are stopped.
  func drain(reason: String) {
    let wait: Duration? = shared.withLock { shared in
      guard shared.drainingSince == nil else { return nil }
      shared.drainingSince = settings.clock.now
      // Nobody has found a host that is not ready yet: nothing to wait for.
      return shared.state == .running ? shared.plan.host.shutdown.lameDuck : .zero
    }
    guard let wait else { return }
    announceDraining(reason)
    let (clock, send) = (settings.clock, self.send)
    guard wait > .zero else {
      perform(shared.withLock { $0.machine.stop(at: clock.now) })
      return
    }
    let task = Task(priority: .high) {
      try? await clock.sleep(for: wait)
      send.yield(.lameDuckOver)
    }
    shared.withLock { $0.lameDuck = task }
  }

  private func announceDraining(_ reason: String) {
    armWatchdog()
    logger.info("host stopping", metadata: ["reason": "\(reason)"])
    enter(.draining, reason: reason)
    bus.publish(HostDraining(reason: reason))
  }

  /// Who keeps the host from stopping, for the watchdog's last words.
  private var stuck: String {
    // Whatever holds the lock must not hold the exit.
    shared.withLockIfAvailable { shared in
      let alive = shared.machine.nodes.filter { !$0.isIdle }.map { "\($0.name) (\($0.state.rawValue))" }
      let list = alive.isEmpty ? "nobody" : alive.joined(separator: ", ")
      guard shared.drainingSince == nil else { return list }
      return list + "; the request to stop was never taken: something blocks every thread that tasks run on"
    } ?? ""
  }

  /// From the first request to stop on, the process ends in time, even if nobody takes the request.
  private func armWatchdog() {
    guard let watchdog = settings.watchdog else { return }
    let (force, isAlive) =
      shared.withLockIfAvailable { ($0.plan.host.shutdown.forceAfter, $0.hasBegun && !$0.machine.isFinished) }
      ?? (.seconds(30), true)
    if isAlive { watchdog.arm(after: force) { [weak self] in self?.stuck ?? "" } }
  }

  func hostFails(because index: Int) {
    let isFirst = shared.withLock { shared in
      let node = shared.machine.nodes[index]
      if shared.failure == nil, let failure = node.failure {
        shared.failure = KernelError(failure.code, failure.message)
      }
      defer { shared.drainingSince = shared.drainingSince ?? settings.clock.now }
      return shared.drainingSince == nil
    }
    let message = shared.withLock { $0.failure?.message } ?? "a plugin failed"
    if isFirst { announceDraining(message) }
  }

  func hostHasStopped() {
    let (failure, duration, abandoned) = shared.withLock { shared in
      let since = shared.drainingSince ?? shared.startedAt
      let overran = shared.machine.nodes.filter { $0.overran != nil }
      if shared.failure == nil, let first = overran.first?.overran {
        shared.failure = KernelError(first.code, first.message)
      }
      return (shared.failure, settings.clock.now - since, overran.map(\.name))
    }
    let tasks = shared.withLock { [$0.lameDuck, $0.watcher] }
    for task in tasks { task?.cancel() }
    bus.publish(HostStopped(duration: duration, abandoned: abandoned))
    logger.info("host stopped", metadata: ["duration": "\(duration.formattedShort)"])
    // Before anybody learns that it is over: what is asked from now on is refused by the stream itself.
    send.finish()
    finishReloads()
    busCore.endAll()
    enter(failure == nil ? .stopped : .failed, reason: failure?.message)
  }

  /// Asks the host to stop, as SIGTERM does. Returns at once; further calls change nothing.
  public func requestStop(reason: String) {
    armWatchdog()
    send.yield(.stopRequested(reason))
  }

  /// The dependency graph of the running configuration.
  public var graph: DependencyGraph { shared.withLock { $0.plan.graph } }

  var values: [ConfigValueReport] { shared.withLock { $0.plan.values } }

  /// The host's state and that of every plugin, now.
  public var status: HostStatus {
    let now = settings.clock.now
    return shared.withLock { shared in
      let epoch = shared.startedAtEpoch
      return HostStatus(
        state: shared.state, reason: shared.reason, generation: shared.generation, startedAt: epoch,
        startDuration: shared.readyAfter, uptime: now - shared.startedAt,
        plugins: shared.machine.nodes.enumerated().map { index, node in
          let manifest = shared.plan.plugins[index].registration.manifest
          return PluginStatus(
            name: node.name, version: manifest.version, state: node.state,
            failure: node.state == .failed ? (node.failure ?? node.overran)?.message : nil,
            isTolerated: node.state == .failed && node.settled, startDuration: node.startDuration,
            since: epoch + (node.since - shared.startedAt), restarts: node.restartCount,
            waitsFor: node.state == .created ? Self.waits(of: node, in: shared.machine) : [])
        },
        rejectedReloads: shared.rejectedReloads)
    }
  }

  private static func waits(of node: LifecycleMachine.Node, in machine: LifecycleMachine) -> [String] {
    (node.requires + node.uses).filter { machine.nodes[$0].state != .running }.map { machine.nodes[$0].name }.sorted()
  }
}
