/// One series: an instrument with its label values. Get it once from its family and keep it; recording through it takes no
/// lock and no lookup.
public class Series: @unchecked Sendable {
  // because every stored property, also of the subclasses, is immutable or atomic or guarded by a lock.

  let identity: SeriesIdentity
  /// When the series began: seconds since 1970.
  let created: Double

  init(_ seed: consuming SeriesSeed) {
    created = seed.created
    identity = seed.identity
  }

  /// The label values, in the order of the family's labels.
  public var labelValues: [String] { identity.values }

  /// Reads the present values.
  func read(into reading: inout SeriesReading) {}
}

/// What a new series is made of.
struct SeriesSeed: ~Copyable {
  let identity: SeriesIdentity
  let created: Double
}

/// The values of a series at one moment. Buffers are reused from series to series.
struct SeriesReading {
  enum Form {
    /// `count` as a whole number.
    case whole
    /// `value`
    case number
    /// `count` per bucket, `sum`
    case buckets
    /// `count`, `sum`, `quantiles`
    case quantiles
  }

  var form = Form.number
  var value = 0.0
  var count: UInt64 = 0
  var sum = 0.0
  /// Observations in each bucket, not cumulative; the last is that above all bounds.
  var buckets: [UInt64] = []
  /// One for each quantile of the family; NaN where there were no observations.
  var quantiles: [Double] = []
  /// One for each bucket, or one for a counter; empty if there is none at all.
  var exemplars: [Exemplar?] = []

  /// What a closure read, of a histogram.
  init(buckets: [UInt64], sum: Double) {
    form = .buckets
    self.buckets = buckets
    self.sum = sum
    count = buckets.reduce(0, &+)
  }

  init() {}

  /// The main number: the value, the count of observations.
  var number: Double { form == .number ? value : Double(count) }
}
