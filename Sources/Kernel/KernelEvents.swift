/// The host is ready: every plugin has started.
public struct HostReady: Event {
  /// `host.ready`
  public static let topic: Topic = "host.ready"
  /// A late subscriber learns it too.
  public static let isSticky = true
  /// How long the start took.
  public let duration: Duration
  /// How many plugins run.
  public let plugins: Int
}

/// The host was asked to stop: it is not ready any more. Published before the lame-duck time.
public struct HostDraining: Event {
  /// `host.draining`
  public static let topic: Topic = "host.draining"
  /// A late subscriber learns it too.
  public static let isSticky = true
  /// Why: a signal, a failure, a request.
  public let reason: String
}

/// Every plugin has stopped.
public struct HostStopped: Event {
  /// `host.stopped`
  public static let topic: Topic = "host.stopped"
  /// How long the stop took.
  public let duration: Duration
  /// Plugins that overran their stop budget.
  public let abandoned: [String]
}

/// A reload was applied.
public struct HostReloaded: Event {
  /// `host.reloaded`
  public static let topic: Topic = "host.reloaded"
  /// The generation of the configuration.
  public let generation: Int
  /// The keys that changed.
  public let changed: [String]
  /// Who asked for it: `SIGHUP`, `a change of host.yaml`, `request 4bf9…`.
  public let by: String
}

/// A reload was refused; the host goes on with the configuration it had.
public struct HostReloadRejected: Event {
  /// `host.reload-rejected`
  public static let topic: Topic = "host.reload-rejected"
  /// Why, with file, line and remedy.
  public let reason: String
  /// Who asked for it: `SIGHUP`, `a change of host.yaml`, `request 4bf9…`.
  public let by: String
}

/// A plugin went from one state to another.
public struct PluginStateChanged: Event {
  /// `plugin.state-changed`
  public static let topic: Topic = "plugin.state-changed"
  /// The plugin.
  public let plugin: String
  /// The state it left.
  public let from: PluginState
  /// The state it entered.
  public let to: PluginState
  /// How long it was in the state it left.
  public let duration: Duration
  /// What went wrong, if it failed.
  public let failure: String?
}
