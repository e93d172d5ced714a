/// The states of a circuit breaker: a value that knows neither locks nor tasks.
///
/// ```
///            threshold reached                    openFor has passed, a call asks
///  ┌────────┐ ──────────────────────▶ ┌──────┐ ──────────────────────────────▶ ┌───────────┐
///  │ closed │                         │ open │                                 │ half open │
///  └────────┘ ◀──┐                    └──────┘ ◀────────────────────────────── └───────────┘
///                │                                    a probe failed                 │
///                └───────────────────────────────────────────────────────────────────┘
///                                     successThreshold probes succeeded
///
///  by hand, from any state: ──▶ forced open      ──▶ disabled      ──▶ closed
/// ```
/// Every change of state begins a new generation, and a result counts only in the generation in which its call was
/// admitted. So neither a call from before the outage can close the breaker, nor a probe that was forgotten.
public struct CircuitBreakerMachine: Sendable, Hashable {
  /// What it does with calls.
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// Lets them through. Opens when the threshold is reached.
    case closed
    /// Refuses them until its time is over, then becomes half open.
    case open
    /// Lets a few probes through. Closes when they succeed, opens when one fails.
    case halfOpen
    /// Refuses them until somebody changes it by hand.
    case forcedOpen
    /// Lets them through, whatever becomes of them, until somebody changes it by hand.
    case disabled

