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

  /// The defaults.
  public init() {}
}
