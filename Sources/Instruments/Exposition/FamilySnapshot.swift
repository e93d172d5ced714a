/// The values of a family's series at one moment, as plain numbers: what a store of time series keeps.
public struct FamilySnapshot: Sendable {
  /// What one number of a series tells.
  public enum Column: Sendable, Hashable {
    /// The value of a counter or gauge.
    case value
    /// Observations in the bucket up to this bound, not cumulative.
    case bucket(Double)
    /// A quantile, over the window of the summary.
    case quantile(Double)
    /// The sum of all observations.
    case sum
    /// The number of all observations, of a summary; a histogram's is the sum of its buckets.
    case count
  }

  /// One series.
  public struct Series: Sendable {
    /// The label values, in the order of the family's labels.
    public let labelValues: [String]
    /// A number for each column.
    public let numbers: [Double]

    /// A series.
    public init(labelValues: [String], numbers: [Double]) {
      self.labelValues = labelValues
      self.numbers = numbers
    }
  }

  /// What the family measures.
  public let descriptor: MetricDescriptor
  /// What the numbers of each series tell.
  public let columns: [Column]
  /// The series.
  public let series: [Series]

  /// A family.
  public init(descriptor: MetricDescriptor, columns: [Column], series: [Series]) {
    self.descriptor = descriptor
    self.columns = columns
    self.series = series
  }
}

extension MetricsScrape {
  /// Reads the families that `includes` picks.
  public func snapshots(where includes: (MetricDescriptor) -> Bool) -> [FamilySnapshot] {
    items.filter { includes($0.entry.descriptor) }.map { item in
      switch item.entry {
      case .kept(let core): MetricsScrape.snapshot(core)
      case .pulled(let family):
        FamilySnapshot(
          descriptor: family.descriptor, columns: MetricsScrape.columns(family.descriptor, family.extras),
          series: family.samples.map { sample in
            .init(labelValues: sample.values, numbers: (sample.buckets ?? []).map { Double($0) } + [sample.value])
          })
      }
    }
  }

  private static func snapshot(_ core: FamilyCore) -> FamilySnapshot {
    var reading = SeriesReading()
    let series = core.series.map { series in
      series.read(into: &reading)
      let numbers: [Double]
      switch reading.form {
      case .whole, .number: numbers = [reading.number]
      case .buckets: numbers = reading.buckets.map { Double($0) } + [reading.sum]
      case .quantiles: numbers = reading.quantiles + [reading.sum, Double(reading.count)]
      }
      return FamilySnapshot.Series(labelValues: series.labelValues, numbers: numbers)
    }
    return FamilySnapshot(
      descriptor: core.descriptor, columns: columns(core.descriptor, core.extras), series: series)
  }

  private static func columns(_ descriptor: MetricDescriptor, _ extras: FamilyExtras) -> [FamilySnapshot.Column] {
    switch descriptor.kind {
    case .counter, .gauge: [.value]
    case .histogram: ((extras.bounds?.bounds ?? []) + [.infinity]).map { .bucket($0) } + [.sum]
    case .summary: extras.quantiles.map { .quantile($0) } + [.sum, .count]
    }
  }
}
