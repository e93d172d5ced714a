import MainstayKernel

extension ObjectiveConfiguration {
  /// The share of bad events that may be; nil for throughput, which has no budget.
  var budget: Double? { kind == .throughput ? nil : 1 - target }

  /// Bad events over a window.
  func badEvents(over window: Double) -> MetricSelector {
    MetricSelector(
      metric: metric, labels: kind == .availability ? bad.mapValues { LabelPattern($0) } : [:],
      aggregation: kind == .latency ? .above(bound) : .increase, window: window)
  }

  /// All events over a window.
  func allEvents(over window: Double) -> MetricSelector {
    MetricSelector(metric: metric, aggregation: .increase, window: window)
  }

  /// Two alerts on the speed at which the error budget burns, each over a long and a short window: the long one so that a moment is no
  /// alarm, the short one so that the alarm ends soon after its cause. At 14.4 a month's budget lasts two days, at 6 five days. (Google,
  /// The Site Reliability Workbook, chapter 5.)
  var burnRateRules: [AlertRule] {
    guard budget != nil else { return [] }
    return [
      burnRateRule("Fast", rate: 14.4, window: 3_600, shortWindow: 300, "critical"),
      burnRateRule("Slow", rate: 6, window: 21_600, shortWindow: 1_800, "warning"),
    ]
  }

  private func burnRateRule(
    _ speed: String, rate: Double, window: Double, shortWindow: Double, _ severity: String
  ) -> AlertRule {
    // Of a loose promise, a fast burn may be more than there is.
    let threshold = min(rate * (budget ?? 1), 0.95)
    var rule = AlertRule(
      name: "\(speed)BudgetBurn-\(name)", value: badEvents(over: window), dividedBy: allEvents(over: window),
      shortWindow: shortWindow, threshold: threshold)
    rule.severity = severity
    rule.labels = ["objective": name]
    rule.summary = "The error budget of '\(name)' burns \(Aggregation.number(rate)) times as fast as it may."
    return rule
  }
}

extension ObjectiveConfiguration {
  /// How the promise is kept, as far back as samples are.
  func json(_ store: TimeSeriesStore, at now: Double) -> JSONValue {
    do {
      return try answer(store, at: now)
    } catch {
      return [
        "name": .string(name), "kind": .string(kind.rawValue), "metric": .string(metric), "target": .number(target),
        "met": .null, "fault": .string(error.description),
      ]
    }
  }

  private func answer(_ store: TimeSeriesStore, at now: Double) throws(QueryError) -> JSONValue {
    let window = store.tiers.map(\.span).max() ?? 0
    var members: [(String, JSONValue)] = [
      ("name", .string(name)), ("kind", .string(kind.rawValue)), ("metric", .string(metric)),
      ("target", .number(target)),
      ("window", .number(window)),
    ]
    if kind == .throughput {
      let selector = MetricSelector(metric: metric, aggregation: .rate, window: 300)
      let rate = try store.evaluate(selector, at: now)[[]]
      members += [("rate", .finite(rate)), ("met", rate.map { .bool($0 >= target) } ?? .null)]
    } else {
      let share = try badShare(store, over: window, at: now)
      var rates: [(String, JSONValue)] = []
      for (name, window) in [("5m", 300.0), ("1h", 3_600), ("6h", 21_600)] {
        rates.append((name, .finite(try badShare(store, over: window, at: now).map { $0 / (1 - target) })))
      }
      members += [
        ("achieved", .finite(share.map { 1 - $0 })), ("met", share.map { .bool($0 <= 1 - target) } ?? .null),
        ("budgetRemaining", .finite(share.map { 1 - $0 / (1 - target) })),
        ("burnRate", .object(JSONObject(rates))),
      ]
    }
    return .object(JSONObject(members))
  }

  /// The share of bad events; nil without events.
  private func badShare(
    _ store: TimeSeriesStore, over window: Double, at now: Double
  ) throws(QueryError) -> Double? {
    guard let all = try store.evaluate(allEvents(over: window), at: now)[[]], all > 0 else { return nil }
    return (try store.evaluate(badEvents(over: window), at: now)[[]] ?? 0) / all
  }
}
