import Synchronization

/// What has become of the calls of one ``Retry``.
public struct RetryCounts: Sendable, Hashable {
  /// Calls that have ended.
  public var calls: UInt64 = 0
  /// Calls that succeeded with the first attempt.
  public var succeededAtOnce: UInt64 = 0
  /// Calls that succeeded with a later attempt.
  public var succeededLater: UInt64 = 0
  /// Calls that failed, by the reason why they were not tried again.
  public var failed: [RetryMachine.Stop: UInt64] = [:]
  /// Attempts beyond the first.
  public var retries: UInt64 = 0
  /// Time spent waiting between attempts.
  public var waited: Duration = .zero

  /// Nothing counted yet.
  public init() {}

  /// Calls that failed.
  public var failures: UInt64 { failed.values.reduce(0, +) }
}

/// Counts calls; what succeeds at once costs one addition.
final class RetryStatistics: Sendable {
  private let atOnce = Atomic<UInt64>(0)
  private let rest = Mutex(RetryCounts())

  init() {}

  var counts: RetryCounts {
    var counts = rest.withLock { $0 }
    counts.succeededAtOnce = atOnce.load(ordering: .relaxed)
    counts.calls += counts.succeededAtOnce
    return counts
  }

  func reset() {
    atOnce.store(0, ordering: .relaxed)
    rest.withLock { $0 = RetryCounts() }
  }

  func succeededAtOnce() { atOnce.wrappingAdd(1, ordering: .relaxed) }

  func retried(after wait: Duration) {
    rest.withLock { counts in
      counts.retries += 1
      counts.waited += wait
    }
  }

  func ended(_ stop: RetryMachine.Stop?) {
    rest.withLock { counts in
      counts.calls += 1
      if let stop { counts.failed[stop, default: 0] += 1 } else { counts.succeededLater += 1 }
    }
  }
}
