/// The section `lifecycle:` inside each plugin's entry of the manifest.
public struct LifecycleConfiguration: PluginConfiguration {
  /// What the host does when a plugin fails.
  public enum FailurePolicy: String, CaseIterable, ConfigValue {
    /// The host stops.
    case stopHost = "stop_host"
    /// The plugin is started again, with what depends on it.
    case restart
    /// The host goes on without it.
    case degrade
  }

  /// The most time the plugin may take to start; `host.start_timeout` if absent.
  @Field("Most time to start; host.start_timeout if absent.", range: .milliseconds(1) ... .seconds(86_400))
  public var startTimeout: Duration?
  /// The most time the plugin may take to stop; `host.shutdown.grace` if absent.
  @Field("Most time to stop; host.shutdown.grace if absent.", range: .milliseconds(1) ... .seconds(86_400))
  public var stopTimeout: Duration?
  /// What the host does when the plugin fails.
  @Field("What the host does when the plugin fails.") public var onFailure = FailurePolicy.stopHost
  /// How the plugin is restarted, under `on_failure: restart`.
  @Field("How the plugin is restarted, under on_failure: restart.") public var restart = RestartConfiguration()

  /// The defaults.
  public init() {}
}

/// The section `lifecycle.restart:` inside a plugin's entry of the manifest.
public struct RestartConfiguration: PluginConfiguration {
  /// What the host does when restarting has not helped.
  public enum LastResort: String, CaseIterable, ConfigValue {
    /// The host stops.
    case stopHost = "stop_host"
    /// The host goes on without the plugin.
    case degrade
  }

  /// The most restarts within the window.
  @Field("Most restarts within the window.", range: 1...1000) public var limit = 5
  /// The window in which restarts are counted.
  @Field("Window in which restarts are counted.", range: .seconds(1) ... .seconds(86_400))
  public var within: Duration = .seconds(60)
  /// The wait before the first restart; it doubles with each.
  @Field("Wait before the first restart; doubles with each.", range: .milliseconds(1) ... .seconds(3600))
  public var backoff: Duration = .milliseconds(200)
  /// The longest wait before a restart.
  @Field("Longest wait before a restart.", range: .milliseconds(1) ... .seconds(3600))
  public var maxBackoff: Duration = .seconds(10)
  /// What the host does when the limit is reached.
  @Field("What the host does when the limit is reached.") public var then = LastResort.stopHost

  /// The defaults.
  public init() {}

  /// The longest wait cannot be shorter than the first.
  public func validate(into issues: inout ConfigurationChecks) {
    guard maxBackoff < backoff else { return }
    issues.error(
      "max_backoff",
      "must be at least backoff (\(DurationText.text(backoff))), is \(DurationText.text(maxBackoff))")
  }
}
