import Logging
import MainstayKernel
import MainstayPostgres
import Synchronization

/// What is known of listening to a database's channels, and what of it is worth a line of the log: a value.
struct ListenRecord: Sendable {
  /// A connection that comes and goes is told no more often than this, however often the reason changes.
  static let quiet = Duration.seconds(60)

  private(set) var isListening = false
  /// Why nothing is heard; nil while all is well, and before it is known.
  private(set) var reason: String?
  private var warnedAt: ContinuousClock.Instant?
  /// A warning was logged, and nothing since.
  private var isWarned = false

  /// True if that is news.
  mutating func listens() -> Bool {
    defer { (isListening, reason, isWarned) = (true, nil, false) }
    return isWarned
  }

  /// True if that is news.
  mutating func doesNotListen(_ reason: String, now: ContinuousClock.Instant) -> Bool {
    let isKnown = isWarned && self.reason == reason
    (isListening, self.reason) = (false, reason)
    if isKnown { return false }
    if let warnedAt, warnedAt.duration(to: now) < Self.quiet { return false }
    (warnedAt, isWarned) = (now, true)
    return true
  }
}

/// How it goes with listening to a database's channels: for the log, health checks and metrics.
final class ListenWatch: Sendable {
  let target: String
  let channels: [String]
  private let clock: any HostClock
  private let logger: Logger
  private let record = Mutex(ListenRecord())

  init(_ target: String, _ channels: [String], clock: any HostClock, logger: Logger) {
    (self.target, self.channels, self.clock, self.logger) = (target, channels, clock, logger)
  }

  /// Whether every channel is listened to.
  var isListening: Bool { record.withLock { $0.isListening } }

  /// Why nothing is heard; nil while all is well, and before it is known.
  var trouble: String? { record.withLock { $0.reason }.map { "not listening to \(names): \($0)" } }

  private var names: String { channels.map { "'\($0)'" }.joined(separator: ", ") }

  /// Takes note of a change, and logs it.
  func note(_ change: PostgresListenState) {
    switch change {
    case .listening:
      if record.withLock({ $0.listens() }) { logger.notice("\(target): listening to \(names) again") }
    case .interrupted(let error, _):
      let (reason, now) = ("\(error)", clock.now)
      guard record.withLock({ $0.doesNotListen(reason, now: now) }) else { return }
      logger.warning(
        "\(target): not listening to \(names), so nothing that is sent there is heard: \(reason). It is tried again")
    }
  }
}

/// Turns what is sent to a database's channels into events of the bus.
struct PoolListener: Sendable {
  let database: PostgresDatabase
  let watch: ListenWatch

  func run(_ bus: EventBus) async {
    for await event in database.listen(to: watch.channels, observer: { [watch] in watch.note($0) }) {
      switch event {
      case .notification(let one):
        bus.publish(PoolNotification(target: database.name, channel: one.channel, payload: one.payload))
      case .gap: bus.publish(PoolNotificationGap(target: database.name))
      }
    }
  }
}
