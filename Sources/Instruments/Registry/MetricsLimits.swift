/// How much one registry may hold. Each plugin has a registry of its own, so these are quotas of a plugin.
public struct MetricsLimits: Sendable, Hashable {
  /// Families. Registering more throws.
  public var families = 1_000
  /// Labels of one family. Registering more throws.
  public var labelsPerFamily = 16
  /// Series of all families. Beyond it, new label values count as `other`.
  public var series = 50_000
  /// Series of one family. Beyond it, new values of the label with the most values count as `other`.
  public var seriesPerFamily = 5_000
  /// Distinct values of one label that declares no limit of its own. Further ones count as `other`.
  public var valuesPerLabel = 500
  /// Bytes of a label value; the rest is cut off.
  public var labelValueBytes = 256
  /// Bounds of one histogram. Registering more throws.
  public var buckets = 200
  /// Characters of a help text; the rest is cut off.
  public var helpCharacters = 500
  /// Bytes that the cells of hot series may take in the threads' slabs, reckoned as if every slab were in use: at least 512 a cell.
  /// Beyond it, series keep to the cells that all threads share: slower, never wrong.
  public var stripeBytes = 16 << 20

  /// The standard quotas.
  public init() {}
}
