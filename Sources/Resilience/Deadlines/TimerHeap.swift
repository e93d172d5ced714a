/// Timers in the order in which they fall due: a binary heap with cancellation by leaving the entry behind. A value.
struct TimerHeap<Payload: Sendable>: Sendable {
  struct Entry: Sendable {
    let due: ContinuousClock.Instant
    let id: UInt64
  }

  private var heap: [Entry] = []
  private var live: [UInt64: Payload] = [:]
  private var lastID: UInt64 = 0

  init() {}

  /// How many timers are set.
  var count: Int { live.count }

  /// When the next timer falls due, in the best knowledge: cancelled ones may count until they are cleared away.
  var next: ContinuousClock.Instant? { live.isEmpty ? nil : heap.first?.due }

  /// Sets a timer.
  mutating func insert(_ payload: Payload, due: ContinuousClock.Instant) -> UInt64 {
    lastID &+= 1
    live[lastID] = payload
    heap.append(Entry(due: due, id: lastID))
    siftUp(heap.count - 1)
    return lastID
  }

  /// Takes a timer out; nil if it has fallen due or was cancelled.
  mutating func cancel(_ id: UInt64) -> Payload? {
    let payload = live.removeValue(forKey: id)
    if live.isEmpty {
      heap.removeAll(keepingCapacity: heap.count <= 1024)
    } else if heap.count > 64, heap.count > 4 * live.count {
      // Entries left behind never outnumber the timers by more than three to one.
      heap = heap.filter { live[$0.id] != nil }.sorted { $0.due < $1.due }
    }
    return payload
  }

  /// Takes out what has fallen due, the earliest first.
  mutating func takeDue(at now: ContinuousClock.Instant) -> [Payload] {
    var due: [Payload] = []
    while let first = heap.first {
      let isLive = live[first.id] != nil
      guard first.due <= now || !isLive else { break }
      removeFirst()
      if let payload = live.removeValue(forKey: first.id) { due.append(payload) }
    }
    return due
  }

  private mutating func removeFirst() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    siftDown()
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

  private mutating func siftDown() {
    var index = 0
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
