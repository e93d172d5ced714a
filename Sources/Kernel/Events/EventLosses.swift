import Synchronization

/// The events that were lost last, and how many there were.
final class EventLosses: Sendable {
  /// How many dead letters are kept; older ones make room.
  static let limit = 256

  fileprivate struct State: ~Copyable {
    var letters = EventRing<DeadLetter>()
    var dropped = 0
    var failed = 0
  }

  private let clock: any HostClock
  private let state = Mutex(State())

  init(clock: any HostClock) { self.clock = clock }

  var dropped: Int { state.withLock { $0.dropped } }
  var failed: Int { state.withLock { $0.failed } }

  /// The dead letters, oldest first.
  var letters: [DeadLetter] { state.withLock { $0.letters.elements } }

  /// Keeps a dead letter. True if it is time to tell about the subscription's losses: not about lost reports of
  /// losses, so that they do not feed themselves.
  func note(_ event: AnyEvent, _ reason: DeadLetter.Reason, _ identity: SubscriptionIdentity) -> Bool {
    let letter = DeadLetter(
      reason: reason, event: event, owner: identity.owner.name, subscription: identity.name, time: clock.timeSinceEpoch)
    // The letter that makes room may hold the last reference to an event: it goes outside the lock.
    let oldest = state.withLock { $0.keep(letter) }
    withExtendedLifetime(oldest) {}
    return reason == .overflow && event.topic != BusDropped.topic && isReportDue(identity)
  }

  private func isReportDue(_ identity: SubscriptionIdentity) -> Bool {
    let now = clock.now
    return identity.lastReport.withLock { last in
      if let last, last.duration(to: now) < .seconds(1) { return false }
      last = now
      return true
    }
  }
}

extension EventLosses.State {
  fileprivate mutating func keep(_ letter: DeadLetter) -> DeadLetter? {
    if case .handlerFailed = letter.reason { failed += 1 } else { dropped += 1 }
    letters.append(letter)
    return letters.count > EventLosses.limit ? letters.popFirst() : nil
  }
}
