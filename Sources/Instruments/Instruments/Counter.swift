import Synchronization

/// Counts what happens. Only grows.
public final class Counter: Series, @unchecked Sendable {
  // because every stored property is atomic, immutable or guarded by a lock.

  private let whole = CountCell()
  private let fraction = Atomic<UInt64>(0)
  private let exemplars = Exemplars()
  private let ledger: Ledger

  init(_ seed: consuming SeriesSeed, _ ledger: Ledger) {
    self.ledger = ledger
    super.init(seed)
  }

  deinit { whole.end(ledger.stripes) }

  /// Counts one more, or several.
  @inline(never)  // See `ThreadCells.own`.
  public func increment(by amount: UInt64 = 1) {
    if !whole.addAlone(amount) { incrementShared(amount) }
  }

  // By itself, so that the usual way needs no stack and no counting of references.
  @inline(never)
  private func incrementShared(_ amount: UInt64) { whole.add(amount, ledger.stripes) }

  /// Adds an amount that need not be whole: money, seconds. What is negative or not finite is left out, and counted as rejected.
  public func add(_ amount: Double) {
    guard amount.isFinite, amount >= 0 else { return ledger.reject() }
    if amount < 9_007_199_254_740_992, amount == amount.rounded(.towardZero) {
      increment(by: UInt64(amount))
    } else {
      fraction.add(amount)
    }
  }

  /// Counts one more or several, and keeps the trace as an example.
  public func increment(by amount: UInt64 = 1, traceID: String) {
    increment(by: amount)
    exemplars.keep(traceID, Double(amount), at: 0, of: 1, now: ledger.now())
  }

  /// What has been counted.
  public var value: Double {
    Double(whole.total) + Double(bitPattern: fraction.load(ordering: .relaxed))
  }

  var isHot: Bool { whole.isHot }

  override func read(into reading: inout SeriesReading) {
    let part = Double(bitPattern: fraction.load(ordering: .relaxed))
    reading.count = whole.total
    reading.form = part == 0 ? .whole : .number
    reading.value = Double(reading.count) + part
    reading.exemplars = exemplars.current
  }
}

/// Counts what comes and goes: requests in flight, connections. Exported as a gauge.
public final class UpDownCounter: Series, @unchecked Sendable {
  // because every stored property is atomic or immutable.

  private let whole = CountCell()
  private let stripes: StripeBudget

  init(_ seed: consuming SeriesSeed, _ ledger: Ledger) {
    stripes = ledger.stripes
    super.init(seed)
  }

  deinit { whole.end(stripes) }

  /// One more, or several; a negative number takes away.
  @inline(never)  // See `ThreadCells.own`.
  public func add(_ amount: Int) {
    let bits = UInt64(bitPattern: Int64(amount))
    if !whole.addAlone(bits) { addShared(bits) }
  }

  @inline(never)
  private func addShared(_ bits: UInt64) { whole.add(bits, stripes) }

  /// One more.
  public func increment() { add(1) }

  /// One less.
  public func decrement() { add(-1) }

  /// How many there are. Of what other threads record meanwhile, some may be in it and some not, whichever came first.
  public var value: Int { Int(truncatingIfNeeded: whole.total) }

  var isHot: Bool { whole.isHot }

  override func read(into reading: inout SeriesReading) {
    reading.form = .number
    reading.value = Double(value)
  }
}
