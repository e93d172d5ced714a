import Synchronization

/// Zeroed 64-bit atomic cells that live until they are freed.
typealias Cells = UnsafeMutablePointer<Atomic<UInt64>>

/// Bytes that the threads' own cells may take for the hot series of one registry. When they are spent, further series stay with one
/// cell: slower, never wrong.
final class StripeBudget: Sendable {
  private let left: Atomic<Int>

  init(bytes: Int) { left = Atomic(bytes) }

  func take(_ bytes: Int) -> Bool {
    if left.subtract(bytes, ordering: .relaxed).newValue >= 0 { return true }
    give(bytes)
    return false
  }

  func give(_ bytes: Int) { left.add(bytes, ordering: .relaxed) }
}

extension Atomic where Value == UInt64 {
  /// Adds to a cell that no other thread writes to. It need not be one atomic step, so it costs a quarter of one.
  @inline(__always)
  borrowing func addAlone(_ amount: UInt64) {
    store(load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  /// Adds to the Double whose bits the cell holds, if no other thread writes to it.
  @inline(__always)
  borrowing func addAlone(_ amount: Double) {
    store((Double(bitPattern: load(ordering: .relaxed)) + amount).bitPattern, ordering: .relaxed)
  }

  /// Adds to the Double whose bits the cell holds.
  borrowing func add(_ amount: Double) {
    var old = load(ordering: .relaxed)
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let (exchanged, original) = compareExchange(expected: old, desired: new, ordering: .relaxed)
      if exchanged { return }
      old = original
    }
  }
}
