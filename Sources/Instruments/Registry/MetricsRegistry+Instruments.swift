extension MetricsRegistry {
  /// A counter without labels. The name may end with `_total` or not; it is exported with it.
  public func counter(_ name: String, help: String) throws(MetricsError) -> Counter {
    try unlabelled(counter(name, help: help, labels: []))
  }

  /// Counters by label values.
  public func counter(_ name: String, help: String, labels: [Label]) throws(MetricsError) -> Family<Counter> {
    try family(name, help, .counter, labels, .counter) { seed, ledger in Counter(seed, ledger) }
  }

  /// An up-down counter without labels, exported as a gauge.
  public func upDownCounter(_ name: String, help: String) throws(MetricsError) -> UpDownCounter {
    try unlabelled(upDownCounter(name, help: help, labels: []))
  }

  /// Up-down counters by label values.
  public func upDownCounter(
    _ name: String, help: String, labels: [Label]
  ) throws(MetricsError) -> Family<UpDownCounter> {
    try family(name, help, .gauge, labels, .upDownCounter) { seed, ledger in UpDownCounter(seed, ledger) }
  }

  /// A gauge without labels.
  public func gauge(_ name: String, help: String) throws(MetricsError) -> Gauge {
    try unlabelled(gauge(name, help: help, labels: []))
  }

  /// Gauges by label values.
  public func gauge(_ name: String, help: String, labels: [Label]) throws(MetricsError) -> Family<Gauge> {
    try family(name, help, .gauge, labels, .gauge) { seed, ledger in Gauge(seed, ledger) }
  }

  /// A histogram without labels.
  public func histogram(
    _ name: String, help: String, buckets: Buckets = .durations
  ) throws(MetricsError) -> Histogram {
    try unlabelled(histogram(name, help: help, labels: [], buckets: buckets))
  }

  /// Histograms by label values.
  public func histogram(
    _ name: String, help: String, labels: [Label], buckets: Buckets = .durations
  ) throws(MetricsError) -> Family<Histogram> {
    if let problem = buckets.problem(limit: limits.buckets) {
      throw MetricsError(.invalidOptions, "metric '\(MetricsError.shown(name))': \(problem)")
    }
    let bounds = BucketBounds(buckets)
    return try family(name, help, .histogram, labels, .histogram(buckets), FamilyExtras(bounds: bounds)) {
      seed, ledger in
      Histogram(seed, bounds, ledger)
    }
  }

  /// A histogram of durations in seconds. The name ends with `_seconds`.
  public func timer(_ name: String, help: String, buckets: Buckets = .durations) throws(MetricsError) -> Histogram {
    try unlabelled(timer(name, help: help, labels: [], buckets: buckets))
  }

  /// Histograms of durations in seconds by label values. The name ends with `_seconds`.
  public func timer(
    _ name: String, help: String, labels: [Label], buckets: Buckets = .durations
  ) throws(MetricsError) -> Family<Histogram> {
    guard name.hasSuffix("_seconds") else {
      let message = "the timer '\(MetricsError.shown(name))' counts seconds: its name must end with '_seconds'"
      throw MetricsError(.invalidName, message)
    }
    return try histogram(name, help: help, labels: labels, buckets: buckets)
  }

  /// A summary without labels.
  public func summary(
    _ name: String, help: String, options: SummaryOptions = SummaryOptions()
  ) throws(MetricsError) -> Summary {
    try unlabelled(summary(name, help: help, labels: [], options: options))
  }

  /// Summaries by label values.
  public func summary(
    _ name: String, help: String, labels: [Label], options: SummaryOptions = SummaryOptions()
  ) throws(MetricsError) -> Family<Summary> {
    if let problem = options.problem {
      throw MetricsError(.invalidOptions, "metric '\(MetricsError.shown(name))': \(problem)")
    }
    let extras = FamilyExtras(quantiles: options.quantiles)
    return try family(name, help, .summary, labels, .summary(options), extras) { seed, ledger in
      Summary(seed, options, ledger)
    }
  }

  private func unlabelled<Instrument>(_ family: Family<Instrument>) -> Instrument { family.labels([]) }

  private func family<Instrument: Series>(
    _ name: String, _ help: String, _ kind: MetricKind, _ labels: [Label], _ instrument: FamilyShape.Instrument,
    _ extras: FamilyExtras = FamilyExtras(), _ make: @escaping @Sendable (consuming SeriesSeed, Ledger) -> Instrument
  ) throws(MetricsError) -> Family<Instrument> {
    let entry = try register(name, help, kind, labels, instrument) { descriptor, shape in
      .kept(FamilyCore(descriptor, shape, extras, ledger) { [ledger] seed in make(seed, ledger) })
    }
    guard case .kept(let core) = entry else {
      throw MetricsError(.conflict, "metric '\(name)' is already read from a closure")
    }
    return Family(core)
  }
}
