public import MainstayKernel

/// How the host tells its state.
public struct HealthConfiguration: PluginConfiguration {
  /// Who may ask for the state in short.
  @Field("Who may ask /health: open, authenticated, or the name of a role.", minLength: 1)
  public var access = "open"

  /// Who may ask for the state in full.
  @Field(
    "Who may ask /health/comprehensive and /health/report: open, authenticated, or the name of a role.", minLength: 1)
  public var detailAccess = "viewer"

  /// Whether there is a state in full.
  @Field(
    "Whether /health/comprehensive and /health/report tell more than /health.",
    environment: "HEALTH_CHECK_ENABLE_DETAILED")
  public var detailed = true

  /// How long an answer is kept.
  @Field("How long an answer is given again; a change of state ends that at once.", range: .zero...Duration.seconds(10))
  public var cache: Duration = .seconds(1)

  /// How long the result of a check is kept.
  @Field(
    "How long the result of a check is used again, where the check does not say.",
    range: .zero...Duration.seconds(3600), environment: .milliseconds("HEALTH_CHECK_CACHE_TIMEOUT"))
  public var checkCache: Duration = .seconds(5)

  /// How long a check may take.
  @Field(
    "How long a check may take, where the check does not say.", range: .milliseconds(1)...Duration.seconds(60))
  public var checkTimeout: Duration = .seconds(2)

  /// When a result is too old.
  @Field(
    "A check without a newer result than this counts as failed.", range: .seconds(1)...Duration.seconds(86_400))
  public var staleAfter: Duration = .seconds(30)

  /// The time between two looks that nobody asked for.
  @Field(
    "Time between two looks at checks and thresholds while nobody asks.", range: .seconds(1)...Duration.seconds(3600))
  public var interval: Duration = .seconds(15)

  /// The file system that is watched.
  @Field("A folder on the file system that is watched.", pattern: "/.*", example: "/var/lib/clinic")
  public var disk = "/"

  /// When the process is beyond help.
  @Field(
    "/live fails when tasks have waited this long for a thread.", range: .milliseconds(100)...Duration.seconds(600))
  public var liveLag: Duration = .seconds(10)

  /// What is too much.
  @Field("What is too much.")
  public var thresholds = HealthThresholds()

  /// The defaults.
  public init() {}
}

/// What is too much: warnings are reported, what is critical makes the host degraded.
public struct HealthThresholds: PluginConfiguration {
  /// Memory.
  @Field("Memory in use, in percent of the control group's limit, else of the machine's memory.")
  public var memory = ThresholdConfiguration(warning: 80, critical: 95)

  /// Processor time.
  @Field("Processor time in use, in percent of what the process may use.")
  public var cpu = ThresholdConfiguration(warning: 75, critical: 90)

  /// Disk.
  @Field("Disk in use, in percent.")
  public var disk = ThresholdConfiguration(warning: 85, critical: 95)

  /// Waiting for threads.
  @Field("Time that tasks wait for a thread, in milliseconds.")
  public var threadPoolLag = ThresholdConfiguration(warning: 50, critical: 1000)

  /// The margin.
  @Field("A level is left when it is undercut by this share of it, in percent.", range: 0...50)
  public var margin = 5

  /// The defaults.
  public init() {}

  /// The thresholds by the names that events bear.
  var thresholds: [String: Threshold] {
    [
      "memory": threshold(memory), "cpu": threshold(cpu), "disk": threshold(disk),
      "thread_pool_lag": threshold(threadPoolLag),
    ]
  }

  private func threshold(_ pair: ThresholdConfiguration) -> Threshold {
    Threshold(
      warning: Double(pair.warning), critical: Double(pair.critical),
      margin: Double(pair.warning) * Double(margin) / 100)
  }
}

/// Two levels of one thing.
public struct ThresholdConfiguration: PluginConfiguration {
  /// Worth a look.
  @Field("From here on there is a warning.", range: 1...1_000_000)
  public var warning = 80

  /// Too much.
  @Field("From here on it is critical, and the host degraded.", range: 1...1_000_000)
  public var critical = 95

  /// The defaults.
  public init() {}

  init(warning: Int, critical: Int) {
    self.warning = warning
    self.critical = critical
  }

  /// A warning comes before it is critical.
  public func validate(into issues: inout ConfigurationChecks) {
    guard warning > critical else { return }
    issues.error("warning", "must not be above critical (\(critical)), is \(warning)", remedy: "swap the two")
  }
}
