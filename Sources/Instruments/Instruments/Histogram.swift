import Synchronization

/// Counts observations in buckets: how long, how large. Durations are in seconds.
public final class Histogram: Series, @unchecked Sendable {
  // because the cells are atomic and everything else is immutable or guarded by a lock.

  /// The sum, then one cell a bucket.
  private let cells: CellBlock
  private let bounds: BucketBounds
  private let exemplars = Exemplars()
  private let ledger: Ledger

  init(_ seed: consuming SeriesSeed, _ bounds: BucketBounds, _ ledger: Ledger) {
    cells = CellBlock(count: bounds.count + 1, budget: ledger.stripes)
    self.bounds = bounds
    self.ledger = ledger
    super.init(seed)
  }

  /// Counts an observation. NaN is left out, and counted as rejected: it would make the sum NaN for ever.
  @inline(never)  // See `ThreadCells.own`.
  public func observe(_ value: Double) {
    guard !value.isNaN else { return ledger.reject() }
    let cell = bounds.bucket(of: value) &+ 1
    if let own = cells.own {
      own[cell].addAlone(1 as UInt64)
      own.pointee.addAlone(value)
    } else {
      cells.shared[cell].wrappingAdd(1, ordering: .relaxed)
      cells.shared.pointee.add(value)
    }
  }

  /// Counts a duration, in seconds.
  public func record(_ duration: Duration) { observe(duration.roughlyInSeconds) }

  /// Counts a duration, in seconds.
  public func record(nanoseconds: UInt64) { observe(Double(nanoseconds) * 1e-9) }

  /// Counts an observation and keeps the trace as the bucket's example.
  public func observe(_ value: Double, traceID: String) {
    observe(value)
    guard value.isFinite else { return }
    exemplars.keep(traceID, value, at: bounds.bucket(of: value), of: bounds.count, now: ledger.now())
  }

  /// Counts how long the body takes, also when it throws.
  public func time<Result, C: Clock>(
    _ clock: C, _ body: () throws -> Result
  ) rethrows -> Result where C.Duration == Duration {
    let start = clock.now
    defer { record(start.duration(to: clock.now)) }
    return try body()
  }

  /// Counts how long the body takes, also when it throws.
  public nonisolated(nonsending) func time<Result, C: Clock>(
    _ clock: C, _ body: () async throws -> Result
  ) async rethrows -> Result where C.Duration == Duration {
    let start = clock.now
    defer { record(start.duration(to: clock.now)) }
    return try await body()
  }

  /// How many observations there were.
  public var count: UInt64 { (1...bounds.count).reduce(0) { $0 &+ cells.total($1) } }

  /// The sum of all observations.
  public var sum: Double { cells.doubleTotal(0) }

  var isHot: Bool { cells.isHot }

  // The count is derived from the buckets, so that `+Inf` and `_count` agree in every scrape; only the sum may be some
  // observations ahead or behind.
  override func read(into reading: inout SeriesReading) {
    reading.form = .buckets
    reading.buckets.removeAll(keepingCapacity: true)
    reading.count = 0
    for index in 1...bounds.count {
      let count = cells.total(index)
      reading.buckets.append(count)
      reading.count &+= count
    }
    reading.sum = cells.doubleTotal(0)
    reading.exemplars = exemplars.current
  }
}

extension Duration {
  /// The duration in seconds, as metrics have them.
  public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }

  /// The same for the hot path, to the last bits: dividing 128 bits takes longer than all else there.
  var roughlyInSeconds: Double {
    let low = Double(UInt64(truncatingIfNeeded: attoseconds)) * 1e-18
    return low + Double(Int64(truncatingIfNeeded: attoseconds >> 64)) * 18.446_744_073_709_551_616
  }
}
