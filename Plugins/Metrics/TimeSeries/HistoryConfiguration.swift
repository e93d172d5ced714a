import MainstayInstruments
public import MainstayKernel

/// What is kept in memory for queries and alerts: `history:`.
public struct HistoryConfiguration: PluginConfiguration {
  /// Which metrics.
  @Field(
    "Metrics kept, beside those recorded by name and those that alerts and objectives need; '*' stands for any text.")
  public var watch = ["http_*", "process_*", "plugin_state", "event_bus_*", "operation_duration_seconds"]

  /// From sample to sample.
  @Field("Time from sample to sample.", range: .seconds(1)...Duration.seconds(300))
  public var step: Duration = .seconds(10)

  /// How many.
  @Field("Samples kept at that step.", range: 10...10_000)
  public var points = 90

  /// From coarse sample to coarse sample.
  @Field("Time from sample to sample further back.", range: .seconds(10)...Duration.seconds(3_600))
  public var coarseStep: Duration = .seconds(60)

  /// How many.
  @Field("Samples kept at the coarse step.", range: 10...100_000)
  public var coarsePoints = 1_440

  /// The budget.
  @Field("Memory for samples; series beyond it are not kept.", range: .mebibytes(1)...ByteCount.gibibytes(16))
  public var budget: ByteCount = .mebibytes(32)

  /// The defaults.
  public init() {}

  /// The coarse step is a multiple of the fine one.
  public func validate(into issues: inout ConfigurationChecks) {
    if coarseStep <= step {
      issues.error("coarse_step", "must be longer than step", remedy: "write for example 1m for a step of 10s")
    }
  }

  var tiers: [RetentionTier] {
    [
      RetentionTier(step: step.inSeconds, points: points),
      RetentionTier(step: coarseStep.inSeconds, points: coarsePoints),
    ]
  }
}
