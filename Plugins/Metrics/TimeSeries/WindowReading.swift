import MainstayInstruments

/// Gathers the series of one group over a window, and makes them one number.
struct WindowReading: Sendable {
  private let kind: MetricKind
  private let columns: [FamilySnapshot.Column]
  private let aggregation: Aggregation
  private var samples: [Double] = []
  private var latest: [Double] = []
  /// What was added to each column; nil until a series has told something.
  private var increases: [Double]?

  init(_ kind: MetricKind, _ columns: [FamilySnapshot.Column], _ selector: MetricSelector) {
    self.kind = kind
    self.columns = columns
    aggregation = selector.aggregation
  }

  mutating func add(_ ring: SeriesRing, _ ticks: ClosedRange<Int>, wasBorn: Bool) {
    if kind == .gauge || aggregation == .last {
      samples += ring.samples(0, ticks)
      if let value = ring.latest(0, ticks) { latest.append(value) }
      return
    }
    let added = columns.indices.map { ring.increase($0, ticks, wasBorn: wasBorn) }
    guard added.contains(where: { $0 != nil }) else { return }
    let before = increases ?? columns.map { _ in 0 }
    increases = zip(before, added).map { $0 + ($1 ?? 0) }
  }

  /// The number; nil if there were no samples, or nothing that the number could be made of.
  func result(over seconds: Double) -> Double? {
    if kind == .gauge || aggregation == .last { return ofSamples }
    guard let increases else { return nil }
    let count = observations(increases)
    switch aggregation {
    case .increase, .count: return count
    case .rate: return count / seconds
    case .sum: return kind == .counter ? count : sum(increases)
    case .avg: return count > 0 ? sum(increases) / count : nil
    case .quantile(let share): return quantile(share, increases)
    case .above(let bound): return above(bound, increases)
    case .min, .max, .last: return nil
    }
  }

  private var ofSamples: Double? {
    guard !latest.isEmpty else { return nil }
    switch aggregation {
    case .sum, .last: return latest.reduce(0, +)
    case .avg: return samples.reduce(0, +) / Double(samples.count)
    case .min: return samples.min()
    case .max: return samples.max()
    case .count: return Double(latest.count)
    case .quantile(let share):
      let sorted = samples.sorted()
      let position = share * Double(sorted.count - 1)
      let lower = Int(position.rounded(.down))
      let upper = Int(position.rounded(.up))
      return sorted[lower] + (sorted[upper] - sorted[lower]) * (position - Double(lower))
    case .rate, .increase, .above: return nil
    }
  }

  private func observations(_ increases: [Double]) -> Double {
    zip(columns, increases).reduce(0) { sum, entry in
      switch entry.0 {
      case .value, .bucket, .count: sum + entry.1
      case .quantile, .sum: sum
      }
    }
  }

  private func sum(_ increases: [Double]) -> Double {
    zip(columns, increases).first { $0.0 == .sum }?.1 ?? 0
  }

  private func above(_ bound: Double, _ increases: [Double]) -> Double {
    zip(columns, increases).reduce(0) { sum, entry in
      if case .bucket(let upper) = entry.0, upper > bound { sum + entry.1 } else { sum }
    }
  }

  /// As PromQL's `histogram_quantile`: linear within the bucket, the largest bound for what is above all bounds.
  private func quantile(_ share: Double, _ increases: [Double]) -> Double? {
    let total = observations(increases)
    guard total > 0 else { return nil }
    let rank = share * total
    var passed = 0.0
    var lower = 0.0
    for (column, count) in zip(columns, increases) {
      guard case .bucket(let upper) = column else { continue }
      if passed + count >= rank, count > 0 {
        if upper == .infinity { return lower }
        let start = upper <= 0 ? upper : lower
        return start + (upper - start) * (rank - passed) / count
      }
      passed += count
      if upper.isFinite { lower = upper }
    }
    return lower
  }
}
