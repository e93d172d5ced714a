/// The host around a plugin.
public struct HostHandle: Sendable {
  /// `host.name` in the manifest.
  public let name: String
  /// `host.environment` in the manifest: development, test, staging, production.
  public let environment: HostEnvironment
  /// The version of the program.
  public let version: String

  let source: any HostStatusSource

  /// The host's state and that of every plugin, now.
  public var status: HostStatus { source.status }

  /// The dependency graph of the running configuration.
  public var graph: DependencyGraph { source.graph }

  /// The effective configuration of the running host: every value with its origin, secrets redacted.
  public var values: [ConfigValueReport] { source.values }

  /// Asks the host to stop, as SIGTERM does. Returns at once.
  public func requestStop(reason: String) { source.requestStop(reason: reason) }

  /// Reads the manifest again and applies what changed. Throws if the new manifest is refused; the host then goes on
  /// with the configuration it has.
  /// - Parameter by: Who asks, for the events that tell of it: `ada`. Nil names the request that is being answered, if there
  ///   is one.
  @discardableResult
  public func reload(by: String? = nil) async throws(KernelError) -> ReloadReport { try await source.reload(by: by) }
}

/// Where a host handle gets its answers: the running kernel.
protocol HostStatusSource: Sendable {
  var status: HostStatus { get }
  var graph: DependencyGraph { get }
  var values: [ConfigValueReport] { get }
  func requestStop(reason: String)
  func reload(by: String?) async throws(KernelError) -> ReloadReport
}

/// For what kind of work the host runs. Production is stricter.
public enum HostEnvironment: String, Sendable, CaseIterable, Codable {
  /// On a developer's machine.
  case development
  /// Under test.
  case test
  /// Like production, without its data.
  case staging
  /// The real thing.
  case production
}

/// The host's life: `created → starting → running → draining → stopped`, or `failed`.
public enum HostState: String, Sendable, CaseIterable, Codable {
  /// Planned, not started.
  case created
  /// Plugins are starting. Can go to `running`, `draining` or `failed`.
  case starting
  /// Every plugin that should run does, or is degraded by its policy. Can go to `draining`.
  case running
  /// Asked to stop: not ready any more, and stopping plugins in reverse order. Can go to `stopped` or `failed`.
  case draining
  /// Stopped as asked.
  case stopped
  /// Stopped because a plugin failed.
  case failed
}

/// A plugin's life: `created → starting → running → draining → stopped`, or `failed`.
public enum PluginState: String, Sendable, CaseIterable, Codable {
  /// Configured; waits for what it requires.
  case created
  /// Its `init` runs. Can go to `running` or `failed`.
  case starting
  /// Ready; its `run()` runs or has returned. Can go to `draining`.
  case running
  /// Its `run()` has been asked to finish, then `stop()` runs. Can go to `stopped` or `failed`.
  case draining
  /// Released everything. Can go to `starting` when it is restarted.
  case stopped
  /// Could not start, threw, or overran a budget. Can go to `starting` if its policy restarts it.
  case failed
}

/// The host's state and that of every plugin at one moment.
public struct HostStatus: Sendable {
  /// The host's state.
  public let state: HostState
  /// Why the host is draining, stopped or failed.
  public let reason: String?
  /// Raised by each reload that changed something; the first configuration is 1.
  public let generation: Int
  /// When the host began to start: time since 1970.
  public let startedAt: Duration
  /// How long it took until every plugin was ready; nil before.
  public let startDuration: Duration?
  /// How long the host has been up.
  public let uptime: Duration
  /// Every plugin of the manifest that is enabled, in the order of starting.
  public let plugins: [PluginStatus]
  /// Reloads that were refused since the host started.
  public let rejectedReloads: Int

  /// Whether the host takes work: running, and no plugin is on its way up or down.
  public var isReady: Bool {
    state == .running && plugins.allSatisfy { $0.state == .running || $0.isTolerated }
  }
}

/// One plugin's state at one moment.
public struct PluginStatus: Sendable {
  /// The plugin's name.
  public let name: String
  /// The plugin's version.
  public let version: String
  /// Where it is in its life.
  public let state: PluginState
  /// What went wrong, in full, if its state is `failed`.
  public let failure: String?
  /// Whether its failure policy lets the host run without it (`degrade`).
  public let isTolerated: Bool
  /// How long its last start took; nil before it was ready.
  public let startDuration: Duration?
  /// When it entered this state: time since 1970.
  public let since: Duration
  /// How often it has been restarted after failures.
  public let restarts: Int
  /// The plugins it waits for, while `created`.
  public let waitsFor: [String]
}

/// What a reload did.
public struct ReloadReport: Sendable {
  /// The configuration's generation after the reload.
  public let generation: Int
  /// What changed in the manifest, a line a value; secrets are redacted.
  public let changes: [ConfigChange]
  /// Plugins that took over the new configuration while running.
  public let reconfigured: [String]
  /// Plugins that were stopped and started again.
  public let restarted: [String]
  /// Plugins that are new.
  public let started: [String]
  /// Plugins that are gone.
  public let stopped: [String]
}
