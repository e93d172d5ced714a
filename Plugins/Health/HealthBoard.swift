import HTTPTypes
import MainstayHTTP
import MainstayKernel
import Synchronization

/// The answers, made when asked for and given again for a short time, until something changes: probes ask often, and
/// must not learn yesterday's state.
final class HealthBoard: Sendable {
  /// What can be asked for.
  enum Page: Int, Sendable, CaseIterable {
    case ready, summary, comprehensive, report
  }

  private struct Answer: Sendable {
    let change: Int
    let until: ContinuousClock.Instant
    let response: Response
  }

  private let host: HostHandle
  private let clock: any HostClock
  private let readings: HealthReadings
  private let keeps: Duration
  private let changes = Atomic<Int>(0)
  private let answers: Mutex<[Answer?]>
  private let processor: Mutex<ProcessorUsage>

  /// - Parameter keeps: How long an answer is given again.
  init(_ context: PluginContext, keeps: Duration, readings: HealthReadings = HealthReadings()) {
    host = context.host
    clock = context.clock
    self.readings = readings
    self.keeps = keeps
    answers = Mutex(Array(repeating: nil, count: Page.allCases.count))
    processor = Mutex(ProcessorUsage(used: readings.processorTime ?? .zero, at: context.clock.now))
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

  private func change() { changes.add(1, ordering: .acquiringAndReleasing) }

  /// The answer to a question.
  func answer(_ page: Page) -> Response {
    // Read before the state: a change in between makes the answer stale at once.
    let change = changes.load(ordering: .acquiring)
    let now = clock.now
    let known = answers.withLock { $0[page.rawValue] }
    if let known, known.change == change, now < known.until { return known.response }
    let response = make(page)
    answers.withLock { $0[page.rawValue] = Answer(change: change, until: now.advanced(by: keeps), response: response) }
    return response
  }

  private func make(_ page: Page) -> Response {
    switch page {
    case .ready: ready(host.status)
    case .summary: summary(host.status)
    case .comprehensive: full { .json($0.json, status: $0.status.code, headers: Self.headers) }
    case .report: full { .text($0.text, status: $0.status.code, headers: Self.headers) }
    }
  }

  private func full(_ render: (HealthReport) -> Response) -> Response { render(report) }

  private func ready(_ status: HostStatus) -> Response {
    guard !status.isReady else { return .json(["status": "ready"] as JSONValue, headers: Self.headers) }
    var headers = Self.headers
    headers[.retryAfter] = "1"
    let reasons: JSONValue = .array(status.reasons.map { .string($0) })
    return .json(
      .object(["status": "not_ready", "reasons": reasons]), status: .serviceUnavailable, headers: headers)
  }

  private func summary(_ status: HostStatus) -> Response {
    .json(
      .object(HealthReport.summary(status, version: host.version)), status: HealthStatus(status).code,
      headers: Self.headers)
  }

  /// How the host is, now.
  private var report: HealthReport {
    let now = clock.now
    let share = readings.processorTime.flatMap { used in processor.withLock { $0.look(used: used, at: now) } }
    return HealthReport(
      name: host.name, version: host.version, environment: host.environment, host: host.status,
      memory: readings.memory, processor: share, system: readings.system)
  }

  private static let headers: HTTPFields = [.cacheControl: "no-store"]
}
