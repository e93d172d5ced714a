public import Logging
import Synchronization

/// What the kernel hands a plugin. Everything opened through it (subscriptions, contributions, capabilities, cleanups)
/// is closed by the kernel when the plugin stops.
public struct PluginContext: Sendable {
  /// The plugin's name, as in the manifest.
  public let plugin: String
  /// A logger that puts the plugin's name into each line.
  public let logger: Logger
  /// The event bus.
  public let bus: EventBus
  /// The time by which the host lives. Use it for every wait, so that tests run on a manual clock.
  public let clock: any HostClock
  /// The host around the plugin: its name, its state, its plugins.
  public let host: HostHandle

  let manifest: PluginManifest
  let registry: Registry
  let scope: PluginScope

  /// Makes a value available to the plugins that require or use the capability. Call it in `init`.
  /// Throws if the manifest does not list the capability under `provides`.
  public func provide<Value: Sendable>(_ value: Value, as capability: Capability<Value>) throws(KernelError) {
    guard manifest.provides.contains(AnyCapability(capability)) else {
      throw .undeclared(plugin: plugin, verb: "provides", name: capability.name)
    }
    guard registry.provide(value, as: capability.name, by: scope) else {
      throw KernelError(.cancelled, "plugin '\(plugin)' has been given up; it can provide nothing any more")
    }
  }

  /// The value another plugin provides. Throws if the manifest does not list the capability under `requires`.
  public func require<Value: Sendable>(_ capability: Capability<Value>) throws(KernelError) -> Value {
    guard manifest.requires.contains(AnyCapability(capability)) else {
      throw .undeclared(plugin: plugin, verb: "requires", name: capability.name)
    }
    guard let value = registry.value(of: capability.name) as? Value else {
      throw KernelError(
        .missingCapability,
        "plugin '\(plugin)' requires '\(capability.name)', whose provider did not provide it in its init")
    }
    return value
  }

  /// The value another plugin provides, or nil if the host has no provider or the provider has failed.
  /// Throws if the manifest does not list the capability under `uses`.
  public func optional<Value: Sendable>(_ capability: Capability<Value>) throws(KernelError) -> Value? {
    guard manifest.uses.contains(AnyCapability(capability)) else {
      throw .undeclared(plugin: plugin, verb: "uses", name: capability.name)
    }
    return registry.value(of: capability.name) as? Value
  }

  /// Adds a value to a contribution point; its collector sees it at once. May be called at any time; in a host without
  /// a collector it has no effect. Throws if the manifest does not list the point under `contributes`.
  @discardableResult
  public func contribute<Value: Sendable>(
    _ value: Value, to point: ContributionPoint<Value>
  ) throws(KernelError) -> Subscription {
    guard manifest.contributes.contains(AnyContributionPoint(point)) else {
      throw .undeclared(plugin: plugin, verb: "contributes", name: point.name)
    }
    let contribution = registry.contribute(value, to: point.name, by: plugin)
    scope.add(contribution)
    return contribution
  }

  /// What other plugins contribute to a point, read live.
  /// Throws if the manifest does not list the point under `collects`.
  public func contributions<Value: Sendable>(
    to point: ContributionPoint<Value>
  ) throws(KernelError) -> Contributions<Value> {
    guard manifest.collects.contains(AnyContributionPoint(point)) else {
      throw .undeclared(plugin: plugin, verb: "collects", name: point.name)
    }
    return Contributions(point: point, registry: registry, scope: scope)
  }

  /// Registers a cleanup. Cleanups run after `stop()`, in reverse order of registration, within the stop budget;
  /// also when `init` throws after registering them.
  public func onStop(_ cleanup: @escaping @Sendable () async -> Void) {
    scope.addCleanup(cleanup)
  }

  /// Keeps a subscription with the plugin: it is cancelled when the plugin stops.
  public func keep(_ subscription: Subscription) {
    scope.add(subscription)
  }
}

/// What one instance of a plugin has opened through its context.
final class PluginScope: Sendable {
  private struct State {
    var subscriptions: [Subscription] = []
    var cleanups: [@Sendable () async -> Void] = []
    var closed = false
  }

  private let state = Mutex(State())

  func add(_ subscription: Subscription) {
    let late = state.withLock { state in
      if state.closed { return true }
      state.subscriptions.append(subscription)
      return false
    }
    if late { subscription.cancel() }
  }

  var isClosed: Bool { state.withLock { $0.closed } }

  func addCleanup(_ cleanup: @escaping @Sendable () async -> Void) {
    state.withLock { $0.cleanups.append(cleanup) }
  }

  /// Runs the cleanups, last registered first.
  func runCleanups() async {
    while let cleanup = state.withLock({ $0.cleanups.popLast() }) {
      await cleanup()
    }
  }

  /// Cancels every subscription; what is added later is cancelled at once.
  func close() {
    let subscriptions = state.withLock { state in
      state.closed = true
      defer { state.subscriptions = [] }
      return state.subscriptions
    }
    for subscription in subscriptions.reversed() { subscription.cancel() }
  }
}
