import Glibc

/// The machine's time.
public struct SystemClock: HostClock {
  private let clock = ContinuousClock()

  /// The machine's time.
  public init() {}

  /// Now, on a clock that never goes back.
  public var now: ContinuousClock.Instant { clock.now }
  /// The finest step of the clock.
  public var minimumResolution: Duration { clock.minimumResolution }

  /// Waits until an instant, or throws `CancellationError` when the task is cancelled.
  public func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
    try await clock.sleep(until: deadline, tolerance: tolerance)
  }

  /// Time since 1970, from the wall clock.
  public var timeSinceEpoch: Duration {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
