/// How many requests a client may send: so many a period, and so many at once.
///
/// The generic cell rate algorithm (ITU-T I.371): requests should be one interval apart, and may come early by the
/// tolerance. All that must be kept of a client is one instant, the time at which its next request is due; it lies at
/// most one burst in the future.
struct RateLimit: Sendable, Hashable {
  /// The requests of one period.
  let requests: Int
  /// The period.
  let period: Duration
  /// How many requests may come at once.
  let burst: Int

  /// A limit. Without a burst, the requests of a whole period may come at once.
  init(requests: Int, period: Duration, burst: Int? = nil) {
    self.requests = max(1, requests)
    self.period = max(.nanoseconds(1), period)
    self.burst = max(1, burst ?? requests)
  }

  /// The time after which one more request is allowed.
  var interval: Duration { period / requests }

  /// What is decided of one request.
  struct Decision: Sendable, Equatable {
    /// Whether the request is allowed.
    var isAllowed: Bool
    /// How many more may follow at once.
    var remaining: Int
    /// How long to wait before a request is allowed; zero if one is allowed now.
    var retryAfter: Duration
    /// The time until the client is as if it had never sent anything.
    var resetAfter: Duration
  }

  /// Decides on a request that comes now, of a client whose next request is due at that instant, nil for a new client.
  /// Returns the decision and the new instant; a refused request does not count.
  func decide(due: ContinuousClock.Instant?, now: ContinuousClock.Instant) -> (Decision, ContinuousClock.Instant) {
    let start = max(due ?? now, now)
    let next = start.advanced(by: interval)
    let isAllowed = now.duration(to: next) <= interval * burst
    let kept = isAllowed ? next : start
    return (decision(isAllowed, due: kept, now: now), kept)
  }

  /// How things stand without a request.
  func standing(due: ContinuousClock.Instant?, now: ContinuousClock.Instant) -> Decision {
    let due = max(due ?? now, now)
    let isAllowed = now.duration(to: due.advanced(by: interval)) <= interval * burst
    return decision(isAllowed, due: due, now: now)
  }

  private func decision(
    _ isAllowed: Bool, due: ContinuousClock.Instant, now: ContinuousClock.Instant
  ) -> Decision {
    let used = now.duration(to: due)
    let free = interval * burst - used
    return Decision(
      isAllowed: isAllowed, remaining: max(0, Int(free / interval)),
      retryAfter: max(.zero, interval - free), resetAfter: max(.zero, used))
  }
}
