public import MainstayKernel
import Synchronization

/// Stops calling what fails, and tries it again now and then.
///
/// ```swift
/// let breaker = CircuitBreaker("stripe", clock: context.clock)
/// let balance = try await breaker.run { try await client.balance() }
/// ```
/// A call that is refused costs a lock and nothing else: nothing waits. How calls count is up to the classifier: a callee that
/// refuses a request for good has answered, so it works; a caller who gives up says nothing.
public final class CircuitBreaker: Sendable {
  /// How a breaker is.
  public struct Status: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// What it does with calls.
    public let state: CircuitBreakerMachine.State
    /// Failures that count at present.
    public let failures: Int
    /// Successes that count at present.
    public let successes: Int
    /// When a call last failed: time since 1970.
    public let lastFailure: Duration?
    /// After which time a call may be let through; zero if it is now, nil if that depends on others.
    public let retryAfter: Duration?
    /// Refused calls since the beginning.
    public let rejected: UInt64
    /// How often it has opened since the beginning.
    public let opened: UInt64
  }

  /// The name of what it protects.
  public let name: String
  /// When it opens and closes.
  public let settings: CircuitBreakerSettings
  private let clock: any HostClock
  private let classifier: CallClassifier
  private let observer: (@Sendable (CircuitBreakerMachine.Transition) -> Void)?
  private let isUntimed: Bool
  private let machine: Mutex<CircuitBreakerMachine>

  /// A closed breaker.
  /// - Parameter observer: Told of each change of state, outside the lock, in the task of the call that made it.
  public init(
    _ name: String, _ settings: CircuitBreakerSettings = CircuitBreakerSettings(), clock: any HostClock,
    classifier: CallClassifier = .standard, observer: (@Sendable (CircuitBreakerMachine.Transition) -> Void)? = nil
  ) {
    self.name = name
    self.settings = settings
    self.clock = clock
    self.classifier = classifier
    self.observer = observer
    isUntimed = settings.isUntimed
    machine = Mutex(CircuitBreakerMachine(settings, at: clock.now))
  }

  /// A call that was let through. Finish it with what became of it; dropped, it counts neither way.
  public struct Permit: ~Copyable, Sendable {
    private let breaker: CircuitBreaker
    private let ticket: CircuitBreakerMachine.Ticket
    private var verdict = CallVerdict.neutral

    fileprivate init(breaker: CircuitBreaker, ticket: CircuitBreakerMachine.Ticket) {
      self.breaker = breaker
      self.ticket = ticket
    }

    /// What became of the call.
    public consuming func finish(_ verdict: CallVerdict) { self.verdict = verdict }

    deinit { breaker.finish(ticket, verdict) }
  }

  /// Asks to be let through.
  public func acquire() throws(CallRejection) -> Permit {
    let now = clock.now
    let (admission, transition) = machine.withLock { ($0.acquire(at: now), $0.transition) }
    if let transition { observer?(transition) }
    switch admission {
    case .admitted(let ticket): return Permit(breaker: self, ticket: ticket)
    case .rejected(let retryAfter): throw CallRejection(.circuitOpen, name: name, retryAfter: retryAfter)
    }
  }

  /// Calls through the breaker.
  /// - Parameter classifier: Reads the errors of this call; nil for the breaker's own.
  /// - Throws: ``CallRejection`` if it refuses, what the call throws otherwise.
  nonisolated(nonsending) public func run<Value>(
    classifiedBy classifier: CallClassifier? = nil, _ call: () async throws -> Value
  ) async throws -> Value {
    let permit = try acquire()
    do {
      let value = try await call()
      permit.finish(.success)
      return value
    } catch {
      permit.finish(verdict(error, classifier ?? self.classifier))
      throw error
    }
  }

  /// How it is.
  public var status: Status {
    let now = clock.now
    let epoch = clock.timeSinceEpoch
    return machine.withLock { machine in
      Status(
        name: name, state: machine.state, failures: machine.failures, successes: machine.successes,
        lastFailure: machine.lastFailure.map { epoch - $0.duration(to: now) }, retryAfter: machine.retryAfter(at: now),
        rejected: machine.rejected, opened: machine.opened)
    }
  }

  /// What it does with calls.
  public var state: CircuitBreakerMachine.State { machine.withLock { $0.state } }

  /// Refuses every call until it is closed or disabled by hand.
  public func forceOpen() { change { $0.forceOpen(at: $1) } }

  /// Lets every call through until it is closed or opened by hand.
  public func disable() { change { $0.disable(at: $1) } }

  /// Closes it and forgets every failure.
  public func close() { change { $0.close(at: $1) } }

  /// How an error counts. A cancellation by a deadline that has passed speaks against the callee, one by the caller does
  /// not.
  private func verdict(_ error: any Error, _ classifier: CallClassifier) -> CallVerdict {
    guard Task.isCancelled else { return classifier.verdict(error) }
    guard let deadline = CallContext.current?.deadline else { return .neutral }
    return clock.now >= deadline ? .failure : .neutral
  }

  private func change(_ body: (inout CircuitBreakerMachine, ContinuousClock.Instant) -> Void) {
    let now = clock.now
    let transition = machine.withLock { machine in
      body(&machine, now)
      return machine.transition
    }
    if let transition { observer?(transition) }
  }

  fileprivate func finish(_ ticket: CircuitBreakerMachine.Ticket, _ verdict: CallVerdict) {
    // A success in a row needs no time, and reading the clock is a fifth of the cost.
    let now = verdict == .success && isUntimed && !ticket.isProbe ? ticket.admitted : clock.now
    let transition = machine.withLock { machine in
      machine.finish(ticket, verdict, at: now)
      return machine.transition
    }
    if let transition { observer?(transition) }
  }
}
