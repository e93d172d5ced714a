import Synchronization

/// A block of 64-bit cells: one that all threads share, and once it is hot, one of its own for each thread that records.
struct CellBlock: ~Copyable, @unchecked Sendable {
  // because the pointer never changes, and every cell behind it is atomic.

  /// What threads without cells of their own write to: by atomic additions only.
  let shared: Cells
  private let threads = ThreadCells()
  private let count: Int
  private let budget: StripeBudget

  init(count: Int, budget: StripeBudget) {
    self.count = count
    self.budget = budget
    shared = Cells.allocate(capacity: count)
    for index in 0..<count { (shared + index).initialize(to: Atomic(0)) }
  }

  deinit {
    threads.end(count, budget)
    shared.deallocate()
  }

  /// The cells that only the calling thread writes to; nil if the shared ones are to be used. Asked for once a recording, by functions
  /// that are never inlined: see `ThreadCells.own`.
  @inline(__always)
  var own: Cells? { threads.own ?? threads.claim(count, budget) }

  var isHot: Bool { threads.isHot }

  /// The sum of one cell, as integers.
  func total(_ index: Int) -> UInt64 { shared[index].load(ordering: .relaxed) &+ threads.total(index) }

  /// The sum of one cell, as Doubles.
  func doubleTotal(_ index: Int) -> Double {
    Double(bitPattern: shared[index].load(ordering: .relaxed)) + threads.doubleTotal(index)
  }
}

/// One cell for whole numbers, where a carry is dropped: negative amounts in two's complement add up as well. For series that there
/// are many of: the owner keeps the budget.
struct CountCell: ~Copyable {
  private let shared = Atomic<UInt64>(0)
  private let threads = ThreadCells()

  /// Adds to the calling thread's own cell; false if it has none. For functions that are never inlined: see `ThreadCells.own`.
  @inline(__always)
  func addAlone(_ amount: UInt64) -> Bool {
    guard let own = threads.own else { return false }
    own.pointee.addAlone(amount)
    return true
  }

  /// Adds, whatever cells there are.
  @inline(__always)
  func add(_ amount: UInt64, _ budget: @autoclosure () -> StripeBudget) {
    if let own = threads.claim(1, budget()) {
      own.pointee.addAlone(amount)
    } else {
      shared.wrappingAdd(amount, ordering: .relaxed)
    }
  }

  var isHot: Bool { threads.isHot }

  var total: UInt64 { shared.load(ordering: .relaxed) &+ threads.total(0) }

  /// The owner calls it when it is freed.
  func end(_ budget: StripeBudget) { threads.end(1, budget) }
}
