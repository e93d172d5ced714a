import Synchronization

/// How far the server is in its life. It only goes forward.
package enum ServingPhase: UInt8, Sendable, Comparable, AtomicRepresentable {
  /// Plugins are starting: what is not there yet may come.
  case starting
  /// Requests are answered.
  case serving
  /// The host has been asked to stop: requests are answered, connections end with their next response.
  case leaving
  /// New requests are refused; those in flight finish.
  case refusing

  package static func < (left: ServingPhase, right: ServingPhase) -> Bool { left.rawValue < right.rawValue }
}

/// The server's phase, read by every request.
package final class ServingState: Sendable {
  private let current = Atomic(ServingPhase.serving)
  /// Given when new requests are refused from now on.
  package let drain = DrainSignal()

  /// A server in that phase.
  package init(_ phase: ServingPhase = .serving) {
    current.store(phase, ordering: .relaxed)
  }

  /// The present phase.
  package var phase: ServingPhase { current.load(ordering: .relaxed) }

  /// Goes on to a later phase; an earlier one changes nothing.
  package func advance(to phase: ServingPhase) {
    var seen = current.load(ordering: .acquiring)
    while seen < phase {
      let (exchanged, original) = current.compareExchange(
        expected: seen, desired: phase, ordering: .acquiringAndReleasing)
      if exchanged { break }
      seen = original
    }
    if phase == .refusing { drain.give() }
  }
}
