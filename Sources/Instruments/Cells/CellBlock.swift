import Synchronization

/// A block of 64-bit cells that begins as one copy and widens under contention.
struct CellBlock: ~Copyable, @unchecked Sendable {
  // because the pointer never changes, and every cell behind it is atomic.

  private let base: Cells
  private let widening: Widening

  init(count: Int, budget: StripeBudget) {
    widening = Widening(cells: count, budget: budget)
    base = Cells.allocate(capacity: count)
    for index in 0..<count { (base + index).initialize(to: Atomic(0)) }
  }

  deinit { base.deallocate() }

  /// The copy that the calling thread writes to.
  @inline(__always)
  var current: Cells { widening.current ?? base }

  /// Another thread was faster in the copy.
  func collided() { widening.collided() }

  var isWide: Bool { widening.isWide }

  /// The sum of one cell over all copies, as integers.
  func total(_ index: Int) -> UInt64 { base[index].load(ordering: .relaxed) &+ widening.total(index) }

  /// The sum of one cell over all copies, as Doubles.
  func doubleTotal(_ index: Int) -> Double {
    Double(bitPattern: base[index].load(ordering: .relaxed)) + widening.doubleTotal(index)
  }
}
