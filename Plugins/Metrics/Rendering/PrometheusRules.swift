import MainstayInstruments

/// Alert rules as a rule file of Prometheus, and the tests of that file for `promtool test rules`.
struct PrometheusRules: Sendable {
  let rules: [AlertRule]
  /// What kind of metric each family is; those that are not named are told by their spelling.
  let kinds: [String: MetricKind]
  /// Rules that only Prometheus can evaluate, since they are about hosts that do not answer.
  var outside: [OutsideRule] = []

  /// A rule in PromQL.
  struct OutsideRule: Sendable {
    let name: String
    let expression: String
    let pendingFor: Double
    let severity: String
    let summary: String
    /// What it is tested with.
    let example: Example

    /// Series with values in promtool's notation, a minute apart, of which the alert fires and of which it does not.
    struct Example: Sendable {
      let fires: [String: String]
      let calm: [String: String]
      /// The labels of the alert, but for the severity.
      let labels: [String: String]
    }
  }

  func kind(of selector: MetricSelector) -> MetricKind {
    if let kind = kinds[selector.family] { return kind }
    if selector.metric.hasSuffix("_total") { return .counter }
    switch selector.aggregation {
    case .above: return .histogram
    case .quantile: return selector.family.hasSuffix("_seconds") ? .histogram : .gauge
    case .increase where selector.family.hasSuffix("_seconds"): return .histogram
    default: return .gauge
    }
  }

  /// The condition of a rule.
  func expression(_ rule: AlertRule) -> String {
    func compared(_ window: Double?) -> String {
      var value = rule.value.promQL(kind(of: rule.value), window: window)
      if let divisor = rule.dividedBy { value += " / " + divisor.promQL(kind(of: divisor), window: window) }
      return "\(value) \(rule.comparison.rawValue) \(rule.threshold.shortText)"
    }
    guard let short = rule.shortWindow else { return compared(nil) }
    return "(\(compared(nil))) and (\(compared(short)))"
  }

  /// The rule file.
  var yaml: String {
    var text = "groups:\n  - name: mainstay\n    rules:\n"
    for rule in rules {
      text += entry(rule.name, expression(rule), rule.pendingFor, rule.keepFiringFor, labels(rule), rule.summary)
    }
    if !outside.isEmpty { text += "  - name: mainstay-outside\n    rules:\n" }
    for rule in outside {
      text += entry(rule.name, rule.expression, rule.pendingFor, 0, [("severity", rule.severity)], rule.summary)
    }
    return text
  }

  func labels(_ rule: AlertRule) -> [(String, String)] {
    (rule.labels.map { ($0.key, $0.value) } + [("severity", rule.severity)]).sorted { $0.0 < $1.0 }
  }

  private func entry(
    _ name: String, _ expression: String, _ pendingFor: Double, _ keepFiringFor: Double, _ labels: [(String, String)],
    _ summary: String
  ) -> String {
    var text = "      - alert: \(YAMLText.quoted(name))\n        expr: \(YAMLText.quoted(expression))\n"
    if pendingFor > 0 { text += "        for: \(PromQL.duration(pendingFor))\n" }
    if keepFiringFor > 0 { text += "        keep_firing_for: \(PromQL.duration(keepFiringFor))\n" }
    text += "        labels:\n"
    for (name, value) in labels { text += "          \(name): \(YAMLText.quoted(value))\n" }
    if !summary.isEmpty { text += "        annotations:\n          summary: \(YAMLText.quoted(summary))\n" }
    return text
  }
}

/// Text in YAML.
enum YAMLText {
  /// In double quotes, escaped as JSON, which YAML reads.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where scalar.value < 0x20: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension Double {
  /// `0.05`, `1`, without the noise of binary fractions: twelve digits.
  var shortText: String {
    guard magnitude < 1e6 else { return Aggregation.number(self) }
    let scaled = (self * 1e9).rounded() / 1e9
    return Aggregation.number(scaled)
  }
}
