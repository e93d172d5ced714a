extension HostEnvironment: ConfigValue {}

/// The section `host:` of the manifest.
public struct HostConfiguration: PluginConfiguration {
  /// The host's name, in logs and health.
  @Field("The host's name, in logs, metrics and health.", minLength: 1) public var name = "mainstay"
  /// For what kind of work the host runs.
  @Field("For what kind of work the host runs; production is stricter.", environment: "MAINSTAY_ENVIRONMENT")
  public var environment = HostEnvironment.development
  /// The most time a plugin may take to start, unless its own `lifecycle` says otherwise.
  @Field("Most time a plugin may take to start.", range: .milliseconds(1) ... .seconds(86_400))
  public var startTimeout: Duration = .seconds(10)
  /// How the host stops.
  @Field("How the host stops.") public var shutdown = ShutdownConfiguration()
  /// How the host follows changes of its manifest.
  @Field("How the host follows changes of its manifest.") public var reload = ReloadConfiguration()

  /// The defaults.
  public init() {}
}

/// The section `host.shutdown:` of the manifest.
public struct ShutdownConfiguration: PluginConfiguration {
  /// How long the host goes on serving after it has said that it is not ready.
  @Field(
    "Time to go on serving after readiness says no, for load balancers to notice.",
    range: .zero ... .seconds(3600))
  public var lameDuck: Duration = .zero
  /// How long a plugin may take to finish its `run()`, and again to stop, unless its own `lifecycle` says otherwise.
  @Field("Time for a plugin to finish its work, and again to stop.", range: .zero ... .seconds(3600))
  public var grace: Duration = .seconds(5)
  /// When the process exits whatever still runs.
  @Field("Time after which the process exits, whatever still runs.", range: .milliseconds(1) ... .seconds(7200))
  public var forceAfter: Duration = .seconds(30)

  /// The defaults.
  public init() {}

  /// The forced exit must come last.
  public func validate(into issues: inout ConfigurationChecks) {
    let needed = lameDuck + grace * 2
    guard forceAfter < needed else { return }
    issues.error(
      "force_after",
      "must be at least lame_duck + 2 × grace (\(DurationText.text(needed))), is \(DurationText.text(forceAfter))",
      remedy: "raise force_after, or lower lame_duck or grace")
  }
}

/// The section `host.reload:` of the manifest.
public struct ReloadConfiguration: PluginConfiguration {
  /// Whether the host watches its files.
  @Field("Reload when the manifest, an include or a secret's file changes.") public var watch = true
  /// How long the files must be still before they are read.
  @Field("Time the files must be still before they are read again.", range: .zero ... .seconds(60))
  public var debounce: Duration = .milliseconds(200)

  /// The defaults.
  public init() {}
}
