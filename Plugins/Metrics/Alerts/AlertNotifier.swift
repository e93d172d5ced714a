/// Decides who is told of which alerts, and when: grouping, silences, inhibition, repetition, escalation. A pure value, with the
/// semantics of Prometheus' Alertmanager where it has them. Times are seconds since 1970.
struct AlertNotifier: Sendable, Codable {
  /// How alerts are gathered and repeated.
  struct Settings: Sendable, Hashable {
    /// Alerts that agree in these labels are told together.
    var groupBy = ["alertname"]
    /// How long a new group waits for more of its kind.
    var groupWait = 30.0
    /// How long until a group that was told of tells of changes.
    var groupInterval = 300.0
    /// How long until a group that has not changed is told of again.
    var repeatInterval = 4.0 * 3_600
    var inhibitions: [Inhibition] = []
  }

  /// While an alert fires that `source` matches, those that `target` matches and that agree in `equal` are not told of.
  struct Inhibition: Sendable, Hashable, Codable {
    var source: [String: LabelPattern]
    var target: [String: LabelPattern]
    var equal: [String] = []
  }

  /// Until a time, alerts that match are not told of.
  struct Silence: Sendable, Hashable, Codable {
    let id: String
    var labels: [String: LabelPattern]
    var until: Double
    var creator: String
    var comment: String
  }

  /// Why somebody is told.
  enum Reason: String, Sendable, Codable {
    /// A group that nobody has been told of.
    case first
    /// Further alerts in a group.
    case newAlerts = "new-alerts"
    /// Some alerts of a group are over.
    case someResolved = "some-resolved"
    /// All alerts of a group are over.
    case allResolved = "all-resolved"
    /// Nothing has changed for long.
    case `repeat`
    /// Nobody has taken care.
    case escalation
  }

  /// What is to be told.
  struct Notification: Sendable, Hashable {
    let reason: Reason
    let group: [String: String]
    let severity: String
    let channels: [String]
    let firing: [AlertEngine.Key]
    let resolved: [AlertEngine.Key]
  }

  private struct Group: Sendable, Codable {
    var began: Double
    var told: Double?
    /// Alerts told as firing at the last time.
    var firing: Set<AlertEngine.Key> = []
    /// Who was told at the last time, and how bad it was: at the end the rule may be gone.
    var severity: String?
    var channels: [String]?
  }

  private struct Care: Sendable, Codable {
    var steps = 0
    var acknowledged = false
  }

  static let longestSilences = 1_000

  private(set) var silences: [String: Silence] = [:]
  private var groups: [[String]: Group] = [:]
  private var care: [AlertEngine.Key: Care] = [:]

  /// Silences alerts. Returns false if there are too many silences.
  mutating func silence(_ silence: Silence) -> Bool {
    guard silences[silence.id] != nil || silences.count < AlertNotifier.longestSilences else { return false }
    silences[silence.id] = silence
    return true
  }

  /// Ends a silence. Returns false if there is none of that id.
  mutating func endSilence(_ id: String) -> Bool { silences.removeValue(forKey: id) != nil }

  /// Somebody takes care of a rule's alerts: they escalate no further.
  mutating func acknowledge(_ rule: String, _ engine: AlertEngine) -> Int {
    let keys = engine.alerts.filter { $0.key.rule == rule && $0.value.isFiring }.keys
    for key in keys { care[key, default: Care()].acknowledged = true }
    return keys.count
  }

  func isAcknowledged(_ key: AlertEngine.Key) -> Bool { care[key]?.acknowledged ?? false }

  /// Why an alert is not told of, or nil.
  func muted(
    _ alert: AlertEngine.Alert, among alerts: [AlertEngine.Key: AlertEngine.Alert], _ settings: Settings, at now: Double
  )
    -> String?
  {
    let silence = silences.values.filter { $0.until > now && AlertNotifier.matches(alert.labels, $0.labels) }
      .min { $0.id < $1.id }
    if let silence { return "silence \(silence.id)" }
    for rule in settings.inhibitions where AlertNotifier.matches(alert.labels, rule.target) {
      let source = alerts.values.first { other in
        other.isFiring && other.labels != alert.labels && AlertNotifier.matches(other.labels, rule.source)
          && rule.equal.allSatisfy { other.labels[$0] == alert.labels[$0] }
      }
      if let source { return "inhibited by \(source.labels["alertname"] ?? "")" }
    }
    return nil
  }

