import MainstayPooling
import MainstayReactor
import Synchronization

/// Connections that many readers use at the same time. Each is taken from the pool for its first reader and given back after
/// its last one; after a second it takes no new readers, so that the pool sees it again although there are always some.
final class SharedReaders: Sendable {
  /// A connection that is shared. The lease ends with it.
  final class Shared: Sendable {
    private let lease: PoolLease<PostgresConnection>
    let opened: MonotonicInstant

    init(_ lease: consuming PoolLease<PostgresConnection>) {
      self.lease = lease
      opened = .now
    }

    var connection: PostgresConnection { lease.connection }

    func isNear(_ reactor: Reactor?) -> Bool { reactor == nil || connection.reactor === reactor }
  }

  private struct Place {
    let shared: Shared
    var readers: Int
  }

  /// Readers on each connection before another one is shared too.
  private static let crowd = 4
  /// How long a connection takes new readers.
  private static let turn = Duration.seconds(1)

  private let most: Int
  private let places = Mutex<[Place]>([])

  init(most: Int) { self.most = most }

  /// A place beside the fewest others, if possible on the reactor on whose thread the caller runs; nil if no connection is
  /// shared.
  /// - Parameter opening: Gives an idle connection, if there is one, where all shared ones are crowded.
  func join(near reactor: Reactor?, opening: () -> PoolLease<PostgresConnection>?) -> Shared? {
    let isCrowded = places.withLock { places in
      places.count < most && !places.isEmpty
        && places.allSatisfy { $0.readers >= Self.crowd || !$0.shared.isNear(reactor) }
    }
    if isCrowded, let lease = opening() { return open(lease) }
    let now = MonotonicInstant.now
    return places.withLock { places in
      places.removeAll { $0.shared.opened.duration(to: now) > Self.turn }
      let fewest = places.indices.min { one, other in
        let isNear = places[one].shared.isNear(reactor)
        if isNear != places[other].shared.isNear(reactor) { return isNear }
        return places[one].readers < places[other].readers
      }
      guard let fewest else { return nil }
      places[fewest].readers += 1
      return places[fewest].shared
    }
  }

  /// Shares a connection, unless enough are.
  func open(_ lease: consuming PoolLease<PostgresConnection>) -> Shared {
    let shared = Shared(lease)
    places.withLock { places in
      if places.count < most { places.append(Place(shared: shared, readers: 1)) }
    }
    return shared
  }

  /// Gives a place up. The last one gives the connection back.
  func leave(_ shared: Shared) {
    places.withLock { places in
      guard let index = places.firstIndex(where: { $0.shared === shared }) else { return }
      places[index].readers -= 1
      if places[index].readers == 0 { places.remove(at: index) }
    }
  }

  /// Takes a connection that is lost away from new readers.
  func drop(_ shared: Shared) {
    places.withLock { places in places.removeAll { $0.shared === shared } }
  }
}
