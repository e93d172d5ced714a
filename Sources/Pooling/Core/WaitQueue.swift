/// One waiter: a seat in the waiting room, and a number that tells it from others who had the seat.
@usableFromInline
struct WaiterRef: Sendable, Hashable {
  let seat: Int
  let serial: UInt32
}

/// The waiting room: first come, first served within a class; between classes, whoever came first when each class is
/// given a head start of `ageing` over the one below.
///
/// A seat stays taken after its waiter was answered, until the runner has taken the answer away (`vacate`).
struct WaitQueue: Sendable {
  struct Seat: Sendable {
    var isWaiting = false
    var serial: UInt32 = 0
    var next: Int32 = -1
    var previous: Int32 = -1
    var priority = PoolPriority.normal
    var tenant: Int32 = -1
    var since = PoolInstant(nanoseconds: 0)
    var deadline = PoolInstant.never
    var site = PoolSite(file: "", line: 0)
  }

  private(set) var seats: [Seat] = []
  private var vacant: [Int32] = []
  private var heads: (Int32, Int32, Int32, Int32) = (-1, -1, -1, -1)
  private var tails: (Int32, Int32, Int32, Int32) = (-1, -1, -1, -1)
  private var counts: (Int, Int, Int, Int) = (0, 0, 0, 0)
  /// How many wait.
  private(set) var count = 0
  /// No waiter's deadline is earlier.
  private(set) var nextDeadline = PoolInstant.never

  var isEmpty: Bool { count == 0 }

  /// How many wait in a class.
  func count(of priority: PoolPriority) -> Int {
    switch priority {
    case .low: counts.0
    case .normal: counts.1
    case .high: counts.2
    case .critical: counts.3
    }
  }

  subscript(_ waiter: WaiterRef) -> Seat { seats[waiter.seat] }

  /// Whether the waiter still waits.
  func isWaiting(_ waiter: WaiterRef) -> Bool {
    seats.indices.contains(waiter.seat) && seats[waiter.seat].serial == waiter.serial && seats[waiter.seat].isWaiting
  }

  mutating func append(
    _ priority: PoolPriority, tenant: Int32, site: PoolSite, since: PoolInstant, deadline: PoolInstant
  ) -> WaiterRef {
    let seat: Int
    if let spare = vacant.popLast() {
      seat = Int(spare)
    } else {
      seat = seats.count
      seats.append(Seat())
    }
    let last = self[tail: priority]
    seats[seat].isWaiting = true
    seats[seat].next = -1
    seats[seat].previous = last
    seats[seat].priority = priority
    seats[seat].tenant = tenant
    seats[seat].since = since
    seats[seat].deadline = deadline
    seats[seat].site = site
    if last >= 0 { seats[Int(last)].next = Int32(seat) } else { self[head: priority] = Int32(seat) }
    self[tail: priority] = Int32(seat)
    change(priority, by: 1)
    nextDeadline = min(nextDeadline, deadline)
    return WaiterRef(seat: seat, serial: seats[seat].serial)
  }

  /// Takes a waiter out of the order; it keeps its seat until `vacate`.
  mutating func remove(_ seat: Int) {
    let (next, previous, priority) = (seats[seat].next, seats[seat].previous, seats[seat].priority)
    if previous >= 0 { seats[Int(previous)].next = next } else { self[head: priority] = next }
    if next >= 0 { seats[Int(next)].previous = previous } else { self[tail: priority] = previous }
    seats[seat].isWaiting = false
    change(priority, by: -1)
    if count == 0 { nextDeadline = .never }
  }

  /// Gives the seat of an answered waiter free.
  mutating func vacate(_ waiter: WaiterRef) {
    seats[waiter.seat].serial &+= 1
    vacant.append(Int32(waiter.seat))
  }

  func ref(_ seat: Int) -> WaiterRef { WaiterRef(seat: seat, serial: seats[seat].serial) }

  /// The seat of whoever is next, among those who may be served.
  func next(ageing: Int64, mayServe: (PoolPriority, Int32) -> Bool) -> Int? {
    var best: Int?
    var bestTime = Int64.max
    for priority in PoolPriority.allCases.reversed() where count(of: priority) > 0 {
      var seat = self[head: priority]
      // The heads of the queue may be of a tenant that has its share already.
      while seat >= 0, !mayServe(priority, seats[Int(seat)].tenant) { seat = seats[Int(seat)].next }
      guard seat >= 0 else { continue }
      let headStart = ageing.multipliedReportingOverflow(by: Int64(priority.rawValue))
      let time = seats[Int(seat)].since - PoolInstant(nanoseconds: headStart.overflow ? .max : headStart.partialValue)
      // The more urgent class comes first in this loop and wins a tie.
      if time < bestTime { (best, bestTime) = (Int(seat), time) }
    }
    return best
  }

  /// The newest waiter of the least urgent class that is less urgent than the given one.
  func lastBelow(_ priority: PoolPriority) -> Int? {
    for lower in PoolPriority.allCases where lower < priority {
      let seat = self[tail: lower]
      if seat >= 0 { return Int(seat) }
    }
    return nil
  }

  /// The waiters whose deadline has passed; looks at all of them, which is why it is asked only when one is due.
  mutating func expired(_ now: PoolInstant) -> [Int] {
    guard now >= nextDeadline else { return [] }
    var due: [Int] = []
    var next = PoolInstant.never
    for seat in seats.indices where seats[seat].isWaiting {
      if seats[seat].deadline <= now { due.append(seat) } else { next = min(next, seats[seat].deadline) }
    }
    nextDeadline = next
    return due
  }

  /// Everybody who waits, in no order.
  var all: [Int] { seats.indices.filter { seats[$0].isWaiting } }

  private mutating func change(_ priority: PoolPriority, by difference: Int) {
    count += difference
    switch priority {
    case .low: counts.0 += difference
    case .normal: counts.1 += difference
    case .high: counts.2 += difference
    case .critical: counts.3 += difference
    }
  }

  private subscript(head priority: PoolPriority) -> Int32 {
    get { Self.read(heads, priority) }
    set { Self.write(newValue, &heads, priority) }
  }

  private subscript(tail priority: PoolPriority) -> Int32 {
    get { Self.read(tails, priority) }
    set { Self.write(newValue, &tails, priority) }
  }

  private static func read(_ four: (Int32, Int32, Int32, Int32), _ priority: PoolPriority) -> Int32 {
    switch priority {
    case .low: four.0
    case .normal: four.1
    case .high: four.2
    case .critical: four.3
    }
  }

  private static func write(_ value: Int32, _ four: inout (Int32, Int32, Int32, Int32), _ priority: PoolPriority) {
    switch priority {
    case .low: four.0 = value
    case .normal: four.1 = value
    case .high: four.2 = value
    case .critical: four.3 = value
    }
  }
}
