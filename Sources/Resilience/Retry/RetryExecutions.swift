import Synchronization

/// The record of one call that was repeated, or asked to be recorded.
public struct RetryExecution: Sendable, Hashable {
  /// How far it is.
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// An attempt runs, or the next is waited for.
    case running
    /// It ended well.
    case succeeded
    /// It ended badly.
    case failed
  }

  /// One attempt that has ended.
  public struct Attempt: Sendable, Hashable {
    /// When it ended, counted from the beginning of the call.
    public let ended: Duration
    /// The type of its error; nil for a success.
    public let errorType: String?
    /// The wait planned after it; nil if there was none.
    public let wait: Duration?
  }

  /// Its number, which grows.
  public internal(set) var id: Int
  /// What is done.
  public let operation: String
  /// Where it goes.
  public let service: String?
  /// The name of the strategy.
  public let strategy: String
  /// What the caller says about it: the first 32 entries by name, each of up to 256 characters.
  public let metadata: [String: String]
  /// When it began: time since 1970.
  public let startedAt: Duration
  /// How far it is.
  public internal(set) var state: State = .running
  /// Its attempts, the first 50 of them.
  public internal(set) var attempts: [Attempt] = []
  /// Why there was no further attempt.
  public internal(set) var stop: RetryMachine.Stop?
  /// How long it took in all; nil while it runs.
  public internal(set) var duration: Duration?

  static let longestList = 50
  /// The most entries of metadata that are kept, and the most characters of each.
  static let mostMetadata = 32
  static let longestMetadata = 256

  /// Metadata as it is kept: the first entries by name, each cut.
  static func bounded(_ metadata: [String: String]) -> [String: String] {
    guard metadata.count > mostMetadata || metadata.contains(where: isTooLong) else { return metadata }
    return Dictionary(
      metadata.sorted { $0.key < $1.key }.prefix(mostMetadata)
        .map { (String($0.key.prefix(longestMetadata)), String($0.value.prefix(longestMetadata))) },
      uniquingKeysWith: { first, _ in first })
  }

  private static func isTooLong(_ key: String, _ value: String) -> Bool {
    key.utf8.count > longestMetadata || value.utf8.count > longestMetadata
  }

  mutating func end(_ stop: RetryMachine.Stop?, after duration: Duration) {
    state = stop == nil ? .succeeded : .failed
    self.stop = stop
    self.duration = duration
  }
}

/// The last calls that were repeated: a ring that forgets the oldest.
public final class RetryExecutions: Sendable {
  private struct State {
    var ring: [RetryExecution] = []
    var recorded = 0
  }

  /// How many are kept.
  public let capacity: Int
  private let state = Mutex(State())

  /// An empty ring.
  public init(capacity: Int = 1000) { self.capacity = max(1, capacity) }

  /// The record with this number; nil if it was never made or is forgotten.
  public func execution(_ id: Int) -> RetryExecution? {
    state.withLock { state in index(of: id, in: state).map { state.ring[$0] } }
  }

  /// The last records, the newest first.
  public func recent(_ count: Int) -> [RetryExecution] {
    state.withLock { state in
      let kept = min(max(0, count), state.ring.count)
      return (0..<kept).map { state.ring[(state.recorded - 1 - $0) % capacity] }.filter { $0.id > 0 }
    }
  }

  /// Forgets all of them. Numbers go on.
  public func removeAll() {
    state.withLock { state in
      for index in state.ring.indices { state.ring[index].id = 0 }
    }
  }

  func begin(_ execution: RetryExecution) -> Int {
    state.withLock { state in
      state.recorded += 1
      var execution = execution
      execution.id = state.recorded
      if state.ring.count < capacity {
        state.ring.append(execution)
      } else {
        state.ring[(state.recorded - 1) % capacity] = execution
      }
      return state.recorded
    }
  }

  func update(_ id: Int, _ change: (inout RetryExecution) -> Void) {
    state.withLock { state in
      guard let index = index(of: id, in: state) else { return }
      change(&state.ring[index])
    }
  }

  private func index(of id: Int, in state: State) -> Int? {
    guard id > 0, id <= state.recorded else { return nil }
    let index = (id - 1) % capacity
    return index < state.ring.count && state.ring[index].id == id ? index : nil
  }
}
