import Synchronization

/// What the series of one registry share: its limits, the time, and the count of what went wrong.
final class Ledger: Sendable {
  let limits: MetricsLimits
  let labelGuard: LabelGuard
  let stripes: StripeBudget
  /// Seconds since 1970.
  let now: @Sendable () -> Double

  private let series = Atomic<Int>(0)
  private let rejected = Atomic<UInt64>(0)
  private let redacted = Atomic<UInt64>(0)
  private let cut = Atomic<UInt64>(0)
  private let mismatched = Atomic<UInt64>(0)
  private let dropped = Atomic<UInt64>(0)

  init(limits: MetricsLimits, labelGuard: LabelGuard, now: @escaping @Sendable () -> Double) {
    self.limits = limits
    self.labelGuard = labelGuard
    self.now = now
    stripes = StripeBudget(bytes: limits.stripeBytes)
  }

  /// An observation that cannot be counted.
  func reject() { rejected.wrappingAdd(1, ordering: .relaxed) }
  /// A label value held back by the guard.
  func redact() { redacted.wrappingAdd(1, ordering: .relaxed) }
  /// A label value that was too long.
  func cutValue() { cut.wrappingAdd(1, ordering: .relaxed) }
  /// A lookup with too many or too few label values.
  func mismatch() { mismatched.wrappingAdd(1, ordering: .relaxed) }
  /// A pulled sample left out.
  func drop() { dropped.wrappingAdd(1, ordering: .relaxed) }

  func seriesBegan() { series.wrappingAdd(1, ordering: .relaxed) }
  func seriesEnded(_ count: Int = 1) { series.wrappingSubtract(count, ordering: .relaxed) }

  var seriesCount: Int { series.load(ordering: .relaxed) }

  func diagnostics(families: Int, overflow: [MetricsDiagnostics.Overflow]) -> MetricsDiagnostics {
    MetricsDiagnostics(
      families: families, series: seriesCount, rejectedObservations: rejected.load(ordering: .relaxed),
      redactedLabelValues: redacted.load(ordering: .relaxed), cutLabelValues: cut.load(ordering: .relaxed),
      mismatchedLabels: mismatched.load(ordering: .relaxed), droppedSamples: dropped.load(ordering: .relaxed),
      overflow: overflow)
  }
}

/// What a registry holds, and what it had to refuse.
public struct MetricsDiagnostics: Sendable, Hashable {
  /// Label values that counted as `other`.
  public struct Overflow: Sendable, Hashable {
    /// The family.
    public let metric: String
    /// The label whose values were too many.
    public let label: String
    /// How often a value was replaced.
    public let count: UInt64
  }

  /// Families registered.
  public let families: Int
  /// Series kept; pulled ones are not kept.
  public let series: Int
  /// Observations that were NaN, and negative amounts for counters.
  public let rejectedObservations: UInt64
  /// Label values that looked like personal data.
  public let redactedLabelValues: UInt64
  /// Label values that were too long.
  public let cutLabelValues: UInt64
  /// Lookups with too many or too few label values: missing ones became empty.
  public let mismatchedLabels: UInt64
  /// Pulled samples left out: too many, or two with the same labels.
  public let droppedSamples: UInt64
  /// Labels that had more values than allowed.
  public let overflow: [Overflow]
}

extension MetricsDiagnostics {
  /// What two registries hold together.
  public func adding(_ other: MetricsDiagnostics) -> MetricsDiagnostics {
    MetricsDiagnostics(
      families: families + other.families, series: series + other.series,
      rejectedObservations: rejectedObservations &+ other.rejectedObservations,
      redactedLabelValues: redactedLabelValues &+ other.redactedLabelValues,
      cutLabelValues: cutLabelValues &+ other.cutLabelValues,
      mismatchedLabels: mismatchedLabels &+ other.mismatchedLabels,
      droppedSamples: droppedSamples &+ other.droppedSamples, overflow: overflow + other.overflow)
  }
}
