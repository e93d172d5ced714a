import Synchronization

/// The places at which servers of this process listen.
///
/// When the server is restarted with another configuration, the one before may still hold its port: its stop had to be
/// given up, or its socket is being closed. The new one waits for that one, and for nobody else: a port that another
/// program holds is an error at once.
final class OwnListeners: Sendable {
  /// A port, whatever the address: a listener at 0.0.0.0 is in the way of one at 127.0.0.1. Or the path of a socket.
  enum Place: Hashable, Sendable {
    case port(Int)
    case path(String)
  }

  /// Those of this process.
  static let shared = OwnListeners()

  private let counts = Mutex<[Place: Int]>([:])

  func began(_ place: Place) { counts.withLock { $0[place, default: 0] += 1 } }

  func ended(_ place: Place) {
    counts.withLock { counts in
      counts[place] = counts[place].flatMap { $0 > 1 ? $0 - 1 : nil }
    }
  }

  func has(_ place: Place) -> Bool { counts.withLock { $0[place] != nil } }
}
