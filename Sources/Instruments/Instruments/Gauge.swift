import Synchronization

/// Holds a value that is set: a temperature, a queue's length, a share.
public final class Gauge: Series, @unchecked Sendable {
  // because every stored property is atomic or immutable.

  private let bits = Atomic<UInt64>(0)

  init(_ seed: consuming SeriesSeed, _ ledger: Ledger) { super.init(seed) }

  /// Sets the value.
  public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  /// Adds to the value.
  public func add(_ amount: Double) { bits.add(amount) }

  /// The value.
  public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

  override func read(into reading: inout SeriesReading) {
    reading.form = .number
    reading.value = value
  }
}
