/// The counts of a summary at one moment.
struct SummarySnapshot: Sendable {
  private(set) var low: UInt64
  private(set) var count: UInt64
  private var octaves: [(octave: Int, cells: [UInt64])] = []

  init(low: UInt64) {
    self.low = low
    count = low
  }

  mutating func add(_ octave: Int, _ cells: [UInt64]) {
    octaves.append((octave, cells))
    for cell in cells { count &+= cell }
  }

  /// What came after an earlier snapshot.
  func since(_ earlier: SummarySnapshot) -> SummarySnapshot {
    var difference = SummarySnapshot(low: low &- earlier.low)
    for (octave, cells) in octaves {
      if let before = earlier.octaves.first(where: { $0.octave == octave }) {
        difference.add(octave, zip(cells, before.cells).map { $0 &- $1 })
      } else {
        difference.add(octave, cells)
      }
    }
    return difference
  }

  /// The values below which the given shares of the observations lie; NaN without observations.
  func quantiles(_ wanted: [Double]) -> [Double] {
    guard count > 0 else { return wanted.map { _ in .nan } }
    var result: [Double] = []
    var passed = low
    var cells = octaves.lazy.flatMap { entry in
      entry.cells.indices.lazy.map { (entry.octave * SummaryCells.cellsPerOctave + $0, entry.cells[$0]) }
    }.makeIterator()
    var value = 0.0
    for quantile in wanted {
      let rank = max(1, (quantile * Double(count)).rounded(.up))
      while Double(passed) < rank, let (cell, count) = cells.next() {
        if count == 0 { continue }
        passed &+= count
        value = SummaryCells.middle(cell)
      }
      result.append(value)
    }
    return result
  }
}

/// Snapshots of a summary, so that quantiles tell of the last time only. Advanced by whoever reads.
struct SummaryWindow: Sendable {
  private var past: [(time: Double, snapshot: SummarySnapshot)] = []
  /// Snapshots kept: readings that come faster than a sixth of the window share one.
  private static let steps = 6.0

  /// Takes a reading, and returns what came within the window: since the youngest snapshot that is as old as the window, or
  /// since the beginning.
  mutating func advance(to snapshot: SummarySnapshot, at time: Double, window: Double) -> SummarySnapshot {
    while past.count > 1, past[1].time <= time - window { past.removeFirst() }
    // A clock that was set back: begin anew rather than keep snapshots of the future.
    if let last = past.last, last.time > time { past.removeAll() }
    let base = past.first.flatMap { $0.time <= time - window ? $0.snapshot : nil }
    if time - (past.last?.time ?? -.infinity) >= window / SummaryWindow.steps { past.append((time, snapshot)) }
    return base.map { snapshot.since($0) } ?? snapshot
  }
}
