public import Synchronization

/// The further copies of a block of 64-bit cells: none until threads have collided on the first, then one a processor.
///
/// They are published once and freed with the owner, so a writer needs no lock. Before them stands a line that says how many there are
/// and how far apart: a writer finds its copy without asking for anything else.
@usableFromInline
struct Widening: ~Copyable, @unchecked Sendable {
  // because the pointer is set once, and every cell behind it is atomic.

  @usableFromInline let wide = Atomic<UnsafeMutableRawPointer?>(nil)
  private let collisions = Atomic<UInt32>(0)
  private let cells: UInt32
  private let budget: StripeBudget

  /// - Parameter cells: Cells in a copy.
  init(cells: Int, budget: StripeBudget) {
    self.cells = UInt32(clamping: cells)
    self.budget = budget
  }

  deinit {
    guard let wide = wide.load(ordering: .acquiring) else { return }
    wide.deallocate()
    budget.give(bytes)
  }

  var isWide: Bool { wide.load(ordering: .relaxed) != nil }

  /// The copy that the calling thread writes to, if there is one.
  @inline(__always)
  var current: Cells? {
    guard let wide = wide.load(ordering: .acquiring) else { return nil }
    let layout = wide.assumingMemoryBound(to: Layout.self).pointee
    return Widening.copy(Stripes.current(layout.count), layout, wide)
  }

  /// The sum of one cell over the further copies, as integers.
  func total(_ index: Int) -> UInt64 {
    guard let wide = wide.load(ordering: .acquiring) else { return 0 }
    let layout = wide.assumingMemoryBound(to: Layout.self).pointee
    var sum: UInt64 = 0
    for stripe in 0..<layout.count { sum &+= Widening.copy(stripe, layout, wide)[index].load(ordering: .relaxed) }
    return sum
  }

  /// The sum of one cell over the further copies, as Doubles.
  func doubleTotal(_ index: Int) -> Double {
    guard let wide = wide.load(ordering: .acquiring) else { return 0 }
    let layout = wide.assumingMemoryBound(to: Layout.self).pointee
    var sum = 0.0
    for stripe in 0..<layout.count {
      sum += Double(bitPattern: Widening.copy(stripe, layout, wide)[index].load(ordering: .relaxed))
    }
    return sum
  }

  /// Another thread was faster. Widens the block when that happens again and again.
  @inline(never)
  func collided() {
    guard !isWide, collisions.wrappingAdd(1, ordering: .relaxed).newValue == Stripes.patience else { return }
    guard budget.take(bytes) else { return }
    let copies = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Widening.line)
    copies.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    copies.storeBytes(of: Layout(count: Stripes.count, stride: stride), as: Layout.self)
    wide.store(copies, ordering: .releasing)
  }

  /// What stands before the copies.
  private struct Layout {
    /// A power of two.
    let count: Int
    let stride: Int
  }

  // Two cache lines: processors fetch them in pairs.
  private static let line = 128

  private var stride: Int { (Int(cells) &* 8 &+ 127) & ~127 }
  private var bytes: Int { Widening.line + stride * Stripes.count }

  @inline(__always)
  private static func copy(_ stripe: Int, _ layout: Layout, _ wide: UnsafeMutableRawPointer) -> Cells {
    (wide + (line &+ stripe &* layout.stride)).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}
