import HTTPTypes
import MainstayCapabilities
import MainstayHTTP
import MainstayKernel
import Synchronization

/// The answers, made when asked for and given again for a short time, until something changes: probes ask often, and
/// must not learn yesterday's state.
final class HealthBoard: Sendable {
  /// What can be asked for.
  enum Page: Int, Sendable, CaseIterable {
    case live, ready, startup, summary, comprehensive, report, draftSummary, draft
  }

  private struct Answer: Sendable {
    let change: Int
    let until: ContinuousClock.Instant
    let response: Response
  }

  private let host: HostHandle
  private let clock: any HostClock
  private let checks: HealthChecks
  private let resources: ResourceMonitor
  private let lag: ThreadPoolLag
  private let configuration: HealthConfiguration
  private let changes = Atomic<Int>(0)
  private let hasStarted = Atomic<Bool>(false)
  private let answers: Mutex<[Answer?]>

  init(
    _ context: PluginContext, _ configuration: HealthConfiguration, checks: HealthChecks, resources: ResourceMonitor,
    lag: ThreadPoolLag
  ) {
    host = context.host
    clock = context.clock
    self.checks = checks
    self.resources = resources
    self.lag = lag
    self.configuration = configuration
    answers = Mutex(Array(repeating: nil, count: Page.allCases.count))
    watch(context.bus)
  }

  /// Whatever tells of a change makes the answers stale. The kernel changes its state first and tells of it then.
  private func watch(_ bus: EventBus) {
    bus.observe(PluginStateChanged.self) { [weak self] _ in self?.change() }
    bus.observe(HostReady.self) { [weak self] _ in self?.change() }
    bus.observe(HostDraining.self) { [weak self] _ in self?.change() }
    bus.observe(HostReloaded.self) { [weak self] _ in self?.change() }
    bus.observe(HostReloadRejected.self) { [weak self] _ in self?.change() }
  }

  /// Makes every answer stale.
  func change() { changes.add(1, ordering: .acquiringAndReleasing) }

  /// Looks at everything, asked or not, so that events tell what changes while nobody asks.
  func look() async {
    _ = await checks.answers()
    resources.judge(resources.reading())
  }

  /// The answer to a question.
  func answer(_ page: Page) async -> Response {
    // Read before the state: a change in between makes the answer stale at once.
    let change = changes.load(ordering: .acquiring)
    let now = clock.now
    let known = answers.withLock { $0[page.rawValue] }
    if let known, known.change == change, now < known.until { return known.response }
    let response = await make(page)
    answers.withLock {
      $0[page.rawValue] = Answer(change: change, until: now.advanced(by: configuration.cache), response: response)
    }
    return response
  }

  private func make(_ page: Page) async -> Response {
    switch page {
    case .live: await live()
    case .ready: await ready()
    case .startup: await startup()
    case .summary: await summary()
    case .draftSummary: await draft { report, _ in report.draftSummary }
    case .comprehensive: await full { Self.json($0.json, $0.status.code) }
    case .report: await full { .text($0.text, status: $0.status.code, headers: Self.headers) }
    case .draft: await draft { [configuration] in configuration.detailed ? $0.draft(at: $1) : $0.draftSummary }
    }
  }

  private func live() async -> Response {
    var reasons = await checks.answers(in: .liveness).filter { $0.counted == .unhealthy }.compactMap(\.reason)
    let waited = lag.current
    if waited > configuration.liveLag { reasons.append("tasks have waited \(waited.formattedShort) for a thread") }
    return verdict("live", reasons)
  }

  private func ready() async -> Response {
    let status = host.status
    let reasons = status.isReady ? [] : status.reasons
    // A host that is not ready anyway is not kept from saying so by a slow check.
    guard status.isReady else { return verdict("ready", reasons) }
    return verdict(
      "ready", await checks.answers(in: .readiness).filter { $0.counted == .unhealthy }.compactMap(\.reason))
  }

  /// Passes once and for all when the host has come up.
  private func startup() async -> Response {
    if hasStarted.load(ordering: .relaxed) { return verdict("started", []) }
    let status = host.status
    var reasons = status.startDuration == nil ? status.reasons : []
    if status.startDuration == nil, reasons.isEmpty { reasons = ["the host is starting"] }
    if reasons.isEmpty {
      reasons = await checks.answers(in: .startup).filter { $0.counted == .unhealthy }.compactMap(\.reason)
    }
    if reasons.isEmpty { hasStarted.store(true, ordering: .relaxed) }
    return verdict("started", reasons)
  }

  private func verdict(_ word: String, _ reasons: [String]) -> Response {
    guard !reasons.isEmpty else { return Self.json(["status": .string(word)], .ok) }
    var headers = Self.headers
    headers[.retryAfter] = "1"
    return .json(
      .object(["status": .string("not_" + word), "reasons": .array(reasons.map { .string($0) })]),
      status: .serviceUnavailable, headers: headers)
  }

  private func summary() async -> Response {
    let report = await report()
    return Self.json(.object(report.summary), report.status.code)
  }

  private func full(_ render: (HealthReport) -> Response) async -> Response {
    let report = await report()
    return configuration.detailed ? render(report) : Self.json(.object(report.summary), report.status.code)
  }

  private func draft(_ render: (HealthReport, String) -> JSONValue) async -> Response {
    let report = await report()
    let body = render(report, clock.timeSinceEpoch.timestamp)
    var headers = Self.headers
    headers[.cacheControl] = "max-age=\(Int(configuration.cache / .seconds(1)))"
    return .bytes(
      ByteBuffer(bytes: body.utf8()), contentType: "application/health+json", status: report.status.code,
      headers: headers)
  }

  /// How the host is, now.
  private func report() async -> HealthReport {
    let answers = await checks.answers()
    return HealthReport(
      name: host.name, version: host.version, environment: host.environment, host: host.status, checks: answers,
      resources: resources.reading(), levels: resources.levels, refusedChecks: checks.refused)
  }

  private static func json(_ value: JSONValue, _ code: HTTPResponse.Status) -> Response {
    .json(value, status: code, headers: headers)
  }

  private static let headers: HTTPFields = [.cacheControl: "no-store"]
}
