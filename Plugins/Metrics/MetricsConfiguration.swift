public import MainstayKernel

/// What is exported, kept and watched.
public struct MetricsConfiguration: PluginConfiguration {
  /// Who may scrape and query.
  @Field("Who may read: /metrics and everything below it. open, authenticated, or the name of a role.", minLength: 1)
  public var access = "viewer"

  /// Who may record and change.
  @Field("Who may record, define, silence and set rules: open, authenticated, or the name of a role.", minLength: 1)
  public var writeAccess = "operator"

  /// Compression of scrapes.
  @Field("How hard scrapes are compressed for clients that read gzip: 1 fast to 9 small; 0 not at all.", range: 0...9)
  public var gzip = 1

  /// Whether process metrics are exported.
  @Field("Export processor time, memory, descriptors and lag of the process.")
  public var process = true

  /// Whether metrics of libraries are exported.
  @Field("Export what libraries record through swift-metrics. It can be switched on once a process, not off again.")
  public var swiftMetrics = true

  /// Metrics recorded by name.
  @Field("Metrics that are recorded by name, over HTTP or by plugins, beside the standard ones.")
  public var definitions: [MetricDefinition] = []

  /// What is kept for queries.
  @Field("What is kept in memory for queries and alerts.")
  public var history = HistoryConfiguration()

  /// Alerts.
  @Field("Which alerts there are, and who is told.")
  public var alerts = AlertConfiguration()

  /// Service level objectives.
  @Field("What is promised to users; each objective raises alerts when its error budget burns too fast.")
  public var objectives = ObjectiveConfiguration.standard

  /// The defaults.
  public init() {}
}
