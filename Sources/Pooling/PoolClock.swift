import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The time by which a pool lives: a parameter, so that tests run on a time of their own.
public protocol PoolClock: Sendable {
  /// The present instant.
  var now: PoolInstant { get }
  /// The present instant or one a few milliseconds earlier, where that is cheaper to find. Taken when a connection is
  /// given out at once and when it comes back.
  var coarseNow: PoolInstant { get }
  /// Calls a function once, at the instant or soon after, on any thread.
  func schedule(at instant: PoolInstant, _ action: @escaping @Sendable () -> Void) -> PoolTimer
  /// The pool's instant for one of the standard clock, by which deadlines are given.
  func instant(_ instant: ContinuousClock.Instant) -> PoolInstant
  /// The standard clock's instant for one of the pool.
  func continuous(_ instant: PoolInstant) -> ContinuousClock.Instant
}

extension PoolClock {
  /// The present instant, exactly.
  public var coarseNow: PoolInstant { now }
}

/// Something scheduled, which can be called off.
public struct PoolTimer: Sendable {
  private let call: @Sendable () -> Void

  /// - Parameter cancel: Calls it off, if it has not run; may be called more than once.
  public init(cancel: @escaping @Sendable () -> Void) { call = cancel }

  /// Calls it off.
  public func cancel() { call() }
}

/// The machine's monotonic clock.
public struct SystemPoolClock: PoolClock {
  /// The clock.
  public init() {}

  /// The present instant.
  public var now: PoolInstant { Self.read(CLOCK_MONOTONIC) }

  /// The present instant as of the kernel's last tick, at most ten milliseconds ago; a seventh of the cost.
  public var coarseNow: PoolInstant {
    #if os(Linux)
      Self.read(CLOCK_MONOTONIC_COARSE)
    #else
      now
    #endif
  }

  /// Calls a function from a task of its own.
  public func schedule(at instant: PoolInstant, _ action: @escaping @Sendable () -> Void) -> PoolTimer {
    let wait = Swift.max(0, instant - now)
    let task = Task.detached(priority: .high) {
      do { try await Task.sleep(nanoseconds: UInt64(wait)) } catch { return }
      action()
    }
    return PoolTimer { task.cancel() }
  }

  /// The same distance from now.
  public func instant(_ instant: ContinuousClock.Instant) -> PoolInstant {
    now.advanced(by: ContinuousClock.now.duration(to: instant))
  }

  /// The same distance from now, and at most a hundred years.
  public func continuous(_ instant: PoolInstant) -> ContinuousClock.Instant {
    let century: Int64 = 3_200_000_000_000_000_000
    return ContinuousClock.now.advanced(by: .nanoseconds(Swift.min(instant - now, century)))
  }

  private static func read(_ clock: clockid_t) -> PoolInstant {
    var time = timespec()
    clock_gettime(clock, &time)
    return PoolInstant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
  }
}
