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

  private struct Entry {
    let value: String
    let size: Int
    let until: ContinuousClock.Instant
    var used: Int
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var statistics = Statistics()
    var tick = 0
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
      state.tick += 1
      guard let entry = state.entries[key] else {
        state.statistics.misses += 1
        return nil
      }
      guard now < entry.until else {
        Self.remove(key, from: &state)
        state.statistics.expired += 1
        state.statistics.misses += 1
        return nil
      }
      state.entries[key]?.used = state.tick
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
      Self.remove(key, from: &state)
      while state.entries.count >= capacity || state.statistics.bytes + size > mostBytes {
        guard let oldest = state.entries.min(by: { $0.value.used < $1.value.used })?.key else { break }
        Self.remove(oldest, from: &state)
        state.statistics.evicted += 1
      }
      state.tick += 1
      state.entries[key] = Entry(value: value, size: size, until: now.advanced(by: timeToLive), used: state.tick)
      state.statistics.entries = state.entries.count
      state.statistics.bytes += size
    }
  }

  /// Removes everything; how many entries there were.
  func clear() -> Int {
    state.withLock { state in
      let count = state.entries.count
      state.entries = [:]
      state.statistics.entries = 0
      state.statistics.bytes = 0
      return count
    }
  }

  private static func remove(_ key: String, from state: inout State) {
    guard let entry = state.entries.removeValue(forKey: key) else { return }
    state.statistics.bytes -= entry.size
    state.statistics.entries = state.entries.count
  }
}
