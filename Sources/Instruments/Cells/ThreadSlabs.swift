import CThreadSlab
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Cells that one thread at a time writes to. A hot cell has the same place in every slab, and is the sum of them all.
struct Slab: @unchecked Sendable {
  // because the pointer never changes, and every cell behind it is atomic.

  let base: UnsafeMutableRawPointer

  init(base: UnsafeMutableRawPointer) { self.base = base }

  init?(address: UInt) {
    guard let base = UnsafeMutableRawPointer(bitPattern: address) else { return nil }
    self.base = base
  }

  @inline(__always)
  subscript(place: UInt32) -> Cells { base.assumingMemoryBound(to: Atomic<UInt64>.self) + Int(place) }

  /// The address of the slab that was made before this one, or 0. Kept where place 0 would be, which no cell has.
  var earlier: UInt {
    get { UInt(self[0].pointee.load(ordering: .relaxed)) }
    nonmutating set { self[0].pointee.store(UInt64(newValue), ordering: .relaxed) }
  }
}

/// The slabs of all threads. A thread has one from its first recording in a hot series until it ends; the next thread that takes the
/// slab goes on adding to what is there. The lock between the two orders their writes.
enum ThreadSlabs {
  /// Cells of a slab: 2 MB of addresses. Memory is taken by the page, as cells are written.
  static let cells = 1 << 18

  /// Threads that can have a slab at the same time; further ones record in the shared cells.
  static let limit = min(256, max(64, 4 * sysconf(processorsConfigured)))

  private struct State {
    var idle: [Slab] = []
    var made = 0
    /// The first place that was never reserved.
    var end = 1
    /// Places given back, by how many cells lie there.
    var free: [Int: [UInt32]] = [:]
  }

  private static let state = Mutex(State())
  /// Slabs that can still be had. Asked before the lock, by threads that found none left.
  private static let available = Atomic<Int>(limit)
  /// The address of the slab that was made last, or 0.
  private static let latest = Atomic<UInt>(0)
  /// Its destructor gives back the slab of a thread that ends.
  private static let key: pthread_key_t? = {
    var key = pthread_key_t()
    return pthread_key_create(&key) { giveBack($0) } == 0 ? key : nil
  }()

  /// All slabs, the latest first. They are never freed: they hold what ended threads have counted.
  @inline(__always)
  static func forEach(_ body: (Slab) -> Void) {
    var slab = Slab(address: latest.load(ordering: .acquiring))
    while let present = slab {
      body(present)
      slab = Slab(address: present.earlier)
    }
  }

  /// The slab of the calling thread, which gets one if there is one left.
  @inline(never)
  static func claim() -> Slab? {
    if let base = mainstay_thread_slab() { return Slab(base: base) }
    guard available.load(ordering: .relaxed) > 0, let key, let slab = take() else { return nil }
    guard pthread_setspecific(key, slab.base) == 0 else {
      giveBack(slab.base)
      return nil
    }
    mainstay_set_thread_slab(slab.base)
    return slab
  }

  private static func take() -> Slab? {
    state.withLock { state in
      guard let slab = state.idle.popLast() ?? make(&state) else { return nil }
      available.subtract(1, ordering: .relaxed)
      return slab
    }
  }

  private static func giveBack(_ base: UnsafeMutableRawPointer?) {
    guard let base else { return }
    // What the thread still records, in destructors that run after this one, begins anew.
    mainstay_set_thread_slab(nil)
    let slab = Slab(base: base)
    state.withLock { state in
      state.idle.append(slab)
      available.add(1, ordering: .relaxed)
    }
  }

  private static func make(_ state: inout State) -> Slab? {
    guard state.made < limit else { return nil }
    guard let base = map(cells * 8) else {
      // No address space is left. Not to be asked again: every recording of every thread without a slab would.
      available.subtract(limit - state.made, ordering: .relaxed)
      state.made = limit
      return nil
    }
    let slab = Slab(base: base)
    slab.earlier = latest.load(ordering: .relaxed)
    latest.store(UInt(bitPattern: base), ordering: .releasing)
    state.made += 1
    return slab
  }

  private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0)
    guard let memory, memory != UnsafeMutableRawPointer(bitPattern: -1) else { return nil }
    #if os(Linux)
      // A huge page would take all of it at the first write.
      madvise(memory, bytes, MADV_NOHUGEPAGE)
    #endif
    return memory
  }
}

extension ThreadSlabs {
  /// Reserves a place of so many cells, all zero in every slab. Nil if the slabs are full.
  static func reserve(_ count: Int) -> UInt32? {
    state.withLock { state in
      if let place = state.free[count]?.popLast() { return place }
      guard state.end + count <= cells else { return nil }
      defer { state.end += count }
      return UInt32(state.end)
    }
  }

  /// Gives back a place that no thread writes to any more.
  static func free(_ place: UInt32, _ count: Int) {
    forEach { slab in
      // Only what was written has memory.
      for cell in 0..<count where slab[place][cell].load(ordering: .relaxed) != 0 {
        slab[place][cell].store(0, ordering: .relaxed)
      }
    }
    state.withLock { $0.free[count, default: []].append(place) }
  }
}

#if canImport(Darwin)
  private let processorsConfigured = _SC_NPROCESSORS_CONF
#else
  private let processorsConfigured = Int32(_SC_NPROCESSORS_CONF)
#endif
