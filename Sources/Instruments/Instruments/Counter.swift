public import Synchronization

/// Counts what happens. Only grows.
public final class Counter: Series, @unchecked Sendable {
  // because every stored property is atomic, immutable or guarded by a lock.

  @usableFromInline let whole = Atomic<UInt64>(0)
  @usableFromInline let widening: Widening
  private let fraction = Atomic<UInt64>(0)
  private let exemplars = Exemplars()
  private let ledger: Ledger

  init(_ seed: consuming SeriesSeed, _ ledger: Ledger) {
    widening = Widening(cells: 1, budget: ledger.stripes)
    self.ledger = ledger
    super.init(seed)
  }

  /// Counts one more, or several.
  @inlinable
  public func increment(by amount: UInt64 = 1) {
    let old = whole.load(ordering: .relaxed)
    guard widening.wide.load(ordering: .relaxed) == nil,
      whole.compareExchange(expected: old, desired: old &+ amount, ordering: .relaxed).exchanged
    else { return incrementWide(amount) }
  }

  @inline(never)
  @usableFromInline
  func incrementWide(_ amount: UInt64) {
    if let copy = widening.current {
      copy.pointee.wrappingAdd(amount, ordering: .relaxed)
    } else {
      whole.wrappingAdd(amount, ordering: .relaxed)
      widening.collided()
    }
  }

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
    Double(wholeTotal) + Double(bitPattern: fraction.load(ordering: .relaxed))
  }

  var isWide: Bool { widening.isWide }

  private var wholeTotal: UInt64 { whole.load(ordering: .relaxed) &+ widening.total(0) }

  override func read(into reading: inout SeriesReading) {
    let part = Double(bitPattern: fraction.load(ordering: .relaxed))
    reading.count = wholeTotal
    reading.form = part == 0 ? .whole : .number
    reading.value = Double(reading.count) + part
    reading.exemplars = exemplars.current
  }
}

/// Counts what comes and goes: requests in flight, connections. Exported as a gauge.
public final class UpDownCounter: Series, @unchecked Sendable {
  // because every stored property is atomic or immutable.

  @usableFromInline let whole = Atomic<UInt64>(0)
  @usableFromInline let widening: Widening

  init(_ seed: consuming SeriesSeed, _ ledger: Ledger) {
    widening = Widening(cells: 1, budget: ledger.stripes)
    super.init(seed)
  }

  /// One more, or several; a negative number takes away.
  @inlinable
  public func add(_ amount: Int) {
    let old = whole.load(ordering: .relaxed)
    let sum = old &+ UInt64(bitPattern: Int64(amount))
    guard widening.wide.load(ordering: .relaxed) == nil,
      whole.compareExchange(expected: old, desired: sum, ordering: .relaxed).exchanged
    else { return addWide(amount) }
  }

  /// One more.
  @inlinable
  public func increment() { add(1) }

  /// One less.
  @inlinable
  public func decrement() { add(-1) }

  @inline(never)
  @usableFromInline
  func addWide(_ amount: Int) {
    let bits = UInt64(bitPattern: Int64(amount))
    if let copy = widening.current {
      copy.pointee.wrappingAdd(bits, ordering: .relaxed)
    } else {
      whole.wrappingAdd(bits, ordering: .relaxed)
      widening.collided()
    }
  }

  /// How many there are.
  public var value: Int {
    Int(truncatingIfNeeded: whole.load(ordering: .relaxed) &+ widening.total(0))
  }

  override func read(into reading: inout SeriesReading) {
    reading.form = .number
    reading.value = Double(value)
  }
}
