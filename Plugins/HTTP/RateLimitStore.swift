import MainstayKernel
import Synchronization

/// Whom a limit counts, under which rule.
struct RateLimitKey: Sendable, Hashable {
  /// The rule's place in the configuration.
  let rule: Int
  /// `identity ada`, `address 203.0.113.7`, `everyone`.
  let subject: String
}

/// Where it is kept how much each client has had.
protocol RateLimitStore: Sendable {
  /// Decides on one request, and counts it if it is allowed.
  func decide(_ key: RateLimitKey, _ limit: RateLimit) async -> RateLimit.Decision
}

/// Keeps it in this process.
final class MemoryRateLimitStore: RateLimitStore {
  private let table: Mutex<RateLimitTable<RateLimitKey>>
  private let clock: any HostClock

  init(capacity: Int, clock: any HostClock) {
    table = Mutex(RateLimitTable(capacity: capacity))
    self.clock = clock
  }

  func decide(_ key: RateLimitKey, _ limit: RateLimit) async -> RateLimit.Decision {
    let now = clock.now
    return table.withLock { $0.decide(key, limit, now: now) }
  }
}
