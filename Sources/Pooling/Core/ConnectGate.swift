/// When a connection may be opened: some at a time; after a failure one at a time, with growing waits.
struct ConnectGate: Sendable {
  private let limit: Int
  private let backoff: Int64
  private let mostBackoff: Int64
  /// How many are being opened.
  private(set) var inFlight = 0
  /// Failures in a row.
  private(set) var failures = 0
  /// No try before this.
  private(set) var retryAt = PoolInstant(nanoseconds: .min)
  /// Since when tries have failed; nil while they do not.
  private(set) var failingSince: PoolInstant?
  private var lastFailure = PoolInstant(nanoseconds: .min)

  init(_ settings: PoolSettings) {
    limit = settings.maxConcurrentConnects
    backoff = max(0, settings.connectBackoff.poolNanoseconds)
    mostBackoff = max(0, settings.maxConnectBackoff.poolNanoseconds)
  }

  func mayStart(_ now: PoolInstant) -> Bool { now >= retryAt && inFlight < (failures > 0 ? 1 : limit) }

  mutating func start() { inFlight += 1 }

  mutating func succeed() {
    inFlight -= 1
    failures = 0
    failingSince = nil
    retryAt = PoolInstant(nanoseconds: .min)
  }

  /// - Parameter began: When the try began. Tries that ran at the same time count as one failure.
  mutating func fail(began: PoolInstant, now: PoolInstant, random: inout PoolRandom) {
    inFlight -= 1
    if failingSince == nil { failingSince = began }
    guard began > lastFailure else { return }
    lastFailure = now
    failures += 1
    let doublings = min(failures - 1, 30)
    let (grown, overflow) = backoff.multipliedReportingOverflow(by: 1 << Int64(doublings))
    let longest = overflow ? mostBackoff : min(grown, mostBackoff)
    // Half of it at random: hosts that lost their server together do not come back together.
    retryAt = now + (longest / 2 + Int64(random.fraction() * Double(longest / 2)))
  }

  /// A try was not waited for any more, or was not needed after all: it says nothing about the server.
  mutating func forget() { inFlight -= 1 }
}
