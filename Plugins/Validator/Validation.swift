import MainstayKernel
import MainstayResilience
import Synchronization

/// Validates the running configuration, once however many ask.
final class Validation: Sendable {
  /// What has been done so far.
  struct Counts: Sendable, Hashable {
    var runs = 0
    var failed = 0
    var lastDuration: Duration = .zero
  }

  private struct State {
    var settings: ValidatorConfiguration
    var reports: [ValidationReport.Mode: ValidationReport] = [:]
    /// The last full report that was forgotten.
    var before: ValidationReport?
    var flights: [ValidationReport.Mode: Task<ValidationReport, Never>] = [:]
    var counts = Counts()
    /// Raised when what is known is forgotten: what was begun before says nothing of what is now.
    var epoch = 0
  }

  private let host: HostHandle
  private let timer: DeadlineTimer
  private let bus: EventBus
  private let state: Mutex<State>

  init(_ configuration: ValidatorConfiguration, host: HostHandle, timer: DeadlineTimer, bus: EventBus) {
    self.host = host
    self.timer = timer
    self.bus = bus
    state = Mutex(State(settings: configuration))
  }

  var counts: Counts { state.withLock { $0.counts } }

  /// The last report of any kind.
  var last: ValidationReport? { state.withLock { $0.reports.values.max { $0.at < $1.at } } }

  /// The last report that looked at everything.
  var lastFull: ValidationReport? {
    state.withLock { state in
      state.reports.values.filter { $0.mode != .quick }.max { $0.at < $1.at } ?? state.before
    }
  }

  /// Forgets every report: the configuration has changed.
  func forget() {
    state.withLock { state in
      state.before = state.reports.values.filter { $0.mode != .quick }.max { $0.at < $1.at } ?? state.before
      state.reports = [:]
      state.flights = [:]
      state.epoch += 1
    }
  }

  /// Goes on with other settings.
  func take(_ settings: ValidatorConfiguration) {
    state.withLock { $0.settings = settings }
    forget()
  }

  /// What is found, or was found a moment ago.
  func report(_ mode: ValidationReport.Mode) async -> ValidationReport {
    let now = timer.clock.timeSinceEpoch
    let flight = state.withLock { state -> Task<ValidationReport, Never>? in
      if let known = state.reports[mode], now - known.at < state.settings.cache { return nil }
      if let flight = state.flights[mode] { return flight }
      let epoch = state.epoch
      let flight = Task.detached { [self] in await run(mode, epoch) }
      state.flights[mode] = flight
      return flight
    }
    if let flight { return await flight.value }
    // Between the two looks it may have been forgotten.
    if let known = state.withLock({ $0.reports[mode] }) { return known }
    return await run(mode, state.withLock { $0.epoch })
  }

  private func run(_ mode: ValidationReport.Mode, _ epoch: Int) async -> ValidationReport {
    let settings = state.withLock { $0.settings }
    let probe = ConnectionProbe(timer: timer, timeout: settings.connectTimeout)
    let clock = timer.clock
    let began = clock.now
    let status = host.status
    let facts = ConfigurationFacts(host.values, environment: host.environment)
    let found = ValidationRule.findings(facts).filter { !settings.ignore.contains($0.rule) }
    let connections = mode == .connections ? await probe.results(facts) : []
    let report = ValidationReport(
      mode: mode, environment: host.environment, generation: status.generation, at: clock.timeSinceEpoch,
      duration: began.duration(to: clock.now),
      findings: mode == .quick ? found.filter { $0.severity == .error } : found,
      connections: connections)
    state.withLock { state in
      if state.epoch == epoch {
        state.reports[mode] = report
        state.flights[mode] = nil
      }
      state.counts.runs += 1
      if !report.isValid { state.counts.failed += 1 }
      state.counts.lastDuration = report.duration
    }
    publish(report)
    return report
  }

  private func publish(_ report: ValidationReport) {
    bus.publish(
      ValidationCompleted(
        mode: report.mode.rawValue, generation: report.generation, isValid: report.isValid,
        errors: report.count(.error), warnings: report.count(.warning),
        durationMilliseconds: report.duration / .milliseconds(1)))
    guard !report.isValid else { return }
    bus.publish(
      ValidationFailed(
        generation: report.generation, rules: report.findings.filter { $0.severity == .error }.map(\.rule)))
  }
}
