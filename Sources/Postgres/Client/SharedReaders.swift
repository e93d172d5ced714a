import MainstayPooling
import MainstayReactor
import Synchronization

/// Connections that many readers use at the same time. Each is taken from the pool for its first reader and given back after
/// its last one.
///
/// After a second a connection takes no new readers, so that the pool sees it again although there are always some: one
/// connection at a time, for its readers go to the others meanwhile; one with a read that lasts is not waited for. Where there is no other, readers wait in the pool's line
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
    var waiting: [ObjectIdentifier: PoolWithdrawal] = [:]
    /// Places of readers who leave the line, counted already: however long they take, they need not wait once more.
    var kept: [ObjectIdentifier: Shared] = [:]

    /// Closes one that has been open for long, unless another one is just being given back, or there could be none in its
    /// stead.
    mutating func closeOldest(_ now: MonotonicInstant, most: Int) {
      guard let index = places.firstIndex(where: { !$0.isClosed && $0.shared.closesAt <= now }),
        places.count < 2 * most,
        !places.contains(where: { $0.isClosed && now < $0.shared.closesAt.advanced(by: SharedReaders.turn) })
      else { return }
      places[index].isClosed = true
    }

    /// Whether one more connection may be shared. Those with reads that last come on top, up to as many again.
    func mayOpen(_ most: Int) -> Bool { open < most && places.count < 2 * most }

    private var open: Int { places.count { !$0.isClosed } }

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

  /// Readers on each connection before another one is shared too.
  private static let crowd = 4
  /// How long a connection takes new readers.
  private static let turn = Duration.seconds(1)

  private let most: Int
  private let full: Int
  private let state = Mutex(State())

  /// - Parameters:
  ///   - most: How many connections are shared at a time.
  ///   - full: How many readers a connection takes at a time.
  init(most: Int, full: Int) {
    self.most = most
    self.full = max(1, full)
  }

  /// A place on a shared connection.
  /// - Parameters:
  ///   - idle: Gives an idle connection, if there is one: where all shared ones are crowded. Beside a connection that is
  ///     shared already, only one that is near is of use: one of another reactor would cost more than it brings, and its
  ///     own readers would have to take one of this reactor in its stead.
  ///   - lease: Waits for a connection: where none is shared. Gives nil if it is withdrawn.
  nonisolated(nonsending) func place(
    idle: (_ onlyNear: Bool) -> PoolLease<PostgresConnection>?,
    lease: nonisolated(nonsending) (PoolWithdrawal) async throws -> PoolLease<PostgresConnection>?
  ) async throws -> Shared {
    while true {
      if let shared = join() { return shared }
      if let lease = idle(hasOpen) { return open(Shared(lease)) }
      if let shared = join(alsoCrowded: true) { return shared }
      guard let withdrawal = beginWaiting() else { continue }
      var lent: Shared?
      var failure: (any Error)?
      do {
        if let lease = try await lease(withdrawal) { lent = Shared(lease) }
      } catch {
        failure = error
      }
      // A connection that came at the same time goes back.
      if let kept = endWaiting(withdrawal) { return kept }
      if let failure { throw failure }
      if let lent { return open(lent) }
    }
  }

  /// A place beside the fewest others.
  /// - Parameter alsoCrowded: Whether one is wanted also where all are crowded and one more connection may be shared.
  func join(alsoCrowded: Bool = false) -> Shared? {
    let now = MonotonicInstant.now
    return state.withLock { state in
      state.closeOldest(now, most: most)
      guard let index = state.fewest, state.places[index].readers < full else { return nil }
      if !alsoCrowded, state.places[index].readers >= Self.crowd, state.mayOpen(most) { return nil }
      state.places[index].readers += 1
      return state.places[index].shared
    }
  }

  /// Whether there is a connection that takes new readers, crowded or not.
  private var hasOpen: Bool { state.withLock { $0.fewest != nil } }

  /// Shares a connection, unless enough are, and calls those who wait for one.
  private func open(_ shared: Shared) -> Shared {
    let called = state.withLock { state in
      guard state.mayOpen(most) else { return [PoolWithdrawal]() }
      let called = Array(state.waiting.values.prefix(full - 1))
      state.places.append(Place(shared: shared, readers: 1 + called.count))
      for withdrawal in called {
        state.waiting[ObjectIdentifier(withdrawal)] = nil
        state.kept[ObjectIdentifier(withdrawal)] = shared
      }
      return called
    }
    for withdrawal in called { withdrawal.withdraw() }
    return shared
  }

  /// Begins to wait in the pool's line; nil if there is a place meanwhile.
  private func beginWaiting() -> PoolWithdrawal? {
    state.withLock { state in
      guard state.places.allSatisfy({ $0.isClosed || $0.readers >= full }) else { return nil }
      let withdrawal = PoolWithdrawal()
      state.waiting[ObjectIdentifier(withdrawal)] = withdrawal
      return withdrawal
    }
  }

  /// Ends a wait; the place that was kept, if the reader was called.
  private func endWaiting(_ withdrawal: PoolWithdrawal) -> Shared? {
    state.withLock { state in
      state.waiting[ObjectIdentifier(withdrawal)] = nil
      return state.kept.removeValue(forKey: ObjectIdentifier(withdrawal))
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

  /// Takes all connections away from new readers: the pool is being closed.
  func close() {
    state.withLock { state in
      for index in state.places.indices { state.places[index].isClosed = true }
    }
  }

  /// Takes a connection that is lost away from new readers.
  func drop(_ shared: Shared) {
    state.withLock { state in state.places.removeAll { $0.shared === shared } }
  }
}
