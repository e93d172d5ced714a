/// Decides which alerts there are: a pure value that is told the samples and the time.
///
/// ```
///              holds, pendingFor > 0            held for pendingFor
///   (none) ─────────────────────────▶ pending ─────────────────────▶ firing
///     ▲ └────── holds, pendingFor = 0 ──┼──────────────────────────────▲ │
///     │                                 │ no longer holds              │ │ good for keepFiringFor
///     ├─────────────────────────────────┘                 holds again │ ▼
///     └──────────────────────────── fifteen minutes later ─────────  resolved
/// ```
struct AlertEngine: Sendable, Codable {
  /// Which alert: the rule, and the group's label values.
  struct Key: Sendable, Hashable, Codable {
    let rule: String
    let group: [String]
  }

  /// Where an alert is in its life. Times are seconds since 1970.
  enum State: Sendable, Hashable, Codable {
    /// The condition holds, not yet for long enough.
    case pending(since: Double)
    /// `goodSince`: since when the condition has not held; the alert waits for `keepFiringFor`.
    case firing(since: Double, goodSince: Double?)
    /// Kept for a while, so that who asks sees that it was.
    case resolved(at: Double)
  }

  /// One alert.
  struct Alert: Sendable, Hashable, Codable {
    var state: State
    /// The label values of the group, and the rule's labels.
    var labels: [String: String]
    var value: Double?
    var flapping = FlapDetector()

    var isFiring: Bool { if case .firing = state { true } else { false } }
    var isPending: Bool { if case .pending = state { true } else { false } }
  }

  /// What happened to an alert.
  struct Transition: Sendable, Hashable {
    enum Kind: String, Sendable { case pending, firing, resolved }

    let kind: Kind
    let key: Key
    let alert: Alert
  }

  static let keepsResolved = 15.0 * 60

  private(set) var alerts: [Key: Alert] = [:]
  /// For each rule, groups left out at the last evaluation because there were too many.
  private(set) var leftOut: [String: Int] = [:]

  /// Evaluates one rule.
  /// - Parameter values: The value of each group that has samples.
  mutating func evaluate(_ rule: AlertRule, _ values: [[String]: Double], at now: Double) -> [Transition] {
    var groups = Set(values.keys)
    for key in alerts.keys where key.rule == rule.name { groups.insert(key.group) }
    // Without groups there is one alert, which silence concerns as well.
    if rule.value.groupBy.isEmpty, rule.noData == .fire { groups.insert([]) }
    leftOut[rule.name] = nil
    var count = alerts.keys.count { $0.rule == rule.name }
    return groups.sorted { $0.lexicographicallyPrecedes($1) }.compactMap { step(rule, $0, values[$0], &count, now) }
  }

  /// Ends the alerts of a rule that is removed. Who was told that one fires is told that it is over.
  mutating func end(_ rule: String, at now: Double) -> [Transition] {
    let ended = alerts.filter { $0.key.rule == rule }
    for key in ended.keys { alerts[key] = nil }
    leftOut[rule] = nil
    return ended.filter(\.value.isFiring).sorted { $0.key.group.lexicographicallyPrecedes($1.key.group) }.map {
      key, alert in
      var alert = alert
      alert.state = .resolved(at: now)
      return Transition(kind: .resolved, key: key, alert: alert)
    }
  }

  /// Forgets the alerts of rules that are gone since the state was kept. They end without a word.
  mutating func keep(only rules: Set<String>) {
    alerts = alerts.filter { rules.contains($0.key.rule) }
    leftOut = leftOut.filter { rules.contains($0.key) }
  }

  /// - Parameter count: Alerts that the rule has.
  private mutating func step(
    _ rule: AlertRule, _ group: [String], _ value: Double?, _ count: inout Int, _ now: Double
  ) -> Transition? {
    let key = Key(rule: rule.name, group: group)
    let before = alerts[key]
    guard let holds = holds(rule, value, before) else { return nil }
    if before == nil, !holds { return nil }
    if before == nil, count >= rule.limit {
      leftOut[rule.name, default: 0] += 1
      return nil
    }
    var alert = before ?? Alert(state: .resolved(at: now), labels: labels(rule, group))
    alert.value = value ?? alert.value
    alert.flapping.note(holds)
    let (state, kind) = next(before?.state, holds, rule, now)
    guard let state else {
      if before != nil { count -= 1 }
      alerts[key] = nil
      return nil
    }
    if before == nil { count += 1 }
    alert.state = state
    alerts[key] = alert
    return kind.map { Transition(kind: $0, key: key, alert: alert) }
  }

  /// Whether the condition holds; nil if nothing is to change.
  private func holds(_ rule: AlertRule, _ value: Double?, _ before: Alert?) -> Bool? {
    guard let value else {
      switch rule.noData {
      case .resolve: return false
      case .fire: return true
      case .keep:
        // What is over must still be forgotten in time.
        if case .resolved = before?.state { return false }
        return nil
      }
    }
    if before?.isFiring == true, let clear = rule.clearThreshold { return rule.comparison.holds(value, clear) }
    return rule.comparison.holds(value, rule.threshold)
  }

  /// The state that follows, nil if the alert is forgotten, and what is to be told.
  private func next(
    _ state: State?, _ holds: Bool, _ rule: AlertRule, _ now: Double
  ) -> (State?, Transition.Kind?) {
    switch (state, holds) {
    case (nil, false): return (nil, nil)
    case (nil, true), (.resolved, true):
      return rule.pendingFor > 0
        ? (.pending(since: now), .pending) : (.firing(since: now, goodSince: nil), .firing)
    case (.resolved(let at), false): return now - at >= AlertEngine.keepsResolved ? (nil, nil) : (state, nil)
    case (.pending(let since), true):
      return now - since >= rule.pendingFor ? (.firing(since: now, goodSince: nil), .firing) : (state, nil)
    case (.pending, false): return (nil, nil)
    case (.firing(let since, _), true): return (.firing(since: since, goodSince: nil), nil)
    case (.firing(let since, let goodSince), false):
      let good = goodSince ?? now
      return now - good >= rule.keepFiringFor
        ? (.resolved(at: now), .resolved) : (.firing(since: since, goodSince: good), nil)
    }
  }

  private func labels(_ rule: AlertRule, _ group: [String]) -> [String: String] {
    var labels = rule.labels
    for (name, value) in zip(rule.value.groupBy, group) { labels[name] = value }
    labels["alertname"] = rule.name
    labels["severity"] = rule.severity
    return labels
  }
}

/// How restless an alert is: the weighted share of changes among the last evaluations, as Nagios counts it, later changes counting
/// more. It becomes flapping at 30 % and is calm again at 20 %.
struct FlapDetector: Sendable, Hashable, Codable {
  private static let length = 21
  private var history: [Bool] = []
  private(set) var isFlapping = false

  mutating func note(_ holds: Bool) {
    history.append(holds)
    if history.count > FlapDetector.length { history.removeFirst() }
    isFlapping = score >= (isFlapping ? 0.2 : 0.3)
  }

  /// Between 0 and 1; 0 until there is enough to judge by.
  var score: Double {
    guard history.count == FlapDetector.length else { return 0 }
    var sum = 0.0
    for index in 1..<history.count where history[index] != history[index - 1] {
      sum += 0.8 + 0.4 * Double(index - 1) / Double(history.count - 2)
    }
    return sum / Double(history.count - 1)
  }
}
