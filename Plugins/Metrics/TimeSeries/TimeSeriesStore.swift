import MainstayInstruments

/// How finely and how long samples are kept.
struct RetentionTier: Sendable, Hashable {
  /// Seconds from sample to sample.
  let step: Double
  /// How many of them.
  let points: Int

  /// Seconds that it reaches back.
  var span: Double { step * Double(points) }

  /// The nearest tick: samples are taken at multiples of the step, or a little later.
  func tick(at time: Double) -> Int { Int((time / step).rounded()) }
}

/// The recent past of watched families, in memory under a budget: a pure value; times are seconds since 1970.
struct TimeSeriesStore: Sendable {
  let tiers: [RetentionTier]
  /// Bytes that the samples may take.
  let budget: Int
  private(set) var bytes = 0
  /// Series that were not kept at the last tick, because the budget was spent.
  private(set) var refused = 0
  private(set) var latest: Double?
  private var families: [String: KeptFamily] = [:]
  private var lastTick: [Int]

  private struct KeptFamily: Sendable {
    var descriptor: MetricDescriptor
    var columns: [FamilySnapshot.Column]
    var series: [[String]: KeptSeries] = [:]
  }

  private struct KeptSeries: Sendable {
    /// Whether it appeared while the store already watched.
    let wasBorn: Bool
    var rings: [SeriesRing]
  }

  /// - Parameter tiers: From fine to coarse.
  init(tiers: [RetentionTier], budget: Int) {
    self.tiers = tiers
    self.budget = budget
    lastTick = tiers.map { _ in .min }
  }

  /// Series kept.
  var count: Int { families.values.reduce(0) { $0 + $1.series.count } }

  func descriptor(of metric: String) -> MetricDescriptor? { families[metric]?.descriptor }

  /// Keeps a sample of each series.
  mutating func record(_ snapshots: [FamilySnapshot], at now: Double) {
    guard now.isFinite, now.magnitude < 1e12 else { return }
    let ticks = tiers.map { $0.tick(at: now) }
    let due = tiers.indices.filter { ticks[$0] > lastTick[$0] }
    guard !due.isEmpty else { return }
    refused = 0
    let isFirst = latest == nil
    for snapshot in snapshots { record(snapshot, due, ticks, wasBorn: !isFirst) }
    for tier in due { lastTick[tier] = ticks[tier] }
    latest = now
    forgetOld(Set(snapshots.map(\.descriptor.familyName)))
  }

  private mutating func record(_ snapshot: FamilySnapshot, _ due: [Int], _ ticks: [Int], wasBorn: Bool) {
    let name = snapshot.descriptor.familyName
    // A family that began only now to be watched is not one whose series began only now.
    let wasWatched = families[name] != nil
    if families[name]?.columns != snapshot.columns || families[name]?.descriptor.labels != snapshot.descriptor.labels {
      forget(name)
      families[name] = KeptFamily(descriptor: snapshot.descriptor, columns: snapshot.columns)
    }
    let size = bytesOfSeries(snapshot.columns.count)
    for series in snapshot.series {
      if families[name]?.series[series.labelValues] == nil {
        guard bytes + size <= budget else {
          refused += 1
          continue
        }
        bytes += size
        let rings = tiers.map { SeriesRing(columns: snapshot.columns.count, capacity: $0.points) }
        families[name]?.series[series.labelValues] = KeptSeries(wasBorn: wasBorn && wasWatched, rings: rings)
      }
      for tier in due {
        families[name]?.series[series.labelValues]?.rings[tier].record(series.numbers, at: ticks[tier])
      }
    }
  }

  private func bytesOfSeries(_ columns: Int) -> Int {
    tiers.reduce(256) { $0 + SeriesRing.bytes(columns: columns, capacity: $1.points) }
  }

  private mutating func forget(_ name: String) {
    guard let family = families.removeValue(forKey: name) else { return }
    bytes -= family.series.count * bytesOfSeries(family.columns.count)
  }

  /// Series of which nothing is left at any resolution, and families that are there no more. One that is there without series is kept, so
  /// that its first series counts from zero.
  private mutating func forgetOld(_ present: Set<String>) {
    for (name, family) in families {
      let size = bytesOfSeries(family.columns.count)
      for (values, series) in family.series {
        let isOld = tiers.indices.allSatisfy { series.rings[$0].last <= lastTick[$0] - tiers[$0].points }
        guard isOld else { continue }
        families[name]?.series[values] = nil
        bytes -= size
      }
      if families[name]?.series.isEmpty == true, !present.contains(name) { families[name] = nil }
    }
  }
}

extension TimeSeriesStore {
  /// One number for each group of series, over a window that ends at a time. Groups without samples are absent: nothing is not zero.
  func evaluate(_ selector: MetricSelector, at time: Double) throws(QueryError) -> [[String]: Double] {
    guard let family = families[selector.family] else { return [:] }
    if let problem = selector.aggregation.problem(with: family.descriptor.kind) {
      throw QueryError("metric '\(selector.metric)': \(problem)")
    }
    if case .above(let bound) = selector.aggregation, !family.columns.contains(.bucket(bound)) {
      let bounds = family.columns.compactMap { if case .bucket(let bound) = $0, bound.isFinite { bound } else { nil } }
      let known = bounds.map(Aggregation.number).joined(separator: ", ")
      throw QueryError("metric '\(selector.metric)' has no bound \(Aggregation.number(bound)); it has: \(known)")
    }
    let names = family.descriptor.labels.map(\.name)
    for name in selector.groupBy + selector.labels.keys.sorted() where !names.contains(name) {
      let known = names.isEmpty ? "it has no labels" : "it has: \(names.joined(separator: ", "))"
      throw QueryError("metric '\(selector.metric)' has no label '\(name)'; \(known)")
    }
    guard time.magnitude < 1e12, selector.window > 0, selector.window < 1e9 else {
      throw QueryError("the window must be above 0 s, and the time one that people live in")
    }
    guard let tier = tier(reaching: time - selector.window) else { return [:] }
    let step = tiers[tier].step
    let end = tiers[tier].tick(at: time)
    let ticks = end - max(1, Int((selector.window / step).rounded())) + 1...end
    var groups: [[String]: WindowReading] = [:]
    for (values, series) in family.series where selector.matches(names, values) {
      let key = selector.groupBy.map { name in names.firstIndex(of: name).map { values[$0] } ?? "" }
      groups[key, default: WindowReading(family.descriptor.kind, family.columns, selector)]
        .add(series.rings[tier], ticks, wasBorn: series.wasBorn)
    }
    return groups.compactMapValues { $0.result(over: Double(ticks.count) * step) }
  }

  /// How many numbers are looked at to evaluate a selector once.
  func work(_ selector: MetricSelector) -> Double {
    guard let family = families[selector.family] else { return 0 }
    let ticks = tiers.map { min(Double($0.points), selector.window / $0.step + 1) }.max() ?? 1
    return Double(family.series.count) * (Double(family.columns.count) * ticks + selector.matchingWork)
  }

  /// The finest resolution that reaches back so far; the coarsest if none does.
  private func tier(reaching start: Double) -> Int? {
    guard let latest else { return nil }
    return tiers.firstIndex { latest - $0.span <= start } ?? tiers.indices.last
  }
}
