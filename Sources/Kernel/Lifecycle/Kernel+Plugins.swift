import Logging
import Synchronization

/// Performing what the machine decided about one plugin.
extension Kernel {
  func instance(_ index: Int) -> PluginInstance? {
    shared.withLock { $0.instances[$0.plan.plugins[index].name] }
  }

  func startPlugin(_ index: Int) {
    let planned = shared.withLock { $0.plan.plugins[index] }
    let instance = PluginInstance(planned.registration.manifest)
    // The former one goes outside the lock: its last reference may run the plugin's deinit.
    let former = shared.withLock { $0.instances.updateValue(instance, forKey: planned.name) }
    defer { withExtendedLifetime(former) {} }
    let context = context(for: planned, instance)
    let send = self.send
    let registry = self.registry
    let task = Task(priority: .medium) {
      do {
        let plugin = try await planned.registration.make(planned.configuration, context)
        if instance.isAbandoned {
          // It came after its budget: nobody uses it, so it is released at once.
          await Self.release(plugin, instance)
        } else if case .terminated = send.yield(.started(instance, plugin)) {
          await Self.release(plugin, instance)
        }
      } catch {
        instance.scope.close()
        await instance.scope.runCleanups()
        registry.withdraw(instance.manifest.provides, of: instance.scope)
        send.yield(.startFailed(instance, Self.startFailure(planned.name, error)))
      }
    }
    instance.setStarting(task)
  }

  private func context(for planned: PlannedPlugin, _ instance: PluginInstance) -> PluginContext {
    var logger = self.logger
    logger[metadataKey: "plugin"] = "\(planned.name)"
    return PluginContext(
      plugin: planned.name, logger: logger, bus: EventBus(core: busCore, owner: planned.name, scope: instance.scope),
      clock: settings.clock, host: host, manifest: planned.registration.manifest, registry: registry,
      scope: instance.scope)
  }

  func pluginStarted(_ instance: PluginInstance, _ plugin: any Plugin, at now: ContinuousClock.Instant) {
    let position = shared.withLock { shared in
      shared.instances[instance.name] === instance && !instance.isAbandoned ? shared.plan.index(of: instance.name) : nil
    }
    guard let index = position else {
      Task(priority: .medium) { await Self.release(plugin, instance) }
      return
    }
    instance.setPlugin(plugin)
    if let missing = instance.manifest.provides.first(where: { !registry.provides($0.name, scope: instance.scope) }) {
      rejectStart(instance, missing.name)
      return
    }
    let actions = shared.withLock { $0.machine.started(index, at: now) }
    if shared.withLock({ $0.machine.nodes[index].state == .running }) { runPlugin(instance, plugin) }
    perform(actions)
  }

  /// A plugin whose `init` returned without providing what its manifest says: released, then failed.
  private func rejectStart(_ instance: PluginInstance, _ capability: String) {
    let send = self.send
    let registry = self.registry
    Task(priority: .medium) {
      if let plugin = instance.plugin { await Self.release(plugin, instance) }
      registry.withdraw(instance.manifest.provides, of: instance.scope)
      send.yield(
        .startFailed(
          instance,
          .init(
            code: .missingCapability,
            message: "plugin '\(instance.name)' declares that it provides '\(capability)' but its init did not; "
              + "call context.provide(_:as:) before it returns")))
    }
  }

  private func runPlugin(_ instance: PluginInstance, _ plugin: any Plugin) {
    let send = self.send
    let name = instance.name
    let task = Task(priority: .medium) {
      do {
        try await plugin.run()
        send.yield(.runEnded(instance, nil))
      } catch is CancellationError where Task.isCancelled {
        send.yield(.runEnded(instance, nil))
      } catch {
        let message = "plugin '\(name)' failed while running: \(error)"
        send.yield(.runEnded(instance, Task.isCancelled ? nil : .init(code: .runFailed, message: message)))
      }
    }
    instance.setRunning(task)
  }

  func cancelRun(_ index: Int) {
    guard let instance = instance(index) else { return }
    let send = self.send
    // First nobody calls it any more and its streams end, then its task is cancelled.
    instance.scope.close()
    instance.cancelRun()
    Task(priority: .medium) {
      await instance.running?.value
      send.yield(.runEnded(instance, nil))
    }
  }

  func stopPlugin(_ index: Int) {
    guard let instance = instance(index) else { return }
    let send = self.send
    let registry = self.registry
    let task = Task(priority: .medium) {
      if let plugin = instance.plugin { await Self.release(plugin, instance) }
      registry.withdraw(instance.manifest.provides, of: instance.scope)
      send.yield(.stopped(instance))
    }
    instance.setStopping(task)
  }

  func abandonStart(_ index: Int) {
    guard let instance = instance(index) else { return }
    instance.abandon()
    instance.scope.close()
    registry.withdraw(instance.manifest.provides, of: instance.scope)
  }

  func abandonStop(_ index: Int) {
    guard let instance = instance(index) else { return }
    instance.abandon()
    registry.withdraw(instance.manifest.provides, of: instance.scope)
  }

  private static func release(_ plugin: any Plugin, _ instance: PluginInstance) async {
    instance.scope.close()
    await plugin.stop()
    await instance.scope.runCleanups()
    instance.letGo()
  }

  private static func startFailure(_ name: String, _ error: any Error) -> LifecycleMachine.Failure {
    let code = (error as? KernelError)?.code ?? .startFailed
    return LifecycleMachine.Failure(code: code, message: "plugin '\(name)' could not start: \(error)")
  }

  func announce(_ index: Int, _ from: PluginState, _ to: PluginState, _ duration: Duration) {
    let node = shared.withLock { $0.machine.nodes[index] }
    let failure = to == .failed || node.overran != nil ? (node.failure ?? node.overran)?.message : nil
    let metadata: Logger.Metadata = ["plugin": "\(node.name)", "duration": "\(duration.formattedShort)"]
    switch to {
    case .running: logger.info("plugin started", metadata: metadata)
    case .stopped where from == .draining: logger.info("plugin stopped", metadata: metadata)
    case .failed: logger.error("\(failure ?? "plugin failed")", metadata: metadata)
    default: logger.debug("plugin \(to.rawValue)", metadata: metadata)
    }
    bus.publish(PluginStateChanged(plugin: node.name, from: from, to: to, duration: duration, failure: failure))
  }
}
