/// Places and those who wait for one, first come first served. A value.
struct BulkheadMachine: Sendable {
  enum Admission: Sendable, Hashable { case entered, queued, full }

  let limit: Int
  let queueLimit: Int
  private(set) var inUse = 0
  private(set) var rejected: UInt64 = 0
  /// Waiters in order; those who left are still in it until they are passed.
  private var queue: [UInt64] = []
  private var head = 0
  private var waiting: Set<UInt64> = []

  init(limit: Int, queueLimit: Int) {
    self.limit = max(1, limit)
    self.queueLimit = max(0, queueLimit)
  }

  var queued: Int { waiting.count }

  mutating func enter(_ id: UInt64) -> Admission {
    if inUse < limit {
      inUse += 1
      return .entered
    }
    guard waiting.count < queueLimit else {
      rejected &+= 1
      return .full
    }
    tidy()
    queue.append(id)
    waiting.insert(id)
    return .queued
  }

  /// A waiter leaves. False if it has been given a place.
  mutating func leave(_ id: UInt64) -> Bool { waiting.remove(id) != nil }

  /// A place is free. It goes to whoever has waited longest.
  mutating func release() -> UInt64? {
    while head < queue.count {
      let id = queue[head]
      head += 1
      if waiting.remove(id) != nil { return id }
    }
    inUse -= 1
    return nil
  }

  /// Keeps the queue's memory within twice what waits.
  private mutating func tidy() {
    guard queue.count >= 2 * (waiting.count + 16) else { return }
    queue = queue[head...].filter { waiting.contains($0) }
    head = 0
  }
}
