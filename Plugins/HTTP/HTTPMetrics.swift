import HTTPTypes
import MainstayHTTP
import MainstayInstruments
import MainstayKernel
import NIOCore
import NIOPosix

/// What the server counts: requests, errors and durations by the template of the route, never by the path.
struct HTTPMetrics: Sendable {
  let registry: MetricsRegistry
  private let requests: Family<Counter>
  private let durations: Family<Histogram>
  private let rateLimited: Family<Counter>
  private let authenticationFailures: Family<Counter>
  private let lag: Family<Gauge>

  init(clock: any HostClock) throws(MetricsError) {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    let method = Label("method", known: methods, limit: methods.count)
    registry = MetricsRegistry(clock: clock)
    requests = try registry.counter(
      "http_requests_total", help: "Requests answered.",
      labels: [method, Label("route", isGuarded: false), Label("status", limit: 70)])
    durations = try registry.timer(
      "http_request_duration_seconds", help: "From the head of a request to the end of its response.",
      labels: [method, Label("route", isGuarded: false)])
    rateLimited = try registry.counter(
      "rate_limit_hits_total", help: "Requests refused by a rate limit (429).",
      labels: [Label("route", isGuarded: false)])
    authenticationFailures = try registry.counter(
      "auth_failures_total", help: "Credentials presented that are not good.",
      labels: [Label("reason", known: AuthenticationFailure.usual.map(\.reason), limit: 50)])
    lag = try registry.gauge(
      "event_loop_lag_seconds", help: "How late an event loop began a task that was due at once, at the last look.",
      labels: [Label("loop", limit: 256)])
    declare()
  }

  /// Exports as zero from the beginning what every server may count, so that the first event is seen as an increase.
  private func declare() {
    _ = requests.labels("GET", HTTPMetrics.unmatched, "404")
    _ = durations.labels("GET", HTTPMetrics.unmatched)
    _ = rateLimited.labels(HTTPMetrics.unmatched)
  }

  /// Stands for the template of a route where there is none.
  private static let unmatched = "unmatched"

  /// Counts an answered request.
  func record(
    _ method: HTTPRequest.Method, route: Route?, status: HTTPResponse.Status, duration: Duration, traceID: String?
  ) {
    let template = route?.path.template ?? HTTPMetrics.unmatched
    requests.labels(method.rawValue, template, String(status.code)).increment()
    if status.code == 429 { rateLimited.labels(template).increment() }
    let series = durations.labels(method.rawValue, template)
    if let traceID {
      series.observe(duration.inSeconds, traceID: traceID)
    } else {
      series.record(duration)
    }
  }

  /// Counts failed authentications, and reads connections and requests in flight when somebody scrapes.
  func follow(_ bus: EventBus, _ connections: ConnectionRegistry) throws(MetricsError) {
    bus.observe(HTTPAuthenticationFailed.self) { [authenticationFailures] event in
      authenticationFailures.labels(event.reason).increment()
    }
    try registry.gauge("http_active_connections", help: "Open connections.") { [weak connections] in
      connections.map { Double($0.count) }
    }
    try registry.gauge("http_requests_in_flight", help: "Requests that are being answered.") { [weak connections] in
      connections.map { Double($0.inFlight) }
    }
  }

  /// Looks again and again how late the event loops are. Ends when its task is cancelled.
  func watchLag(of group: MultiThreadedEventLoopGroup, clock: any HostClock, every interval: Duration) async throws {
    let loops = Array(group.makeIterator())
    while true {
      for (index, loop) in loops.enumerated() {
        let series = lag.labels(String(index))
        let due = ContinuousClock.now
        loop.execute { series.set((ContinuousClock.now - due).inSeconds) }
      }
      try await clock.sleep(for: interval)
    }
  }
}
