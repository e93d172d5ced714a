/// A family whose samples are read from a closure when somebody scrapes.
final class PulledFamily: Sendable {
  let descriptor: MetricDescriptor
  let shape: FamilyShape
  let extras: FamilyExtras
  private let ledger: Ledger
  private let read: @Sendable (inout MetricSamples) -> Void

  init(
    _ descriptor: MetricDescriptor, _ shape: FamilyShape, _ extras: FamilyExtras, _ ledger: Ledger,
    read: @escaping @Sendable (inout MetricSamples) -> Void
  ) {
    self.descriptor = descriptor
    self.shape = shape
    self.extras = extras
    self.ledger = ledger
    self.read = read
  }

  /// Calls the closure: no lock is held meanwhile.
  var samples: [MetricSamples.Sample] {
    var samples = MetricSamples(descriptor.labels, descriptor.kind, buckets: extras.bounds?.count, ledger)
    read(&samples)
    return samples.samples
  }
}

/// What a pulled family's closure adds its samples to.
public struct MetricSamples {
  struct Sample: Sendable {
    let values: [String]
    /// The value; of a histogram, the sum of its observations.
    let value: Double
    /// Observations in each bucket, not cumulative; nil unless the family is a histogram.
    let buckets: [UInt64]?
  }

  private(set) var samples: [Sample] = []
  private var seen: Set<[String]> = []
  private let labels: [Label]
  private let kind: MetricKind
  /// How many a histogram has, that above all bounds included; nil for any other family.
  private let buckets: Int?
  private let ledger: Ledger

  init(_ labels: [Label], _ kind: MetricKind, buckets: Int? = nil, _ ledger: Ledger) {
    self.labels = labels
    self.kind = kind
    self.buckets = buckets
    self.ledger = ledger
  }

  /// Adds a sample with its label values, in the order of the family's labels. What is one too many, has the labels of an
  /// earlier one, or is no count although the family is a counter (negative, not a number), is left out and counted.
  public mutating func add(_ value: Double, _ values: String...) { add(value, values) }

  /// Adds a sample with its label values.
  public mutating func add(_ value: Double, _ given: [String]) {
    guard buckets == nil, kind != .counter || value >= 0 else { return ledger.drop() }
    add(value, nil, given)
  }

  /// Adds a series of a histogram: observations in each bucket, not cumulative, the last of which is that above all bounds;
  /// and the sum of all observations. With another number of buckets than the family has, it is left out and counted.
  public mutating func add(buckets counts: [UInt64], sum: Double, _ values: String...) {
    guard counts.count == buckets else { return ledger.drop() }
    add(sum, counts, values)
  }

  private mutating func add(_ value: Double, _ counts: [UInt64]?, _ given: [String]) {
    if given.count != labels.count { ledger.mismatch() }
    let values = labels.indices.map { index in
      index < given.count ? fit(given[index], labels[index]) : ""
    }
    guard samples.count < ledger.limits.seriesPerFamily, seen.insert(values).inserted else { return ledger.drop() }
    samples.append(Sample(values: values, value: value, buckets: counts))
  }

  private func fit(_ value: String, _ label: Label) -> String {
    if label.isGuarded, !label.known.contains(value), ledger.labelGuard.catches(value) {
      ledger.redact()
      return Label.redacted
    }
    guard value.utf8.count > ledger.limits.labelValueBytes else { return value }
    ledger.cutValue()
    let bytes = Array(value.utf8)
    var end = ledger.limits.labelValueBytes
    while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}

extension MetricsRegistry {
  /// A gauge that is read when somebody scrapes; nil leaves it out. The closure must be quick: it holds up the scrape.
  public func gauge(
    _ name: String, help: String, read: @escaping @Sendable () -> Double?
  ) throws(MetricsError) {
    try collect(name, .gauge, help: help) { samples in
      if let value = read() { samples.add(value) }
    }
  }

  /// A counter that is read when somebody scrapes, where something else does the counting.
  public func counter(
    _ name: String, help: String, read: @escaping @Sendable () -> Double?
  ) throws(MetricsError) {
    try collect(name, .counter, help: help) { samples in
      if let value = read() { samples.add(value) }
    }
  }

  /// A family whose samples a closure adds when somebody scrapes. The closure must be quick, and each combination of label values may
  /// occur once. Registering the name again keeps the first closure.
  /// - Parameter kind: `.gauge` or `.counter`.
  public func collect(
    _ name: String, _ kind: MetricKind = .gauge, help: String, labels: [Label] = [],
    read: @escaping @Sendable (inout MetricSamples) -> Void
  ) throws(MetricsError) {
    guard kind == .gauge || kind == .counter else {
      throw MetricsError(.invalidOptions, "metric '\(name)' is read from a closure: only gauges and counters can be")
    }
    _ = try register(name, help, kind, labels, .pulled) { [ledger] descriptor, shape in
      .pulled(PulledFamily(descriptor, shape, FamilyExtras(), ledger, read: read))
    }
  }

  /// A histogram whose series a closure adds when somebody scrapes, where something else does the counting. The closure must be
  /// quick. Registering the name again keeps the first closure.
  public func collectHistogram(
    _ name: String, help: String, labels: [Label] = [], buckets: Buckets = .durations,
    read: @escaping @Sendable (inout MetricSamples) -> Void
  ) throws(MetricsError) {
    if let problem = buckets.problem(limit: limits.buckets) {
      throw MetricsError(.invalidOptions, "metric '\(MetricsError.shown(name))': \(problem)")
    }
    let extras = FamilyExtras(bounds: BucketBounds(buckets))
    _ = try register(name, help, .histogram, labels, .pulledHistogram(buckets)) { [ledger] descriptor, shape in
      .pulled(PulledFamily(descriptor, shape, extras, ledger, read: read))
    }
  }
}
