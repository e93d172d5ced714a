import MainstayInstruments

/// For each rule, series that make it fire and series that do not: what `promtool test rules` evaluates with Prometheus' own engine.
struct PromtoolTests: Sendable {
  let rules: PrometheusRules
  /// The rule file, as seen from the test file.
  let file: String

  private static let instance = ["job": "mainstay", "instance": "test"]
  private static let interval = 30.0

  var yaml: String {
    var text = "rule_files:\n  - \(file)\nevaluation_interval: 30s\ntests:\n"
    for rule in rules.rules {
      text += test(rule, fires: true)
      text += test(rule, fires: false)
    }
    for rule in rules.outside {
      text += test(rule, rule.example.fires, fires: true)
      text += test(rule, rule.example.calm, fires: false)
    }
    return text
  }

  private func test(_ rule: PrometheusRules.OutsideRule, _ input: [String: String], fires: Bool) -> String {
    let time = Int(rule.pendingFor) + 1_800
    var text = "  - interval: 1m\n    name: \(YAMLText.quoted(rule.name + (fires ? " fires" : " stays calm")))\n"
    text += "    input_series:\n"
    for (series, values) in input.sorted(by: { $0.key < $1.key }) {
      text += "      - series: \(YAMLText.quoted(series))\n        values: \(YAMLText.quoted(values))\n"
    }
    text += "    alert_rule_test:\n      - alertname: \(YAMLText.quoted(rule.name))\n        eval_time: \(time)s\n"
    guard fires else { return text + "        exp_alerts: []\n" }
    let labels = rule.example.labels.merging(["severity": rule.severity]) { first, _ in first }
    return text + expected(labels, rule.summary)
  }

  private func expected(_ labels: [String: String], _ summary: String) -> String {
    var text = "        exp_alerts:\n          - exp_labels:\n"
    for (name, value) in labels.sorted(by: { $0.key < $1.key }) {
      text += "              \(name): \(YAMLText.quoted(value))\n"
    }
    if !summary.isEmpty {
      text += "            exp_annotations:\n              summary: \(YAMLText.quoted(summary))\n"
    }
    return text
  }

  private func test(_ rule: AlertRule, fires: Bool) -> String {
    let span = rule.value.window + rule.pendingFor + 300
    let time = (span / PromtoolTests.interval).rounded(.up) * PromtoolTests.interval
    let samples = Int(time / PromtoolTests.interval) + 2
    var text = "  - interval: 30s\n    name: \(YAMLText.quoted(rule.name + (fires ? " fires" : " stays calm")))\n"
    text += "    input_series:\n"
    for (series, values) in input(rule, fires: fires, samples: samples) {
      text += "      - series: \(YAMLText.quoted(series))\n        values: \(YAMLText.quoted(values))\n"
    }
    text += "    alert_rule_test:\n      - alertname: \(YAMLText.quoted(rule.name))\n        eval_time: \(Int(time))s\n"
    guard fires else { return text + "        exp_alerts: []\n" }
    var labels = PromtoolTests.instance
    for name in rule.value.groupBy { labels[name] = PromtoolTests.example(rule.value.labels[name]) }
    for (name, value) in rules.labels(rule) { labels[name] = value }
    return text + expected(labels, rule.summary)
  }

  /// Series, and their values in promtool's notation: `1+2x30` is 1, 3, 5, …
  private func input(_ rule: AlertRule, fires: Bool, samples: Int) -> [(String, String)] {
    let (value, divisor) = (rule.value, rule.dividedBy)
    // A divisor of one, or of one event a second.
    let isBelow = rule.comparison == .below || rule.comparison == .belowOrEqual
    var wanted = fires != isBelow ? rule.threshold * 2 + 1e-9 : 0
    if divisor != nil, fires { wanted = min(wanted, max(rule.threshold * 1.01, 0.99)) }
    var series = self.series(value, amount: wanted, samples)
    if let divisor {
      let sharesSeries = divisor.family == value.family && rules.kind(of: value) == .counter
      series += self.series(divisor, amount: sharesSeries ? 1 - wanted : 1, samples, but: value.labels)
    }
    // Of one histogram, the same series may be wanted twice.
    var seen: Set<String> = []
    return series.filter { seen.insert($0.0).inserted }
  }

  private func series(
    _ selector: MetricSelector, amount: Double, _ samples: Int, but others: [String: LabelPattern] = [:]
  ) -> [(String, String)] {
    var labels = PromtoolTests.instance
    for name in selector.groupBy { labels[name] = "any" }
    for (name, pattern) in others where selector.labels[name] == nil {
      labels[name] = ["none", "any", String(pattern.text.dropFirst())].first { !pattern.matches($0) } ?? ""
    }
    for (name, pattern) in selector.labels { labels[name] = PromtoolTests.example(pattern) }
    func named(_ suffix: String, _ more: [(String, String)] = []) -> String {
      let all = (labels.map { ($0.key, $0.value) } + more).sorted { $0.0 < $1.0 }
      return selector.family + suffix + "{" + all.map { "\($0.0)=\(PromQL.quoted($0.1))" }.joined(separator: ",") + "}"
    }
    let interval = PromtoolTests.interval
    func growing(_ perSecond: Double) -> String { "0+\((perSecond * interval).shortText)x\(samples)" }
    switch rules.kind(of: selector) {
    case .gauge: return [(named(""), "\(amount.shortText)x\(samples)")]
    case .counter: return [(named("_total"), growing(amount))]
    case .histogram, .summary: return histogram(selector, amount, named, growing)
    }
  }

  private func histogram(
    _ selector: MetricSelector, _ amount: Double, _ named: (String, [(String, String)]) -> String,
    _ growing: (Double) -> String
  ) -> [(String, String)] {
    switch selector.aggregation {
    case .quantile:
      // Everything lies just below the wanted value, or below a tiny one.
      let upper = max(amount, 0.001)
      return [
        (named("_bucket", [("le", (upper * 0.75).shortText)]), growing(0)),
        (named("_bucket", [("le", upper.shortText)]), growing(1)), (named("_bucket", [("le", "+Inf")]), growing(1)),
      ]
    case .above(let bound):
      return [
        (named("_bucket", [("le", bound.description)]), growing(1 - amount)),
        (named("_bucket", [("le", "+Inf")]), growing(1)), (named("_count", []), growing(1)),
      ]
    default: return [(named("_count", []), growing(amount)), (named("_sum", []), growing(amount))]
    }
  }

  /// A value that a pattern matches.
  static func example(_ pattern: LabelPattern?) -> String {
    guard let pattern else { return "any" }
    let first = pattern.text.prefix { $0 != "|" }
    let plain = String(first.map { $0 == "*" ? "1" : $0 })
    return pattern.matches(plain) ? plain : "any"
  }
}
