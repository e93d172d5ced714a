/// Timers in the order in which they fall due: a binary heap, with cancellation by leaving the entry behind. A value.
struct TimerHeap<Payload: Sendable>: Sendable {
  /// One timer: the place of its payload, and a number that is never given again.
  struct ID: Sendable, Hashable {
    fileprivate let slot: Int
    fileprivate let number: UInt64
  }

  private struct Entry {
    let due: ContinuousClock.Instant
    let id: ID
  }

  private struct Slot {
    /// The timer it belongs to; that of a timer that is over until the next one takes it.
    var number: UInt64
    var payload: Payload?
  }

  private var heap: [Entry] = []
  private var slots: [Slot] = []
  private var free: [Int] = []
  private var lastNumber: UInt64 = 0

  init() {}

  /// How many timers are set.
  var count: Int { slots.count - free.count }

  /// When the next timer falls due, in the best knowledge: cancelled ones may count until they are cleared away.
  var next: ContinuousClock.Instant? { count == 0 ? nil : heap.first?.due }

  /// Sets a timer.
  mutating func insert(_ payload: Payload, due: ContinuousClock.Instant) -> ID {
    lastNumber &+= 1
    let slot = free.popLast() ?? slots.count
    if slot == slots.count {
      slots.append(Slot(number: lastNumber, payload: payload))
    } else {
      slots[slot] = Slot(number: lastNumber, payload: payload)
    }
    let id = ID(slot: slot, number: lastNumber)
    heap.append(Entry(due: due, id: id))
    siftUp(heap.count - 1)
    return id
  }

  /// Takes a timer out; nil if it has fallen due or was cancelled.
  mutating func cancel(_ id: ID) -> Payload? {
    let payload = take(id)
    if count == 0 {
      clear()
    } else if heap.count > 64, heap.count > 4 * count {
      // Entries left behind never outnumber the timers by more than three to one.
      heap = heap.filter { isLive($0.id) }
      for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }
    return payload
  }

  /// Takes out what has fallen due, the earliest first.
  mutating func takeDue(at now: ContinuousClock.Instant) -> [Payload] {
    var due: [Payload] = []
    while let first = heap.first, first.due <= now || !isLive(first.id) {
      removeFirst()
      if let payload = take(first.id) { due.append(payload) }
    }
    return due
  }

  private func isLive(_ id: ID) -> Bool {
    id.slot < slots.count && slots[id.slot].number == id.number && slots[id.slot].payload != nil
  }

  private mutating func take(_ id: ID) -> Payload? {
    guard isLive(id) else { return nil }
    free.append(id.slot)
    return slots[id.slot].payload.take()
  }

  /// Nothing is set. Memory of a time when there was a lot is given back.
  private mutating func clear() {
    heap.removeAll(keepingCapacity: heap.count <= 1024)
    guard slots.count > 1024 else { return }
    slots = []
    free = []
  }

  private mutating func removeFirst() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    siftDown(0)
  }

  private mutating func siftUp(_ start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard heap[index].due < heap[parent].due else { return }
      heap.swapAt(index, parent)
      index = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var index = start
    while true {
      let left = 2 * index + 1
      guard left < heap.count else { return }
      let right = left + 1
      let least = right < heap.count && heap[right].due < heap[left].due ? right : left
      guard heap[least].due < heap[index].due else { return }
      heap.swapAt(index, least)
      index = least
    }
  }
}
