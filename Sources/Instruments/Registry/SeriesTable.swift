/// The series of a family, found by their label values: an open-addressing table over the keys that the series hold.
struct SeriesTable: Sendable {
  /// In the order of their creation.
  private(set) var series: [Series] = []
  /// The hash in the upper half, the place in `series` plus one in the lower; 0 is free.
  private var slots: [UInt64] = Array(repeating: 0, count: 8)

  func find(_ key: UnsafeRawBufferPointer, _ hash: UInt32) -> Series? {
    let mask = slots.count &- 1
    var slot = Int(hash) & mask
    while true {
      let entry = slots[slot]
      if entry == 0 { return nil }
      if UInt32(truncatingIfNeeded: entry >> 32) == hash {
        let candidate = series[Int(UInt32(truncatingIfNeeded: entry)) &- 1]
        if SeriesTable.equal(candidate.identity.key, key) { return candidate }
      }
      slot = (slot &+ 1) & mask
    }
  }

  mutating func insert(_ new: Series) {
    series.append(new)
    if series.count * 4 > slots.count * 3 {
      rebuild(slots.count * 2)
    } else {
      place(series.count, new.identity.hash)
    }
  }

  /// Removes the series with that key.
  mutating func remove(_ key: UnsafeRawBufferPointer) -> Bool {
    guard let index = series.firstIndex(where: { SeriesTable.equal($0.identity.key, key) }) else { return false }
    series.remove(at: index)
    rebuild(slots.count)
    return true
  }

  private mutating func rebuild(_ size: Int) {
    slots = Array(repeating: 0, count: size)
    for (index, entry) in series.enumerated() { place(index + 1, entry.identity.hash) }
  }

  private mutating func place(_ number: Int, _ hash: UInt32) {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = UInt64(hash) << 32 | UInt64(UInt32(truncatingIfNeeded: number))
  }

  @inline(__always)
  private static func equal(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
    guard one.count == other.count else { return false }
    var offset = 0
    while offset &+ 8 <= one.count {
      let same =
        one.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        == other.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      if !same { return false }
      offset &+= 8
    }
    while offset < one.count {
      if one[offset] != other[offset] { return false }
      offset &+= 1
    }
    return true
  }
}
