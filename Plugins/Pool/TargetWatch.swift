import Logging
import MainstayKernel
import Synchronization

/// Tells the bus and the log what becomes of a target: each change once, whether a check or the pool has noticed it.
final class TargetWatch: Sendable {
  private struct State {
    /// Since when it does not answer or cannot be reached; nil while it is well.
    var badSince: ContinuousClock.Instant?
    var isDown = false
    var failures = 0
    /// Why connecting failed last.
    var reason: String?
  }

  let target: String
  /// Not the whole context: that leads to everything the plugin has provided, and so back here.
  private let bus: EventBus
  private let clock: any HostClock
  private let logger: Logger
  private let state = Mutex(State())

  init(
    _ target: String, bus: EventBus = EventBus(), clock: any HostClock = SystemClock(),
    logger: Logger = Logger(label: "pool")
  ) {
    self.target = target
    (self.bus, self.clock, self.logger) = (bus, clock, logger)
  }

  convenience init(_ target: String, _ context: PluginContext) {
    self.init(target, bus: context.bus, clock: context.clock, logger: context.logger)
  }

  /// It gave a sign of life.
  func answered() { recover() }

  /// It gave none.
  func didNotAnswer(_ reason: String) {
    let now = clock.now
    let failures = state.withLock { state in
      if state.badSince == nil { state.badSince = now }
      state.failures += 1
      return state.failures
    }
    bus.publish(PoolHealthCheckFailed(target: target, reason: reason, failures: failures))
    if failures == 1 { logger.warning("\(target) does not answer: \(reason)") }
  }

  /// A connection could not be opened; whether that means anything, `wentDown` says.
  func connectFailed(_ reason: String) {
    state.withLock { $0.reason = reason }
    logger.debug("\(target): \(reason)")
  }

  /// There is no connection to it, and none can be opened.
  func wentDown(_ reason: String? = nil) {
    let now = clock.now
    let news: String? = state.withLock { state in
      guard !state.isDown else { return nil }
      state.isDown = true
      if state.badSince == nil { state.badSince = now }
      return reason ?? state.reason ?? "no connection can be opened"
    }
    guard let news else { return }
    bus.publish(PoolUnavailable(target: target, reason: news))
    logger.warning("\(target) is unavailable: \(news)")
  }

  /// There is a connection to it again.
  func cameBack() { recover() }

  private func recover() {
    let now = clock.now
    let since = state.withLock { state in
      let since = state.badSince
      state = State()
      return since
    }
    guard let since else { return }
    let after = since.duration(to: now) / .seconds(1)
    bus.publish(PoolRecovered(target: target, after: after))
    logger.notice("\(target) is well again")
  }
}
