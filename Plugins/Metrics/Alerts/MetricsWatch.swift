import Logging
import MainstayInstruments
import MainstayKernel
import Synchronization

/// Keeps samples and raises alerts: holds the values that decide, and performs what they decide.
final class MetricsWatch: Sendable {
  /// Where a rule comes from.
  enum Origin: String, Sendable, Codable {
    case standard, manifest, objective, http
  }

  struct State: Sendable {
    var store: TimeSeriesStore
    var engine = AlertEngine()
    var notifier = AlertNotifier()
    var rules: [String: (rule: AlertRule, origin: Origin)] = [:]
    /// For each rule that cannot be evaluated, why.
    var faults: [String: String] = [:]
    var nextEvaluation = -Double.infinity
    var isChanged = false
  }

  private let state: Mutex<State>
  private let collector: MetricsCollector
  private let named: NamedMetrics
  private let bus: EventBus
  private let settings: AlertNotifier.Settings
  private let every: Double
  private let patterns: [LabelPattern]
  private let file: AlertStateFile?
  private let logger: Logger

  /// Takes up the state that was kept, if there is any.
  init(
    _ history: HistoryConfiguration, _ alerts: AlertConfiguration, rules: [(AlertRule, Origin)],
    collector: MetricsCollector, named: NamedMetrics, context: PluginContext
  ) {
    self.collector = collector
    self.named = named
    bus = context.bus
    logger = context.logger
    settings = alerts.settings
    every = alerts.every.inSeconds
    patterns = history.watch.map { LabelPattern($0) }
    file = alerts.stateFile.map { AlertStateFile(path: $0) }
    var state = State(store: TimeSeriesStore(tiers: history.tiers, budget: history.budget.bytes))
    if let kept = file?.read(logger) {
      (state.engine, state.notifier) = (kept.engine, kept.notifier)
      for rule in kept.rules where rule.problems.isEmpty { state.rules[rule.name] = (rule, .http) }
    }
    for (rule, origin) in rules { state.rules[rule.name] = (rule, origin) }
    state.engine.keep(only: Set(state.rules.keys))
    self.state = Mutex(state)
  }

  /// Takes a sample and evaluates what is due.
  /// - Parameter now: Seconds since 1970.
  func tick(at now: Double) {
    let wanted = wantedFamilies.union(named.families)
    let patterns = patterns
    // Read outside of the lock: closures of other plugins are called.
    let snapshots = collector.scrape.snapshots { descriptor in
      wanted.contains(descriptor.familyName)
        || patterns.contains { $0.matches(descriptor.name) || $0.matches(descriptor.sampleName) }
    }
    let (events, kept) = state.withLock { state -> ([any Event], AlertStateFile.Content?) in
      state.store.record(snapshots, at: now)
      let events = state.evaluate(settings, every: every, at: now)
      defer { state.isChanged = false }
      return (events, state.isChanged ? state.content : nil)
    }
    for event in events { publish(event) }
    if let kept { file?.write(kept, logger) }
  }

  private var wantedFamilies: Set<String> {
    state.withLock { state in
      Set(state.rules.values.flatMap { [$0.rule.value.family] + ($0.rule.dividedBy.map { [$0.family] } ?? []) })
    }
  }

  private func publish(_ event: any Event) { bus.publish(event) }

  /// Reads the state. The body must be short: recording waits meanwhile.
  func read<Result: Sendable>(_ body: (borrowing State, AlertNotifier.Settings) throws -> Result) rethrows -> Result {
    try state.withLock { try body($0, settings) }
  }

  /// Changes the state, keeps it, and publishes what has happened.
  func changeAndTell(_ body: (inout State) throws -> [any Event]) rethrows {
    for event in try change(body) { publish(event) }
  }

  /// Changes the state, and keeps it.
  func change<Result: Sendable>(_ body: (inout State) throws -> Result) rethrows -> Result {
    let (result, content) = try state.withLock { state in
      let result = try body(&state)
      return (result, state.content)
    }
    file?.write(content, logger)
    return result
  }
}

extension MetricsWatch.State {
  /// What is worth keeping over a restart.
  var content: AlertStateFile.Content {
    AlertStateFile.Content(
      engine: engine, notifier: notifier,
      rules: rules.values.filter { $0.origin == .http }.map(\.rule).sorted { $0.name < $1.name })
  }

  /// Evaluates every rule if it is time, and returns what is to be published.
  mutating func evaluate(_ settings: AlertNotifier.Settings, every: Double, at now: Double) -> [any Event] {
    guard now >= nextEvaluation || now < nextEvaluation - 2 * every else { return [] }
    nextEvaluation = now + every * 0.99
    var events: [any Event] = []
    for (rule, origin) in rules.values.sorted(by: { $0.rule.name < $1.rule.name }) {
      do {
        let values = try rule.evaluate(store, at: now)
        faults[rule.name] = fault(rule, origin)
        for transition in engine.evaluate(rule, values, at: now) {
          isChanged = true
          events.append(MetricsWatch.event(transition, rule))
        }
      } catch {
        faults[rule.name] = "\(error)"
      }
    }
    let notifications = notifier.plan(engine, rules: rules.mapValues(\.rule), settings, at: now)
    if !notifications.isEmpty { isChanged = true }
    return events + notifications.map { MetricsWatch.event($0, engine) }
  }
}

extension MetricsWatch.State {
  /// Why a rule can never fire, or nil. The standard rules are there whatever plugins are.
  private func fault(_ rule: AlertRule, _ origin: MetricsWatch.Origin) -> String? {
    guard origin == .http || origin == .manifest else { return nil }
    let missing = ([rule.value] + (rule.dividedBy.map { [$0] } ?? [])).first { store.descriptor(of: $0.family) == nil }
    return missing.map { "nobody exports the metric '\($0.metric)'; look for its spelling in GET /metrics/definitions" }
  }
}

extension MetricsWatch {
  static func event(_ transition: AlertEngine.Transition, _ rule: AlertRule) -> any Event {
    let (alert, name) = (transition.alert, rule.name)
    switch transition.kind {
    case .pending: return AlertPending(alert: name, labels: alert.labels, value: alert.value)
    case .firing:
      return AlertTriggered(
        alert: name, severity: rule.severity, labels: alert.labels, value: alert.value, threshold: rule.threshold,
        summary: rule.summary, channels: rule.channels)
    case .resolved:
      return AlertResolved(
        alert: name, severity: rule.severity, labels: alert.labels, value: alert.value, channels: rule.channels)
    }
  }

  fileprivate static func event(_ notification: AlertNotifier.Notification, _ engine: AlertEngine) -> any Event {
    func words(_ keys: [AlertEngine.Key]) -> [String] {
      keys.prefix(50).map { key in
        let labels = (engine.alerts[key]?.labels ?? [:]).filter { $0.key != "alertname" && $0.key != "severity" }
        let text = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
        return text.isEmpty ? key.rule : "\(key.rule) (\(text))"
      }
    }
    return AlertNotification(
      reason: notification.reason.rawValue, group: notification.group, severity: notification.severity,
      channels: notification.channels, firing: words(notification.firing), resolved: words(notification.resolved))
  }
}
