/// Budgets of a plugin, and what happens when it fails. From `lifecycle:` in its section of the manifest.
public struct LifecyclePolicy: Sendable, Hashable {
  /// What happens when a plugin cannot start, or its `run()` throws.
  public enum OnFailure: String, Sendable, CaseIterable, Codable {
    /// The host stops in reverse order and exits with 1.
    case stopHost = "stop_host"
    /// The plugin is stopped, with those that depend on it, and started again after a backoff.
    case restart
    /// The host goes on without the plugin and those that depend on it, and says so in its health.
    case degrade
  }

  /// How often a failing plugin is started again.
  public struct Restart: Sendable, Hashable {
    /// Restarts within the window before it is given up.
    public var attempts: Int
    /// The window.
    public var within: Duration
    /// The wait before the first restart; doubled for each further one in the window.
    public var backoff: Duration
    /// The longest wait.
    public var maxBackoff: Duration
    /// Whether the host goes on without the plugin when the attempts are used up; otherwise it stops.
    public var degradesWhenExhausted: Bool

    /// Five restarts within a minute, 200 ms apart at first.
    public init(
      attempts: Int = 5, within: Duration = .seconds(60), backoff: Duration = .milliseconds(200),
      maxBackoff: Duration = .seconds(10), degradesWhenExhausted: Bool = false
    ) {
      self.attempts = attempts
      self.within = within
      self.backoff = backoff
      self.maxBackoff = maxBackoff
      self.degradesWhenExhausted = degradesWhenExhausted
    }
  }

  /// The longest `init` may take.
  public var startTimeout: Duration
  /// The longest `run()` may take to finish after its cancellation, and again the longest `stop()` may take.
  public var stopTimeout: Duration
  /// What happens when the plugin fails.
  public var onFailure: OnFailure
  /// How often it is started again, if `onFailure` is `restart`.
  public var restart: Restart

  /// Ten seconds to start, five to stop, and a failure stops the host.
  public init(
    startTimeout: Duration = .seconds(10), stopTimeout: Duration = .seconds(5), onFailure: OnFailure = .stopHost,
    restart: Restart = Restart()
  ) {
    self.startTimeout = startTimeout
    self.stopTimeout = stopTimeout
    self.onFailure = onFailure
    self.restart = restart
  }

  /// Whether the host goes on when this plugin has failed for good.
  var toleratesFailure: Bool {
    switch onFailure {
    case .stopHost: false
    case .restart: restart.degradesWhenExhausted
    case .degrade: true
    }
  }
}
