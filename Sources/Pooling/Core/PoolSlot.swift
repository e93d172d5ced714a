/// A connection of the pool: a place, and a number that tells its present holder from earlier ones of the same place.
/// What refers to an earlier one arrives late and is ignored.
@usableFromInline
struct ConnectionRef: Sendable, Hashable {
  let slot: Int
  let epoch: UInt32
}

/// One use of a connection. It ends once; a second end, or one after the connection was taken away, is ignored.
@usableFromInline
struct LeaseRef: Sendable, Hashable {
  @usableFromInline let slot: Int
  let serial: UInt32

  init(slot: Int, serial: UInt32) {
    self.slot = slot
    self.serial = serial
  }
}

/// One place for a connection.
struct PoolSlot: Sendable {
  /// Where a place is in its life; the drawing stands at `PoolCore`.
  enum State: UInt8, Sendable {
    /// No connection.
    case empty
    /// A connection is being opened. It counts as one.
    case connecting
    /// Open and unused; in the list of idle ones.
    case idle
    /// Open and being tried after a long idle time; nobody has it yet.
    case validating
    /// In use.
    case leased
    /// Being closed. It counts until that is done: the server still knows it.
    case closing
  }

  var state = State.empty
  /// It must not be given out again.
  var isDoomed: PoolCloseReason?
  /// Its user was reported.
  var isReported = false
  /// Its use counts as critical work.
  var isCritical = false
  /// It is being replaced, or was: it counts as one more than the limit allows, until it is gone.
  var isPaired = false
  /// Its successor is open; it is closed as soon as it is not used.
  var isSuperseded = false
  /// Neighbours in the list of idle ones; -1 for none.
  var newer: Int32 = -1
  var older: Int32 = -1
  /// The connection it replaces, or that replaces it, while that is being opened; -1 for none.
  var partner: Int32 = -1
  /// What tells connections apart that are near to different callers, such as the thread on which it lives; -1 for nothing.
  var affinity: Int32 = -1
  /// The tenant that uses it; -1 for none.
  var tenant: Int32 = -1
  var epoch: UInt32 = 0
  var serial: UInt32 = 0
  /// The pool's generation when it was begun to be opened.
  var generation: UInt32 = 0
  /// When the present state began.
  var since = PoolInstant(nanoseconds: 0)
  /// When it is to be replaced.
  var retireAt = PoolInstant.never
  /// Who uses it.
  var site = PoolSite(file: "", line: 0)

  /// One step instead of many: each write to an element of an array looks whether the array is shared.
  mutating func beginLease(isCritical: Bool, tenant: Int32, site: PoolSite, now: PoolInstant) -> UInt32 {
    state = .leased
    serial &+= 1
    since = now
    self.site = site
    self.tenant = tenant
    self.isCritical = isCritical
    isReported = false
    return serial
  }

  mutating func park(_ now: PoolInstant, after newest: Int32) {
    state = .idle
    since = now
    tenant = -1
    newer = -1
    older = newest
  }
}

/// The idle connections, from the one returned first to the one returned last: a list through the slots themselves.
struct IdleList: Sendable {
  private(set) var newest: Int32 = -1
  private(set) var oldest: Int32 = -1
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ slot: Int, _ now: PoolInstant, _ slots: inout [PoolSlot]) {
    slots[slot].park(now, after: newest)
    if newest >= 0 { slots[Int(newest)].newer = Int32(slot) } else { oldest = Int32(slot) }
    newest = Int32(slot)
    count += 1
  }

  mutating func remove(_ slot: Int, _ slots: inout [PoolSlot]) {
    let (newer, older) = (slots[slot].newer, slots[slot].older)
    if newer >= 0 { slots[Int(newer)].older = older } else { newest = older }
    if older >= 0 { slots[Int(older)].newer = newer } else { oldest = newer }
    count -= 1
  }
}
