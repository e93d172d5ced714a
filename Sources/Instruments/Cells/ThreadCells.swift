import CThreadSlab
import Synchronization

/// The cells of a block in the threads' slabs: none until the block is hot.
///
/// An atomic addition costs 5 ns, and 12 when two threads fight over the cell; an addition by the only thread that writes there
/// costs 1 to 2. So a series that is recorded often gets a cell in each thread's slab. Other series keep to one shared cell.
struct ThreadCells: ~Copyable {
  /// Recordings after which a block is hot. Where threads fight over a cell, that is a matter of microseconds.
  static let patience: UInt32 = 4_096

  /// 0 while the block is cold.
  private let place = Atomic<UInt32>(0)
  private let recordings = Atomic<UInt32>(0)

  /// What a block takes of the budget: as if every slab were in use.
  static func bytes(_ count: Int) -> Int { count * 8 * ThreadSlabs.limit }

  /// The cells of the calling thread, if it has any.
  ///
  /// Only for functions that are never inlined: an async function that has the address of a thread's variable may keep it beyond
  /// an await, after which it may run on another thread.
  @inline(__always)
  var own: Cells? {
    let place = place.load(ordering: .acquiring)
    guard place != 0, let slab = mainstay_thread_slab() else { return nil }
    return Slab(base: slab)[place]
  }

  /// For a recording that found no cells of its own: gets them, if the block is hot and there is a slab for the thread. The budget is
  /// only asked for when it is needed: to retain it each time would make threads fight over its count.
  @inline(__always)
  func claim(_ count: Int, _ budget: @autoclosure () -> StripeBudget) -> Cells? {
    let place = place.load(ordering: .acquiring)
    if place != 0 { return ThreadSlabs.claim()?[place] }
    // Threads may overwrite each other's number here, which only takes longer: none gets past the patience without meeting it.
    let number = recordings.load(ordering: .relaxed) &+ 1
    recordings.store(number, ordering: .relaxed)
    if number % ThreadCells.patience == 0 { warm(count, budget()) }
    return nil
  }

  var isHot: Bool { place.load(ordering: .relaxed) != 0 }

  /// The sum of one cell over all slabs, as integers.
  func total(_ index: Int) -> UInt64 {
    var sum: UInt64 = 0
    forEach { sum &+= $0[index].load(ordering: .relaxed) }
    return sum
  }

  /// The sum of one cell over all slabs, as Doubles.
  func doubleTotal(_ index: Int) -> Double {
    var sum = 0.0
    forEach { sum += Double(bitPattern: $0[index].load(ordering: .relaxed)) }
    return sum
  }

  /// Gives back what was claimed. The owner calls it when it is freed: no thread records any more.
  func end(_ count: Int, _ budget: StripeBudget) {
    let place = place.load(ordering: .acquiring)
    guard place != 0 else { return }
    ThreadSlabs.free(place, count)
    budget.give(ThreadCells.bytes(count))
  }

  // Without budget or room the block stays cold, and asks again after as many recordings.
  @inline(never)
  private func warm(_ count: Int, _ budget: StripeBudget) {
    guard budget.take(ThreadCells.bytes(count)) else { return }
    guard let new = ThreadSlabs.reserve(count) else { return budget.give(ThreadCells.bytes(count)) }
    let isFirst = place.compareExchange(expected: 0, desired: new, ordering: .acquiringAndReleasing).exchanged
    if isFirst { return }
    ThreadSlabs.free(new, count)
    budget.give(ThreadCells.bytes(count))
  }

  @inline(__always)
  private func forEach(_ body: (Cells) -> Void) {
    let place = place.load(ordering: .acquiring)
    if place != 0 { ThreadSlabs.forEach { body($0[place]) } }
  }
}
