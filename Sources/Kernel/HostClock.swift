/// The time by which a host lives. The kernel and every plugin take it from the context, so that tests run on a
/// manual clock without sleeping.
public protocol HostClock: Clock<Duration> where Instant == ContinuousClock.Instant {
  /// Time since 1970-01-01T00:00:00Z, for time stamps shown to people.
  var timeSinceEpoch: Duration { get }
}

extension HostClock {
  /// Sleeps for a duration, or throws `CancellationError` when the task is cancelled.
  public func sleep(for duration: Duration) async throws {
    try await sleep(until: now.advanced(by: duration), tolerance: nil)
  }
}
