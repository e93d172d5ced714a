import MainstayCapabilities

/// What is known of one check: when to look again, and what to make of what is found. A value.
struct CheckMachine: Sendable {
  /// A look that has ended.
  struct Look: Sendable, Equatable {
    let finding: HealthFinding
    let at: ContinuousClock.Instant
    let latency: Duration
  }

  /// A change of what it counts as.
  struct Change: Sendable, Equatable {
    let from: HealthFinding.Status?
    let to: HealthFinding.Status
  }

  let keeps: Duration
  let staleAfter: Duration
  let failAfter: Int
  let passAfter: Int

  /// The last look.
  private(set) var last: Look?
  /// What it counts as, after so many failures or successes in a row; nil before the first look.
  private(set) var status: HealthFinding.Status?
  /// Looks that have begun.
  private(set) var looks = 0
  private(set) var failures = 0
  private(set) var passes = 0
  private var isLooking = false
  /// Whether the check itself still runs, be it after its time.
  private(set) var isRunning = false

  init(keeps: Duration, staleAfter: Duration, failAfter: Int = 1, passAfter: Int = 1) {
    self.keeps = keeps
    self.staleAfter = max(staleAfter, keeps)
    self.failAfter = max(1, failAfter)
    self.passAfter = max(1, passAfter)
  }

  /// Whether to look: not if the last answer is fresh, and never twice at a time. One that overran its time and
  /// ignored its cancellation is not joined by a second.
  mutating func begin(at now: ContinuousClock.Instant) -> Bool {
    let isFresh = last.map { $0.at.duration(to: now) < keeps } ?? false
    guard !isLooking, !isRunning, !isFresh else { return false }
    (isLooking, isRunning) = (true, true)
    looks += 1
    return true
  }

  /// The check itself has returned, in time or not.
  mutating func returned() { isRunning = false }

  /// The look is over.
  mutating func found(_ look: Look) -> Change? {
    isLooking = false
    last = look
    let isFailure = look.finding.status == .unhealthy
    failures = isFailure ? failures + 1 : 0
    passes = isFailure ? 0 : passes + 1
    guard let status else { return change(to: look.finding.status) }
    if isFailure { return failures >= failAfter ? change(to: .unhealthy) : nil }
    // Between well and not quite well there is no need to wait.
    if status != .unhealthy || passes >= passAfter { return change(to: look.finding.status) }
    return nil
  }

  /// Whether the last look is so long ago that it says nothing any more.
  func isStale(at now: ContinuousClock.Instant) -> Bool {
    last.map { $0.at.duration(to: now) > staleAfter } ?? false
  }

  /// What it counts as at an instant: what is stale has failed.
  func status(at now: ContinuousClock.Instant) -> HealthFinding.Status? {
    isStale(at: now) ? .unhealthy : status
  }

  private mutating func change(to next: HealthFinding.Status) -> Change? {
    defer { status = next }
    return status == next ? nil : Change(from: status, to: next)
  }
}