    /// 0 closed, 1 open, 2 half open; forced open is 1, disabled 0.
    public var gauge: Int {
      switch self {
      case .closed, .disabled: 0
      case .open, .forcedOpen: 1
      case .halfOpen: 2
      }
    }
  }

  /// An admitted call.
  public struct Ticket: Sendable, Hashable {
    let generation: UInt64
    /// The number of the probe; 0 for a call that is none.
    let probe: UInt64
    let admitted: ContinuousClock.Instant

    var isProbe: Bool { probe != 0 }
  }

  /// Whether a call is let through.
  public enum Admission: Sendable, Hashable {
    /// It is. Its result belongs to ``CircuitBreakerMachine/finish(_:_:at:)``.
    case admitted(Ticket)
    /// It is not. After this time it may be; nil if that depends on others.
    case rejected(retryAfter: Duration?)
  }

  /// A change of state.
  public struct Transition: Sendable, Hashable {
    /// Why.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
      /// Too many calls failed.
      case thresholdReached
      /// The time of being open is over.
      case timeToProbe
      /// A probe failed.
      case probeFailed
      /// Enough probes succeeded.
      case probesSucceeded
      /// Somebody did it by hand.
      case manual
    }

    /// The state before.
    public let from: State
    /// The state now.
    public let to: State
    /// Why.
    public let reason: Reason
    /// Failures that were counted when it happened.
    public let failures: Int
  }

  private struct Probe: Sendable, Hashable {
    let number: UInt64
    let deadline: ContinuousClock.Instant
  }

  /// When it opens and closes.
  public let settings: CircuitBreakerSettings
  /// What it does with calls.
  public private(set) var state = State.closed
  /// Refused calls since the beginning.
  public private(set) var rejected: UInt64 = 0
  /// How often it has opened since the beginning.
  public private(set) var opened: UInt64 = 0
  /// When a call last failed.
  public private(set) var lastFailure: ContinuousClock.Instant?
  /// The change of state that the last call of a method made; nil if it made none.
  public private(set) var transition: Transition?

  private var generation: UInt64 = 1
  private var run = 0
  private var window: SlidingWindow?
  private var openUntil: ContinuousClock.Instant
  private var timesInARow = 0
  private var probes: [Probe] = []
  private var lastProbe: UInt64 = 0
  private var probeSuccesses = 0
  private var rampFrom: ContinuousClock.Instant?
  private var rampCredit = 0.0

  /// A closed breaker.
  public init(_ settings: CircuitBreakerSettings, at now: ContinuousClock.Instant) {
    self.settings = settings
    openUntil = now
    clear(at: now)
  }

  /// Failures that count at present: in a row, or in the window as it was last moved.
  public var failures: Int { window?.failures ?? run }

  /// Successes that count at present: of probes while half open, else those in the window.
  public var successes: Int { state == .halfOpen ? probeSuccesses : window?.successes ?? 0 }

  /// Calls that are under way as probes.
  public var probesUnderWay: Int { probes.count }

  /// After which time a call may be let through; zero if it is now, nil if that depends on others.
  public func retryAfter(at now: ContinuousClock.Instant) -> Duration? {
    switch state {
    case .closed, .disabled: .zero
    case .forcedOpen: nil
    case .open: max(.zero, now.duration(to: openUntil))
    case .halfOpen: probes.count { $0.deadline > now } >= settings.probes ? nil : .zero
    }
  }

  /// A call asks to be let through.
  public mutating func acquire(at now: ContinuousClock.Instant) -> Admission {
    transition = nil
    switch state {
    case .closed where rampFrom == nil, .disabled: return admit(at: now)
    case .closed: return isInShare(at: now) ? admit(at: now) : reject(nil)
    case .forcedOpen: return reject(nil)
    case .open:
      if now < openUntil { return reject(now.duration(to: openUntil)) }
      enter(.halfOpen, .timeToProbe, at: now)
      return probe(at: now)
    case .halfOpen:
      probes.removeAll { $0.deadline <= now }
      return probes.count < settings.probes ? probe(at: now) : reject(nil)
    }
  }

  /// The result of an admitted call. Counts once, and only if nothing has changed since it was admitted.
  public mutating func finish(_ ticket: Ticket, _ verdict: CallVerdict, at now: ContinuousClock.Instant) {
    transition = nil
    guard ticket.generation == generation else { return }
    let isSlow = settings.slowCall.map { ticket.admitted.duration(to: now) > $0 } ?? false
    let verdict = verdict == .success && isSlow ? .failure : verdict
    if state == .halfOpen {
      guard let index = probes.firstIndex(where: { $0.number == ticket.probe && $0.deadline > now }) else { return }
      probes.remove(at: index)
      finishProbe(verdict, at: now)
    } else if verdict != .neutral {
      count(verdict == .success, at: now)
    }
  }

  /// Refuses every call from now on.
  public mutating func forceOpen(at now: ContinuousClock.Instant) { enter(.forcedOpen, .manual, at: now) }

  /// Lets every call through from now on.
  public mutating func disable(at now: ContinuousClock.Instant) { enter(.disabled, .manual, at: now) }

  /// Closes it and forgets every failure.
  public mutating func close(at now: ContinuousClock.Instant) {
    enter(.closed, .manual, at: now)
    rampFrom = nil
  }

  private func admit(at now: ContinuousClock.Instant) -> Admission {
    .admitted(Ticket(generation: generation, probe: 0, admitted: now))
  }

  private mutating func reject(_ retryAfter: Duration?) -> Admission {
    rejected &+= 1
    return .rejected(retryAfter: retryAfter)
  }

  private mutating func probe(at now: ContinuousClock.Instant) -> Admission {
    lastProbe &+= 1
    probes.append(Probe(number: lastProbe, deadline: now.advanced(by: settings.probeTimeout)))
    return .admitted(Ticket(generation: generation, probe: lastProbe, admitted: now))
  }

  private mutating func finishProbe(_ verdict: CallVerdict, at now: ContinuousClock.Instant) {
    switch verdict {
    case .neutral: break
    case .failure:
      lastFailure = now
      trip(.probeFailed, at: now)
    case .success:
      probeSuccesses += 1
      if probeSuccesses >= settings.successThreshold { enter(.closed, .probesSucceeded, at: now) }
    }
  }

  private mutating func count(_ isSuccess: Bool, at now: ContinuousClock.Instant) {
    let last = lastFailure
    if !isSuccess { lastFailure = now }
    switch settings.trip {
    case .consecutive(let failures, let within):
      if isSuccess {
        run = 0
        return
      }
      let isStale = within.flatMap { within in last.map { $0.duration(to: now) > within } } ?? false
      run = isStale ? 1 : run + 1
      if state == .closed, run >= failures { trip(.thresholdReached, at: now) }
    case .windowed(let failures, let ratio, let minimumCalls, _):
      window?.add(isSuccess: isSuccess, at: now)
      guard state == .closed, !isSuccess, let window else { return }
      guard window.failures >= failures, window.calls >= minimumCalls else { return }
      if Double(window.failures) >= ratio * Double(window.calls) { trip(.thresholdReached, at: now) }
    }
  }

  private mutating func trip(_ reason: Transition.Reason, at now: ContinuousClock.Instant) {
    timesInARow += 1
    opened &+= 1
    openUntil = now.advanced(by: settings.openTime(timesInARow))
    enter(.open, reason, at: now)
  }

  private mutating func enter(_ next: State, _ reason: Transition.Reason, at now: ContinuousClock.Instant) {
    transition = Transition(from: state, to: next, reason: reason, failures: failures)
    state = next
    generation &+= 1
    probes.removeAll()
    probeSuccesses = 0
    if next != .halfOpen { clear(at: now) }
    if next != .halfOpen, next != .open { timesInARow = 0 }
    rampFrom = next == .closed && settings.rampUp > .zero ? now : nil
    rampCredit = 0
  }

  private mutating func clear(at now: ContinuousClock.Instant) {
    run = 0
    if case .windowed(_, _, _, let period) = settings.trip { window = SlidingWindow(period: period, at: now) }
  }

  /// Whether a call belongs to the share that is let through after closing. Spreads that share evenly over the calls.
  private mutating func isInShare(at now: ContinuousClock.Instant) -> Bool {
    guard let from = rampFrom, from.duration(to: now) < settings.rampUp else {
      rampFrom = nil
      return true
    }
    rampCredit += 0.1 + 0.9 * (from.duration(to: now) / settings.rampUp)
    guard rampCredit >= 1 else { return false }
    rampCredit -= 1
    return true
  }
}
