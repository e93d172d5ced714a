public import MainstayKernel
import Synchronization

/// Lets as many calls through at a time as the callee bears, by a ``LimitAlgorithm`` that learns from each.
public final class AdaptiveLimiter: Sendable {
  /// How a limiter is.
  public struct Status: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// The most calls at a time, at present.
    public let limit: Int
    /// Calls under way.
    public let inFlight: Int
    /// Refused calls since the beginning.
    public let rejected: UInt64
  }

  private struct State {
    var algorithm: any LimitAlgorithm
    var inFlight = 0
    var rejected: UInt64 = 0
  }

  /// The name, for messages.
  public let name: String
  private let clock: any HostClock
  private let classifier: CallClassifier
  private let state: Mutex<State>

  /// A limiter.
  public init(
    _ name: String, _ algorithm: any LimitAlgorithm = GradientLimit(), clock: any HostClock,
    classifier: CallClassifier = .standard
  ) {
    self.name = name
    self.clock = clock
    self.classifier = classifier
    state = Mutex(State(algorithm: algorithm))
  }

  /// A call that was let through. Finish it with what became of it; dropped, nothing is learnt from it.
  public struct Permit: ~Copyable, Sendable {
    private let limiter: AdaptiveLimiter
    private let began: ContinuousClock.Instant
    private let inFlight: Int
    private var verdict = CallVerdict.neutral

    fileprivate init(limiter: AdaptiveLimiter, began: ContinuousClock.Instant, inFlight: Int) {
      self.limiter = limiter
      self.began = began
      self.inFlight = inFlight
    }

    /// What became of the call.
    public consuming func finish(_ verdict: CallVerdict) { self.verdict = verdict }

    deinit { limiter.finish(began, inFlight, verdict) }
  }

  /// Asks to be let through.
  public func acquire() throws(CallRejection) -> Permit {
    let now = clock.now
    let inFlight = state.withLock { state -> Int? in
      guard state.inFlight < state.algorithm.limit else {
        state.rejected &+= 1
        return nil
      }
      state.inFlight += 1
      return state.inFlight
    }
    guard let inFlight else { throw CallRejection(.limitExceeded, name: name) }
    return Permit(limiter: self, began: now, inFlight: inFlight)
  }

  /// Calls through the limiter.
  /// - Parameter classifier: Reads the errors of this call; nil for the limiter's own.
  nonisolated(nonsending) public func run<Value>(
    classifiedBy classifier: CallClassifier? = nil, _ call: () async throws -> Value
  ) async throws -> Value {
    let permit = try acquire()
    do {
      let value = try await call()
      permit.finish(.success)
      return value
    } catch {
      let isTooLate = CallContext.current?.deadline.map { clock.now >= $0 } ?? false
      permit.finish(
        Task.isCancelled ? (isTooLate ? .failure : .neutral) : (classifier ?? self.classifier).verdict(error))
      throw error
    }
  }

  /// How it is.
  public var status: Status {
    state.withLock { state in
      Status(name: name, limit: state.algorithm.limit, inFlight: state.inFlight, rejected: state.rejected)
    }
  }

  fileprivate func finish(_ began: ContinuousClock.Instant, _ inFlight: Int, _ verdict: CallVerdict) {
    let latency = began.duration(to: clock.now)
    state.withLock { state in
      state.inFlight -= 1
      guard verdict != .neutral else { return }
      state.algorithm.record(latency: latency, inFlight: inFlight, isDropped: verdict == .failure)
    }
  }
}
