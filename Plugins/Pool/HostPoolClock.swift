import MainstayKernel
import MainstayPooling

/// A pool's time from the host's clock, where that is not the machine's: in tests.
struct HostPoolClock: PoolClock {
  private let clock: any HostClock
  private let origin: ContinuousClock.Instant

  private init(_ clock: any HostClock) {
    self.clock = clock
    origin = clock.now
  }

  /// The pool's clock for a host's.
  static func clock(for clock: any HostClock) -> any PoolClock {
    clock is SystemClock ? SystemPoolClock() : HostPoolClock(clock)
  }

  var now: PoolInstant { PoolInstant(nanoseconds: 0).advanced(by: origin.duration(to: clock.now)) }

  func schedule(at instant: PoolInstant, _ action: @escaping @Sendable () -> Void) -> PoolTimer {
    let (clock, deadline) = (clock, origin.advanced(by: Self.distance(from: PoolInstant(nanoseconds: 0), to: instant)))
    let task = Task.detached {
      do { try await clock.sleep(until: deadline, tolerance: nil) } catch { return }
      action()
    }
    return PoolTimer { task.cancel() }
  }

  /// The same distance from now: deadlines are given by the machine's clock, whatever the host's shows.
  func instant(_ instant: ContinuousClock.Instant) -> PoolInstant {
    now.advanced(by: ContinuousClock.now.duration(to: instant))
  }

  /// The same distance from now: what a connection does with the server takes the machine's time.
  func continuous(_ instant: PoolInstant) -> ContinuousClock.Instant {
    ContinuousClock.now.advanced(by: Self.distance(from: now, to: instant))
  }

  /// At most a hundred years.
  private static func distance(from start: PoolInstant, to end: PoolInstant) -> Duration {
    min(start.duration(to: end), .seconds(3_200_000_000))
  }
}
