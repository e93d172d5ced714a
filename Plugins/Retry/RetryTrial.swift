import MainstayKernel
import MainstayResilience
import Synchronization

/// What `POST /retry/test` does: carries a strategy out with an operation that fails a number of times. One at a time, and
/// for a few seconds at most.
final class RetryTrial: Sendable {
  /// What is tried.
  struct Request: Decodable, Sendable {
    /// The strategy; absent: the default of the host.
    var strategy: String?
    /// How often the operation fails before it succeeds.
    var failures: Int?
  }

  /// The failure of the operation.
  struct TrialFailure: RetryClassifiable { let callAdvice = CallAdvice.transient }

  /// The longest time a trial takes.
  static let longest = Duration.seconds(10)

  private let resilience: Resilience
  private let isRunning = Atomic<Bool>(false)

  init(_ resilience: Resilience) { self.resilience = resilience }

  /// How it went; nil if another trial runs.
  func run(_ strategy: RetryStrategy, failures: Int) async -> RetryOutcome<Int>? {
    guard isRunning.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else { return nil }
    defer { isRunning.store(false, ordering: .releasing) }
    var bounded = strategy
    bounded.overallTimeout = min(strategy.overallTimeout ?? Self.longest, Self.longest)
    // Without a budget: it calls nobody.
    let retry = Retry(bounded, timer: resilience.timer, executions: resilience.executions)
    let calls = Atomic<Int>(0)
    let call = RetryCall("retry-test", idempotency: .safe, metadata: ["failures": "\(failures)"], isTracked: true)
    return await retry.outcome(of: call) {
      let attempt = calls.wrappingAdd(1, ordering: .relaxed).newValue
      if attempt <= failures { throw TrialFailure() }
      return attempt
    }
  }
}
