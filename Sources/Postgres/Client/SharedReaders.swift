import MainstayPooling
import MainstayReactor
import Synchronization

/// Connections that many readers use at the same time. Each is taken from the pool for its first reader and given back after
/// its last one.
///
/// After a second a connection takes no new readers, so that the pool sees it again although there are always some: one
/// connection at a time, for its readers go to the others meanwhile. Where there is no other, readers wait in the pool's line
/// like everybody; the first of them that gets a connection shares it, and the others leave the line and join.
///
/// There is one for the readers on each reactor, so that threads do not wait for each other.
final class SharedReaders: Sendable {
  /// A connection that is shared. The lease ends with it.
  final class Shared: Sendable {
    private let lease: PoolLease<PostgresConnection>
    /// Until when it takes new readers.
    let closesAt: MonotonicInstant

    init(_ lease: consuming PoolLease<PostgresConnection>) {
      self.lease = lease
      closesAt = .now.advanced(by: SharedReaders.turn)
    }

    var connection: PostgresConnection { lease.connection }
  }

  private struct Place {
    let shared: Shared
    var readers: Int
    /// It takes no new readers.
    var isClosed = false
  }

  private struct State {
    var places: [Place] = []
    /// Readers in the pool's line.
    var waiting: [ObjectIdentifier: Attempt] = [:]

    /// Closes one that has been open for long, unless another one is just being given back.
    mutating func closeOldest(_ now: MonotonicInstant) {
      guard let index = places.firstIndex(where: { $0.shared.closesAt <= now }), !places.contains(where: \.isClosed)
      else { return }
      places[index].isClosed = true
    }

    /// How many take new readers.
    var open: Int { places.count { !$0.isClosed } }

    /// The place with the fewest readers.
    var fewest: Int? {
      var best: Int?
      for index in places.indices where !places[index].isClosed {
        if let best, places[best].readers <= places[index].readers { continue }
        best = index
      }
      return best
    }
  }

  /// A reader's wait in the pool's line, which it leaves when there is a place for it.
  private final class Attempt: Sendable {
    private let task: Task<Shared, any Error>
    private let isWithdrawn = Atomic(false)

    init(_ lease: @escaping @Sendable () async throws -> PoolLease<PostgresConnection>) {
      task = Task { Shared(try await lease()) }
    }

    /// The connection; nil if it left the line.
    var result: Shared? {
      get async throws {
        try await withTaskCancellationHandler {
          do {
            return try await task.value
          } catch {
            guard isWithdrawn.load(ordering: .acquiring), !Task.isCancelled else { throw error }
            return nil
          }
        } onCancel: {
          task.cancel()
        }
      }
    }

    func withdraw() {
      isWithdrawn.store(true, ordering: .releasing)
      task.cancel()
    }
  }

  /// Readers on each connection before another one is shared too.
  private static let crowd = 4
  /// How long a connection takes new readers.
  fileprivate static let turn = Duration.seconds(1)

  private let most: Int
  private let state = Mutex(State())

  /// - Parameter most: How many connections are shared at a time.
  init(most: Int) { self.most = most }

  /// A place on a shared connection.
  /// - Parameters:
  ///   - idle: Gives an idle connection, if there is one: where all shared ones are crowded.
  ///   - lease: Waits for a connection: where none is shared.
  nonisolated(nonsending) func place(
    idle: () -> PoolLease<PostgresConnection>?,
    lease: @escaping @Sendable () async throws -> PoolLease<PostgresConnection>
  ) async throws -> Shared {
    while true {
      if let shared = join() { return shared }
      if let lease = idle() { return open(Shared(lease)) }
      if let shared = join(alsoCrowded: true) { return shared }
      guard let attempt = wait(lease) else { continue }
      defer { state.withLock { _ = $0.waiting.removeValue(forKey: ObjectIdentifier(attempt)) } }
      if let shared = try await attempt.result { return open(shared) }
    }
  }

  /// A place beside the fewest others.
  /// - Parameter alsoCrowded: Whether one is wanted also where all are crowded and one more connection may be shared.
  func join(alsoCrowded: Bool = false) -> Shared? {
    let now = MonotonicInstant.now
    return state.withLock { state in
      state.closeOldest(now)
      guard let index = state.fewest else { return nil }
      if !alsoCrowded, state.places[index].readers >= Self.crowd, state.open < most { return nil }
      state.places[index].readers += 1
      return state.places[index].shared
    }
  }

  /// Shares a connection, unless enough are, and calls those who wait for one.
  private func open(_ shared: Shared) -> Shared {
    let called = state.withLock { state in
      guard state.open < most else { return [Attempt]() }
      state.places.append(Place(shared: shared, readers: 1))
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for attempt in called { attempt.withdraw() }
    return shared
  }

  /// Begins to wait in the pool's line; nil if there is a place meanwhile.
  private func wait(_ lease: @escaping @Sendable () async throws -> PoolLease<PostgresConnection>) -> Attempt? {
    state.withLock { state in
      guard state.places.allSatisfy(\.isClosed) else { return nil }
      let attempt = Attempt(lease)
      state.waiting[ObjectIdentifier(attempt)] = attempt
      return attempt
    }
  }

  /// Gives a place up. The last one gives the connection back.
  func leave(_ shared: Shared) {
    state.withLock { state in
      guard let index = state.places.firstIndex(where: { $0.shared === shared }) else { return }
      state.places[index].readers -= 1
      if state.places[index].readers == 0 { state.places.remove(at: index) }
    }
  }

  /// Takes a connection that is lost away from new readers.
  func drop(_ shared: Shared) {
    state.withLock { state in state.places.removeAll { $0.shared === shared } }
  }
}
