import Synchronization

/// Renderings that can be given again: bounded in entries and in bytes, each for a limited time; the least recently used
/// one goes first.
final class RenderCache: Sendable {
  /// What the cache has done. Every look-up is a hit or a miss; an expired entry is a miss.
  struct Statistics: Sendable, Equatable {
    var entries = 0
    var bytes = 0
    var hits = 0
    var misses = 0
    var expired = 0
    var evicted = 0
    /// Renderings that were too large to be kept.
    var refused = 0
  }

  fileprivate struct Entry {
    let key: String
    let value: String
    let size: Int
    let until: ContinuousClock.Instant
    /// The places of the neighbours in the order of use.
    var newer: Int?
    var older: Int?
  }

  /// Entries in the order of their last use, so that the one to go is known at once.
  fileprivate struct State {
    var places: [String: Int] = [:]
    var entries: [Entry?] = []
    var free: [Int] = []
    var newest: Int?
    var oldest: Int?
    var statistics = Statistics()
  }

  let capacity: Int
  let mostBytes: Int
  let timeToLive: Duration
  private let state = Mutex(State())

  init(capacity: Int, mostBytes: Int, timeToLive: Duration) {
    self.capacity = capacity
    self.mostBytes = mostBytes
    self.timeToLive = timeToLive
  }

  var isEnabled: Bool { capacity > 0 && mostBytes > 0 && timeToLive > .zero }

  var statistics: Statistics { state.withLock { $0.statistics } }

  func value(for key: String, at now: ContinuousClock.Instant) -> String? {
    state.withLock { state in
      guard let place = state.places[key], let entry = state.entries[place] else {
        state.statistics.misses += 1
        return nil
      }
      guard now < entry.until else {
        state.remove(place)
        state.statistics.expired += 1
        state.statistics.misses += 1
        return nil
      }
      state.unlink(place)
      state.linkNewest(place)
      state.statistics.hits += 1
      return entry.value
    }
  }

  func keep(_ value: String, for key: String, at now: ContinuousClock.Instant) {
    let size = value.utf8.count + key.utf8.count + 64
    state.withLock { state in
      guard size <= mostBytes / 4 else {
        state.statistics.refused += 1
        return
      }
      if let place = state.places[key] { state.remove(place) }
      while state.places.count >= capacity || state.statistics.bytes + size > mostBytes {
        guard let oldest = state.oldest else { break }
        state.remove(oldest)
        state.statistics.evicted += 1
      }
      state.insert(Entry(key: key, value: value, size: size, until: now.advanced(by: timeToLive)))
    }
  }

  /// Removes everything; how many entries there were.
  func clear() -> Int {
    state.withLock { state in
      let count = state.places.count
      var statistics = state.statistics
      (statistics.entries, statistics.bytes) = (0, 0)
      state = State(statistics: statistics)
      return count
    }
  }
}

extension RenderCache.State {
  fileprivate mutating func insert(_ entry: RenderCache.Entry) {
    let place = free.popLast() ?? entries.count
    if place == entries.count { entries.append(entry) } else { entries[place] = entry }
    places[entry.key] = place
    linkNewest(place)
    statistics.entries = places.count
    statistics.bytes += entry.size
  }

  fileprivate mutating func remove(_ place: Int) {
    guard let entry = entries[place] else { return }
    unlink(place)
    entries[place] = nil
    free.append(place)
    places[entry.key] = nil
    statistics.entries = places.count
    statistics.bytes -= entry.size
  }

  fileprivate mutating func linkNewest(_ place: Int) {
    entries[place]?.older = newest
    entries[place]?.newer = nil
    if let newest { entries[newest]?.newer = place }
    newest = place
    if oldest == nil { oldest = place }
  }

  fileprivate mutating func unlink(_ place: Int) {
    guard let entry = entries[place] else { return }
    if let newer = entry.newer { entries[newer]?.older = entry.older } else { newest = entry.older }
    if let older = entry.older { entries[older]?.newer = entry.newer } else { oldest = entry.newer }
  }
}
