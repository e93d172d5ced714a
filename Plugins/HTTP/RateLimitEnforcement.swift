package import HTTPTypes
package import MainstayHTTP
import MainstayKernel
import Synchronization

/// Refuses requests of clients that ask for more than a rule allows.
package final class RateLimitEnforcement: RequestGate {
  private let rules: RateLimitRules
  private let store: any RateLimitStore
  private let bus: EventBus
  private let clock: any HostClock
  private let reports: Mutex<RateLimitTable<RateLimitKey>>

  init(
    _ configuration: RateLimitConfiguration, bus: EventBus, clock: any HostClock, store: (any RateLimitStore)? = nil
  ) {
    rules = RateLimitRules(configuration.rules)
    self.store = store ?? MemoryRateLimitStore(capacity: configuration.clients, clock: clock)
    self.bus = bus
    self.clock = clock
    reports = Mutex(RateLimitTable(capacity: 1000))
  }

  /// Counts a request. Returns the header fields that tell the client how it stands; none if no rule holds for it.
  /// Throws a problem of status 429 if the client has had enough.
  package func admit(
    _ request: Request, to route: Route, _ context: MainstayRequestContext
  ) async throws -> HTTPFields {
    // By the route's template, so that no spelling of the path evades a rule.
    try await count(request, at: route.path.template, of: route.path.template, context)
  }

  /// Counts a request that gets 401, 404 or 405, so that neither guessing nor searching is free of the limit. Throws a
  /// problem of status 429 in its place if the client has had enough.
  package func turnedAway(_ request: Request, at path: String, _ context: MainstayRequestContext) async throws {
    // A path without a route may name a patient: it is not told.
    _ = try await count(request, at: path, of: context.route ?? "-", context)
  }

  private func count(
    _ request: Request, at path: String, of route: String, _ context: MainstayRequestContext
  ) async throws -> HTTPFields {
    guard let rule = rules.rule(for: request.method.rawValue, path: path) else { return [:] }
    let key = RateLimitKey(rule: rule.index, subject: subject(rule.subject, context))
    let decision = await store.decide(key, rule.limit)
    let fields = decision.fields(limit: rule.limit, policy: rule.policy)
    guard !decision.isAllowed else { return fields }
    report(key, rule, route, decision)
    throw HTTPProblem(
      .tooManyRequests, "There were too many requests; this one may come again later.", headers: fields
    ).retryAfter(decision.retryAfter)
  }

  private func subject(_ subject: RateLimitRule.Subject, _ context: MainstayRequestContext) -> String {
    switch subject {
    case .everyone: "everyone"
    case .address: Self.address(context.remoteAddress)
    case .client: context.identity.map { "identity \($0.subject)" } ?? Self.address(context.remoteAddress)
    }
  }

  /// `address 203.0.113.7`, `address 2001:db8:0:1::/64`, `address unix`.
  static func address(_ address: String?) -> String {
    guard let address else { return "address unix" }
    return "address " + (IPAddress(address)?.limitKey ?? address)
  }

  /// Publishes what happened, at most once a second for each client and rule.
  private func report(
    _ key: RateLimitKey, _ rule: RateLimitRules.Rule, _ route: String, _ decision: RateLimit.Decision
  ) {
    let now = clock.now
    let oncePerSecond = RateLimit(requests: 1, period: .seconds(1))
    guard reports.withLock({ $0.decide(key, oncePerSecond, now: now).isAllowed }) else { return }
    bus.publish(
      HTTPRateLimited(
        client: key.subject, route: route, policy: rule.policy,
        retryAfter: decision.retryAfter / .seconds(1)))
  }
}

extension RateLimit.Decision {
  /// What the client is told: `RateLimit-Limit`, `-Remaining`, `-Reset` (seconds) and `-Policy`.
  func fields(limit: RateLimit, policy: String) -> HTTPFields {
    var fields = HTTPFields()
    fields.set("RateLimit-Limit", "\(limit.burst)")
    fields.set("RateLimit-Remaining", "\(isAllowed ? remaining : 0)")
    fields.set("RateLimit-Reset", "\(resetAfter.secondsRoundedUp)")
    fields.set("RateLimit-Policy", policy)
    return fields
  }
}

extension Duration {
  /// Whole seconds, rounded up.
  var secondsRoundedUp: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}

extension HTTPFields {
  /// Sets a field whose name the library does not list.
  mutating func set(_ name: String, _ value: String) {
    if let name = HTTPField.Name(name) { self[name] = value }
  }

  /// The values of a field whose name the library does not list, each field by itself.
  func values(_ name: String) -> [String] {
    HTTPField.Name(name).map { self[values: $0] } ?? []
  }
}
