/// What is kept of each client: the instant at which its next request is due. As many clients as the capacity says; one
/// more, and the client that was quiet for longest is forgotten, as if it had never sent anything.
///
/// A dictionary into a slab of entries that are linked from the most to the least recently seen, so that every step
/// takes constant time.
struct RateLimitTable<Key: Hashable & Sendable>: Sendable {
  private struct Entry {
    var key: Key
    var due: ContinuousClock.Instant
    var newer: Int?
    var older: Int?
  }

  /// The largest number of clients.
  let capacity: Int
  /// How many clients were forgotten to make room.
  private(set) var evictions = 0

  private var positions: [Key: Int] = [:]
  private var entries: [Entry] = []
  private var newest: Int?
  private var oldest: Int?

  init(capacity: Int) { self.capacity = max(1, capacity) }

  /// How many clients are known.
  var count: Int { entries.count }

  /// When the next request of a client is due; nil if the client is not known.
  func due(_ key: Key) -> ContinuousClock.Instant? { positions[key].map { entries[$0].due } }

  /// The clients, the one seen last first.
  var keys: [Key] {
    var keys: [Key] = []
    var position = newest
    while let current = position {
      keys.append(entries[current].key)
      position = entries[current].older
    }
    return keys
  }

  /// Decides on a request of a client and keeps what follows from it.
  mutating func decide(
    _ key: Key, _ limit: RateLimit, now: ContinuousClock.Instant
  ) -> RateLimit.Decision {
    let (decision, due) = limit.decide(due: due(key), now: now)
    set(key, due)
    return decision
  }

  private mutating func set(_ key: Key, _ due: ContinuousClock.Instant) {
    guard let position = positions[key] else { return insert(key, due) }
    entries[position].due = due
    unlink(position)
    link(position)
  }

  private mutating func insert(_ key: Key, _ due: ContinuousClock.Instant) {
    let entry = Entry(key: key, due: due)
    guard entries.count == capacity, let position = oldest else {
      entries.append(entry)
      positions[key] = entries.count - 1
      return link(entries.count - 1)
    }
    evictions += 1
    unlink(position)
    positions[entries[position].key] = nil
    entries[position] = entry
    positions[key] = position
    link(position)
  }

  private mutating func link(_ position: Int) {
    entries[position].newer = nil
    entries[position].older = newest
    if let newest { entries[newest].newer = position }
    newest = position
    oldest = oldest ?? position
  }

  private mutating func unlink(_ position: Int) {
    let (newer, older) = (entries[position].newer, entries[position].older)
    if let newer { entries[newer].older = older } else { newest = older }
    if let older { entries[older].newer = newer } else { oldest = newer }
  }
}
