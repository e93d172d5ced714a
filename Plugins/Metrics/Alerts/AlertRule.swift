import MainstayInstruments

/// When to raise an alert: a condition over a window, how long it must hold, and what then happens. Times are seconds.
struct AlertRule: Sendable, Hashable, Codable {
  /// Which side of the threshold is bad.
  enum Comparison: String, Sendable, Codable, CaseIterable {
    case above = ">"
    case aboveOrEqual = ">="
    case below = "<"
    case belowOrEqual = "<="

    func holds(_ value: Double, _ threshold: Double) -> Bool {
      switch self {
      case .above: value > threshold
      case .aboveOrEqual: value >= threshold
      case .below: value < threshold
      case .belowOrEqual: value <= threshold
      }
    }
  }

  /// What a group without samples means.
  enum NoData: String, Sendable, Codable, CaseIterable {
    /// The alert ends.
    case resolve
    /// The alert stays as it is: what vanished has not been repaired.
    case keep
    /// Silence is the alarm.
    case fire
  }

  /// Whom to tell, and when, if nobody has taken care of an alert.
  struct EscalationStep: Sendable, Hashable, Codable {
    var after: Double
    var channels: [String]
  }

  var name: String
  var value: MetricSelector
  /// The value is divided by this one.
  var dividedBy: MetricSelector?
  /// A second, shorter window over which the condition must hold as well: an alert ends soon after its cause.
  var shortWindow: Double?
  var comparison = Comparison.above
  var threshold: Double
  /// While it fires, the alert goes on until the value is back at this: hysteresis.
  var clearThreshold: Double?
  var pendingFor = 0.0
  var keepFiringFor = 0.0
  var noData = NoData.resolve
  var severity = "warning"
  var channels: [String] = []
  var escalation: [EscalationStep] = []
  var summary = ""
  /// Labels for grouping and inhibition, beside the rule's name, its severity and the groups' own.
  var labels: [String: String] = [:]
  /// Alerts that the rule may have at once; further groups are counted and left out.
  var limit = 100
}

extension AlertRule {
  /// Seconds that anything about a rule may last.
  private static let longest = 30.0 * 86_400

  /// What is wrong with it, in words; empty if nothing is.
  var problems: [String] {
    var problems: [String] = []
    if name.isEmpty || name.utf8.count > 100 || !name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
      problems.append("the name must have 1 to 100 visible ASCII characters without spaces")
    }
    for selector in [value] + (dividedBy.map { [$0] } ?? []) {
      if let problem = selector.problem { problems.append(problem) }
      if selector.window <= 0 || selector.window > 7 * 86_400 {
        problems.append("the window must be above 0 and at most 7 days")
      }
    }
    if let shortWindow, shortWindow <= 0 || shortWindow >= value.window {
      problems.append("the short window must be above 0 and shorter than the window")
    }
    if !threshold.isFinite { problems.append("the threshold must be a finite number") }
    if let clearThreshold, !clearThreshold.isFinite || comparison.holds(clearThreshold, threshold) {
      problems.append("the clear threshold must be on the good side of the threshold")
    }
    if let dividedBy, dividedBy.groupBy != value.groupBy {
      problems.append("both values must be grouped by the same labels")
    }
    if ![pendingFor, keepFiringFor].allSatisfy({ $0 >= 0 && $0 <= AlertRule.longest }) {
      problems.append("'for' and 'keep_firing_for' must be between 0 and 30 days")
    }
    if !labels.keys.allSatisfy(Label.isName) {
      problems.append("a label's name may have letters, digits and '_' only")
    }
    if limit < 1 || limit > 10_000 { problems.append("the limit must be between 1 and 10000") }
    if !escalation.allSatisfy({ $0.after >= 0 && $0.after <= AlertRule.longest }) || escalation.count > 10 {
      problems.append("at most ten escalation steps, none before the alert or later than 30 days after it")
    }
    let texts =
      [summary, severity] + channels + labels.flatMap { [$0.key, $0.value] } + escalation.flatMap(\.channels)
      + ([value] + (dividedBy.map { [$0] } ?? [])).flatMap(\.texts)
    if texts.count > 200 || texts.contains(where: { $0.utf8.count > 1_000 }) {
      problems.append("at most 200 texts (labels, channels, groups) of at most 1000 bytes")
    }
    return problems
  }

  /// The value of each group, now.
  func evaluate(_ store: TimeSeriesStore, at now: Double) throws(QueryError) -> [[String]: Double] {
    let long = try ratio(store, window: nil, at: now)
    guard let shortWindow else { return long }
    let short = try ratio(store, window: shortWindow, at: now)
    // Both windows must be bad: what counts is the better one.
    return long.reduce(into: [:]) { result, entry in
      guard let other = short[entry.key] else { return }
      result[entry.key] = comparison.holds(entry.value, other) ? other : entry.value
    }
  }

  private func ratio(_ store: TimeSeriesStore, window: Double?, at now: Double) throws(QueryError) -> [[String]: Double]
  {
    func sized(_ selector: MetricSelector) -> MetricSelector {
      var selector = selector
      if let window { selector.window = window }
      return selector
    }
    let values = try store.evaluate(sized(value), at: now)
    guard let dividedBy else { return values }
    let divisors = try store.evaluate(sized(dividedBy), at: now)
    // A share of nothing is nothing: no requests are no errors.
    return divisors.reduce(into: [:]) { result, entry in
      if entry.value > 0 { result[entry.key] = (values[entry.key] ?? 0) / entry.value }
    }
  }
}
