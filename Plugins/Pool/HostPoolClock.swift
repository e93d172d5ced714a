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

  var now: PoolInstant { instant(clock.now) }

  func schedule(at instant: PoolInstant, _ action: @escaping @Sendable () -> Void) -> PoolTimer {
    let (clock, deadline) = (clock, continuous(instant))
    let task = Task.detached {
      do { try await clock.sleep(until: deadline, tolerance: nil) } catch { return }
      action()
    }
    return PoolTimer { task.cancel() }
  }

  func instant(_ instant: ContinuousClock.Instant) -> PoolInstant {
    PoolInstant(nanoseconds: 0).advanced(by: origin.duration(to: instant))
  }

  func continuous(_ instant: PoolInstant) -> ContinuousClock.Instant {
    origin.advanced(by: min(PoolInstant(nanoseconds: 0).duration(to: instant), .seconds(3_200_000_000)))
  }
}