  /// What is to be told now.
  mutating func plan(
    _ engine: AlertEngine, rules: [String: AlertRule], _ settings: Settings, at now: Double
  ) -> [Notification] {
    silences = silences.filter { $0.value.until > now }
    care = care.filter { engine.alerts[$0.key]?.isFiring ?? false }
    var firing: [[String]: Set<AlertEngine.Key>] = [:]
    for (key, alert) in engine.alerts where alert.isFiring {
      // One that cannot make up its mind is told of once, and again when it is calm.
      let group = AlertNotifier.group(alert, settings)
      let wasTold = groups[group]?.firing.contains(key) ?? false
      let isMuted = muted(alert, among: engine.alerts, settings, at: now) != nil
      if !isMuted || wasTold { firing[group, default: []].insert(key) }
    }
    var notifications: [Notification] = []
    for group in Set(groups.keys).union(firing.keys).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let present = firing[group] ?? []
      var state = groups[group] ?? Group(began: now)
      if let reason = reason(state, present, engine, settings, now) {
        let resolved = state.firing.subtracting(present)
        let told = notification(reason, group, present, resolved, rules, settings, before: state)
        notifications.append(told)
        state.told = now
        state.firing = present
        (state.severity, state.channels) = (told.severity, told.channels)
      }
      groups[group] = present.isEmpty && state.firing.isEmpty ? nil : state
    }
    return notifications + escalations(engine, rules, settings, now)
  }

  private func reason(
    _ group: Group, _ present: Set<AlertEngine.Key>, _ engine: AlertEngine, _ settings: Settings, _ now: Double
  ) -> Reason? {
    guard let told = group.told else {
      return !present.isEmpty && now - group.began >= settings.groupWait ? .first : nil
    }
    guard now - told >= settings.groupInterval else { return nil }
    // Of what flaps, no changes are told.
    let calm = present.filter { engine.alerts[$0]?.flapping.isFlapping != true }
    let gone = group.firing.subtracting(present).filter { engine.alerts[$0]?.flapping.isFlapping != true }
    if !calm.subtracting(group.firing).isEmpty { return .newAlerts }
    if present.isEmpty, !group.firing.isEmpty, !gone.isEmpty { return .allResolved }
    if !gone.isEmpty { return .someResolved }
    return !present.isEmpty && now - told >= settings.repeatInterval ? .repeat : nil
  }

  private mutating func escalations(
    _ engine: AlertEngine, _ rules: [String: AlertRule], _ settings: Settings, _ now: Double
  ) -> [Notification] {
    var notifications: [Notification] = []
    for key in engine.alerts.keys.sorted(by: { ($0.rule, $0.group.joined()) < ($1.rule, $1.group.joined()) }) {
      guard let alert = engine.alerts[key], case .firing(let since, _) = alert.state, let rule = rules[key.rule] else {
        continue
      }
      var state = care[key] ?? Care()
      guard !state.acknowledged, muted(alert, among: engine.alerts, settings, at: now) == nil else { continue }
      let steps = rule.escalation.sorted { $0.after < $1.after }
      while state.steps < steps.count, now - since >= steps[state.steps].after {
        let labels = Dictionary(settings.groupBy.map { ($0, alert.labels[$0] ?? "") }) { first, _ in first }
        notifications.append(
          Notification(
            reason: .escalation, group: labels, severity: rule.severity, channels: steps[state.steps].channels,
            firing: [key], resolved: []))
        state.steps += 1
      }
      if state.steps > 0 { care[key] = state }
    }
    return notifications
  }

  private func notification(
    _ reason: Reason, _ group: [String], _ firing: Set<AlertEngine.Key>, _ resolved: Set<AlertEngine.Key>,
    _ rules: [String: AlertRule], _ settings: Settings, before: Group
  ) -> Notification {
    let concerned = Set((firing.isEmpty ? resolved : firing).map(\.rule)).compactMap { rules[$0] }
    let worst = concerned.map(\.severity).max { AlertNotifier.rank($0) < AlertNotifier.rank($1) }
    let channels = concerned.isEmpty ? before.channels ?? [] : Set(concerned.flatMap(\.channels)).sorted()
    func sorted(_ keys: Set<AlertEngine.Key>) -> [AlertEngine.Key] {
      keys.sorted { ($0.rule, $0.group.joined(separator: "\u{0}")) < ($1.rule, $1.group.joined(separator: "\u{0}")) }
    }
    return Notification(
      reason: reason, group: Dictionary(zip(settings.groupBy, group)) { first, _ in first },
      severity: worst ?? before.severity ?? "warning", channels: channels, firing: sorted(firing),
      resolved: sorted(resolved))
  }

  private static func rank(_ severity: String) -> Int {
    ["info": 0, "warning": 1, "high": 2, "critical": 3][severity] ?? 1
  }

  private static func group(_ alert: AlertEngine.Alert, _ settings: Settings) -> [String] {
    settings.groupBy.map { alert.labels[$0] ?? "" }
  }

  private static func matches(_ labels: [String: String], _ patterns: [String: LabelPattern]) -> Bool {
    patterns.allSatisfy { $0.value.matches(labels[$0.key] ?? "") }
  }
}
