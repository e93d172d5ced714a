import Synchronization

/// Which quantiles a summary tells, and over how long a time.
public struct SummaryOptions: Sendable, Hashable {
  /// Between 0 and 1.
  public var quantiles: [Double]
  /// Quantiles tell of at least this last time, and of at most one interval of reading more.
  public var window: Duration

  /// The median, and the 90th, 95th and 99th percentile of the last minute.
  public init(quantiles: [Double] = [0.5, 0.9, 0.95, 0.99], window: Duration = .seconds(60)) {
    self.quantiles = quantiles
    self.window = window
  }

  /// What is wrong with the options, or nil.
  var problem: String? {
    if quantiles.isEmpty || quantiles.count > 20 { return "a summary tells between 1 and 20 quantiles" }
    guard quantiles.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { return "a quantile is not between 0 and 1" }
    guard zip(quantiles, quantiles.dropFirst()).allSatisfy(<) else { return "the quantiles do not ascend" }
    return window > .zero ? nil : "the window of a summary is not above zero"
  }
}

/// Tells quantiles of observations over a sliding window, with a relative error of at most 0.8 %.
///
/// Each power of two is divided into 64 cells, which takes no logarithm: the cell is the upper bits of the Double (the idea of
/// HdrHistogram). It covers 10⁻⁹ to 1.7 · 10¹⁰; what is smaller, zero or negative counts as zero, what is larger as the largest.
/// A power of two that was observed takes 512 bytes, and as much for each snapshot of the window.
public final class Summary: Series, @unchecked Sendable {
  // because the cells are atomic and the snapshots are guarded by a lock.

  private let cells = SummaryCells()
  private let total: CellBlock
  private let options: SummaryOptions
  private let history = Mutex(SummaryWindow())
  private let ledger: Ledger

  init(_ seed: consuming SeriesSeed, _ options: SummaryOptions, _ ledger: Ledger) {
    total = CellBlock(count: 1, budget: ledger.stripes)
    self.options = options
    self.ledger = ledger
    super.init(seed)
  }

  /// Counts an observation. NaN is left out, and counted as rejected.
  @inline(never)  // See `ThreadCells.own`.
  public func observe(_ value: Double) {
    guard !value.isNaN else { return ledger.reject() }
    cells.count(value)
    if let own = total.own { own.pointee.addAlone(value) } else { total.shared.pointee.add(value) }
  }

  /// Counts a duration, in seconds.
  public func record(_ duration: Duration) { observe(duration.roughlyInSeconds) }

  override func read(into reading: inout SeriesReading) {
    let now = cells.snapshot()
    reading.form = .quantiles
    reading.count = now.count
    reading.sum = total.doubleTotal(0)
    reading.exemplars = []
    let recent = history.withLock { $0.advance(to: now, at: ledger.now(), window: options.window.inSeconds) }
    reading.quantiles = recent.quantiles(options.quantiles)
  }
}

/// The cells of a summary, a page for each power of two that was observed.
struct SummaryCells: ~Copyable, @unchecked Sendable {
  // because pages are published once, and every cell is atomic.

  static let octaves = 64
  static let cellsPerOctave = 64
  /// The exponent of the first octave, as a Double's bits carry it: 2⁻³⁰.
  private static let firstExponent = 1_023 - 30

  private typealias Page = Atomic<UnsafeMutableRawPointer?>
  private let pages: UnsafeMutablePointer<Page>
  private let low = Atomic<UInt64>(0)

  init() {
    pages = .allocate(capacity: SummaryCells.octaves)
    for octave in 0..<SummaryCells.octaves { (pages + octave).initialize(to: Atomic(nil)) }
  }

  deinit {
    for octave in 0..<SummaryCells.octaves { pages[octave].load(ordering: .acquiring)?.deallocate() }
    pages.deallocate()
  }

  func count(_ value: Double) {
    let bits = Int(bitPattern: UInt(truncatingIfNeeded: value.bitPattern >> 46))
    let cell = bits &- SummaryCells.firstExponent &* SummaryCells.cellsPerOctave
    guard value > 0, cell >= 0 else {
      low.wrappingAdd(1, ordering: .relaxed)
      return
    }
    let inside = min(cell, SummaryCells.octaves &* SummaryCells.cellsPerOctave &- 1)
    page(inside / SummaryCells.cellsPerOctave)[inside % SummaryCells.cellsPerOctave]
      .wrappingAdd(1, ordering: .relaxed)
  }

  func snapshot() -> SummarySnapshot {
    var snapshot = SummarySnapshot(low: low.load(ordering: .relaxed))
    for octave in 0..<SummaryCells.octaves {
      guard let page = pages[octave].load(ordering: .acquiring) else { continue }
      let cells = page.assumingMemoryBound(to: Atomic<UInt64>.self)
      snapshot.add(octave, (0..<SummaryCells.cellsPerOctave).map { cells[$0].load(ordering: .relaxed) })
    }
    return snapshot
  }

  /// The middle of a cell: what its observations are taken for.
  static func middle(_ cell: Int) -> Double {
    let lower = Double(bitPattern: UInt64(cell + firstExponent * cellsPerOctave) << 46)
    let upper = Double(bitPattern: UInt64(cell + 1 + firstExponent * cellsPerOctave) << 46)
    return (lower + upper) / 2
  }

  @inline(__always)
  private func page(_ octave: Int) -> Cells {
    if let page = pages[octave].load(ordering: .acquiring) { return page.assumingMemoryBound(to: Atomic<UInt64>.self) }
    return newPage(octave)
  }

  @inline(never)
  private func newPage(_ octave: Int) -> Cells {
    let bytes = SummaryCells.cellsPerOctave * 8
    let page = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    page.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    let (exchanged, original) = pages[octave].compareExchange(
      expected: nil, desired: page, ordering: .acquiringAndReleasing)
    guard !exchanged, let original else { return page.assumingMemoryBound(to: Atomic<UInt64>.self) }
    page.deallocate()
    return original.assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}
