public import Synchronization

/// Event type → channel, read without a lock: open addressing over the addresses of the types. Entries are never
/// removed; a table that has been outgrown stays allocated until the bus goes, since a reader may still be in it.
@usableFromInline
final class EventChannelTable: @unchecked Sendable {
  // because readers see only what was published by a releasing store, and writers are serialised by the bus's lock.

  /// Word 0 is the mask; then, for each slot, the type and its channel.
  @usableFromInline typealias Words = UnsafeMutablePointer<Atomic<UInt>>

  @usableFromInline let words: Atomic<UnsafeMutablePointer<Atomic<UInt>>>
  private var tables: [(words: Words, slots: Int)] = []
  private var channels: [(key: UInt, channel: AnyObject)] = []

  init() {
    let first = EventChannelTable.table(slots: 32)
    words = Atomic(first)
    tables = [(first, 32)]
  }

  deinit {
    for table in tables {
      table.words.deinitialize(count: 1 + 2 * table.slots)
      table.words.deallocate()
    }
  }

  private static func table(slots: Int) -> Words {
    let words = Words.allocate(capacity: 1 + 2 * slots)
    (words + 0).initialize(to: Atomic(UInt(slots - 1)))
    for index in 1...(2 * slots) { (words + index).initialize(to: Atomic(0)) }
    return words
  }

  @inlinable
  static func slot(of key: UInt, mask: UInt) -> UInt { ((key >> 4) &* 0x9E37_79B9_7F4A_7C15) >> 32 & mask }

  /// The channel of a type, unretained: it lives as long as the table.
  @inlinable
  func find(_ key: UInt) -> UnsafeRawPointer? {
    let words = words.load(ordering: .acquiring)
    let mask = words[0].load(ordering: .relaxed)
    var slot = EventChannelTable.slot(of: key, mask: mask)
    while true {
      let found = words[Int(1 &+ 2 &* slot)].load(ordering: .acquiring)
      if found == key { return UnsafeRawPointer(bitPattern: words[Int(2 &+ 2 &* slot)].load(ordering: .relaxed)) }
      if found == 0 { return nil }
      slot = (slot &+ 1) & mask
    }
  }

  /// Adds a channel and keeps it. The caller holds the bus's lock.
  func insert(_ key: UInt, _ channel: AnyObject) {
    channels.append((key, channel))
    let slots = tables.last?.slots ?? 0
    if channels.count * 2 > slots {
      grow(to: slots * 2)
    } else {
      put(key, channel, into: words.load(ordering: .relaxed))
    }
  }

  private func grow(to slots: Int) {
    let larger = EventChannelTable.table(slots: slots)
    for entry in channels { put(entry.key, entry.channel, into: larger) }
    tables.append((larger, slots))
    words.store(larger, ordering: .releasing)
  }

  private func put(_ key: UInt, _ channel: AnyObject, into words: Words) {
    let mask = words[0].load(ordering: .relaxed)
    var slot = EventChannelTable.slot(of: key, mask: mask)
    while words[Int(1 + 2 * slot)].load(ordering: .relaxed) != 0 { slot = (slot + 1) & mask }
    words[Int(2 + 2 * slot)].store(UInt(bitPattern: Unmanaged.passUnretained(channel).toOpaque()), ordering: .relaxed)
    words[Int(1 + 2 * slot)].store(key, ordering: .releasing)
  }
}
