/// A unit of the host: the kernel configures it, starts it, runs it and stops it.
///
/// 1. Its section of the manifest is decoded into ``Configuration``; every error of every plugin is reported at once.
/// 2. `validate(into:)` runs on all configurations before anything starts.
/// 3. As soon as everything it requires is ready, `init` acquires what it needs. When it returns, the plugin is ready.
/// 4. All `run()`s run concurrently. Returning means "nothing more to do"; throwing applies the plugin's failure policy.
/// 5. When everything that depends on it has stopped, its contributions and subscriptions end, the task of `run()` is
///    cancelled and awaited, and `stop()` is called, once. Then the capabilities that it provides are withdrawn.
///
/// Each phase has a budget; a plugin that overruns one is named in the error, with the phase and the time spent.
/// A plugin that exists is ready, so every property can be a `let`.
public protocol Plugin: Sendable {
  /// What the plugin's section of the manifest decodes into. Leave it out if there is nothing to configure.
  associatedtype Configuration: PluginConfiguration = NoConfiguration

  /// Name, version, and the capabilities that make the dependency graph. Pure: read before anything starts.
  static var manifest: PluginManifest { get }

  /// Acquires what the plugin needs. When it returns, the plugin is ready.
  init(configuration: Configuration, context: PluginContext) async throws

  /// The plugin's long-running work. Its task is cancelled when the plugin must stop.
  func run() async throws

  /// Takes over a changed configuration while running. The default asks for a restart.
  func reconfigure(_ configuration: Configuration) async throws -> Reconfiguration

  /// Releases what `init` acquired. Called exactly once, also when `run()` has thrown. Its task is not cancelled
  /// until the stop budget is spent.
  func stop() async

  /// Looks, for `mainstay doctor`, whether a configuration would work on this machine: is the port free, is the file
  /// readable. Starts and changes nothing.
  static func diagnose(_ configuration: Configuration) async -> [Diagnosis]

  /// The same, with a look at the whole host: for a plugin that is about the configuration of others.
  static func diagnose(_ configuration: Configuration, of plan: Plan) async -> [Diagnosis]
}

extension Plugin {
  /// Nothing to look at.
  public static func diagnose(_ configuration: Configuration) async -> [Diagnosis] { [] }

  /// What it finds in its own section.
  public static func diagnose(_ configuration: Configuration, of plan: Plan) async -> [Diagnosis] {
    await diagnose(configuration)
  }

  /// Nothing to do: the plugin works through what it provides, contributes and observes.
  public func run() async throws {}

  /// Asks the kernel to restart the plugin with the new configuration.
  public func reconfigure(_ configuration: Configuration) async throws -> Reconfiguration { .restart }

  /// Nothing to release.
  public func stop() async {}
}

/// What a plugin made of a changed configuration.
public enum Reconfiguration: Sendable, Equatable {
  /// The plugin runs with the new configuration.
  case applied
  /// The plugin must be stopped and started again, with everything that depends on it.
  case restart
}
