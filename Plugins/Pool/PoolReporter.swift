import Logging
import MainstayKernel
import MainstayPooling

/// Turns what a pool tells into events and lines of the log.
struct PoolReporter: Sendable {
  private let watch: TargetWatch
  private let context: PluginContext

  init(_ watch: TargetWatch, _ context: PluginContext) {
    self.watch = watch
    self.context = context
  }

  var observer: @Sendable (PoolEvent) -> Void {
    { tell($0) }
  }

  private func tell(_ event: PoolEvent) {
    let target = watch.target
    switch event {
    case .pressure(let level, let all): tell(level, all)
    case .leak(let holder, let reclaimed): tell(holder, reclaimed: reclaimed)
    case .scaled(let from, let to) where to > from: context.bus.publish(PoolScaledUp(target: target, from: from, to: to))
    case .scaled(let from, let to): context.bus.publish(PoolScaledDown(target: target, from: from, to: to))
    case .connectFailed(let error): watch.connectFailed("\(error)")
    case .down: watch.wentDown()
    case .recovered: watch.cameBack()
    case .generation(let reason):
      context.bus.publish(PoolFailover(target: target, reason: reason))
      context.logger.notice("\(target): every connection is replaced: \(reason)")
    case .closed(let reason): context.logger.trace("\(target): a connection was closed: \(reason.name)")
    }
  }

  private func tell(_ level: PoolPressureLevel, _ all: PoolStatistics) {
    let target = watch.target
    switch level {
    case .normal: context.bus.publish(PoolRelieved(target: target, active: all.active, limit: all.limit))
    case .nearlyExhausted:
      context.bus.publish(PoolNearlyExhausted(target: target, active: all.active, limit: all.limit))
    case .exhausted:
      let site = all.oldestHolder?.site.description
      context.bus.publish(
        PoolExhausted(
          target: target, active: all.active, limit: all.limit, waiting: all.waiting, oldestSite: site))
      context.logger.warning(
        "\(target) is exhausted: \(all.active) of \(all.limit) connections in use\(site.map { ", the longest by \($0)" } ?? "")"
      )
    }
  }

  private func tell(_ holder: PoolHolder, reclaimed: Bool) {
    let held = holder.held / .seconds(1)
    context.bus.publish(
      PoolLeakDetected(target: watch.target, site: holder.site.description, held: held, reclaimed: reclaimed))
    let what = reclaimed ? "was closed under its user" : "has not been given back"
    context.logger.warning("\(watch.target): a connection taken at \(holder) \(what)")
  }
}
