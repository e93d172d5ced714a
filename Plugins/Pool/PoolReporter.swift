import Logging
import MainstayKernel
import MainstayPooling

/// Turns what a pool tells into events and lines of the log.
struct PoolReporter: Sendable {
  private let watch: TargetWatch
  private let metrics: PoolMetrics
  private let bus: EventBus
  private let logger: Logger

  init(_ watch: TargetWatch, _ metrics: PoolMetrics, _ context: PluginContext) {
    self.watch = watch
    self.metrics = metrics
    (bus, logger) = (context.bus, context.logger)
  }

  var observer: @Sendable (PoolEvent) -> Void {
    { tell($0) }
  }

  private func tell(_ event: PoolEvent) {
    let target = watch.target
    switch event {
    case .pressure(let level, let all): tell(level, all)
    case .leak(let holder, let reclaimed): tell(holder, reclaimed: reclaimed)
    case .scaled(let from, let to) where to > from: bus.publish(PoolScaledUp(target: target, from: from, to: to))
    case .scaled(let from, let to): bus.publish(PoolScaledDown(target: target, from: from, to: to))
    case .connectFailed(let error): watch.connectFailed("\(error)")
    case .down: watch.wentDown()
    case .recovered: watch.cameBack()
    case .generation(let reason):
      bus.publish(PoolFailover(target: target, reason: reason))
      logger.notice("\(target): every connection is replaced: \(reason)")
    case .closed(let reason): logger.trace("\(target): a connection was closed: \(reason.name)")
    }
  }

  private func tell(_ level: PoolPressureLevel, _ all: PoolStatistics) {
    let target = watch.target
    switch level {
    case .normal: bus.publish(PoolRelieved(target: target, active: all.active, limit: all.limit))
    case .nearlyExhausted:
      bus.publish(PoolNearlyExhausted(target: target, active: all.active, limit: all.limit))
    case .exhausted:
      metrics.noteExhausted(target)
      let site = all.oldestHolder?.site.description
      bus.publish(
        PoolExhausted(
          target: target, active: all.active, limit: all.limit, waiting: all.waiting, oldestSite: site))
      logger.warning(
        "\(target) is exhausted: \(all.active) of \(all.limit) connections in use\(site.map { ", the longest by \($0)" } ?? "")"
      )
    }
  }

  private func tell(_ holder: PoolHolder, reclaimed: Bool) {
    let held = holder.held / .seconds(1)
    bus.publish(
      PoolLeakDetected(target: watch.target, site: holder.site.description, held: held, reclaimed: reclaimed))
    let what = reclaimed ? "was closed under its user" : "has not been given back"
    logger.warning("\(watch.target): a connection taken at \(holder) \(what)")
  }
}
