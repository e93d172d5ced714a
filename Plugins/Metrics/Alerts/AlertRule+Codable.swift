extension AlertRule: StrictInput {
  static let members = [
    "value": MetricSelector.CodingKeys.allCases.map(\.stringValue),
    "divided_by": MetricSelector.CodingKeys.allCases.map(\.stringValue),
  ]
  static let choices = [
    "aggregation": Aggregation.names, "comparison": Comparison.allCases.map(\.rawValue).joined(separator: ", "),
    "no_data": NoData.allCases.map(\.rawValue).joined(separator: ", "),
  ]

  static var example: AlertRule {
    var rule = AlertRule(
      name: "SlowAppointments",
      value: MetricSelector(
        metric: "appointment_wait_time", aggregation: .quantile(0.95), window: 900, groupBy: ["facility"]),
      threshold: 1_800)
    rule.pendingFor = 600
    rule.summary = "Patients wait too long."
    return rule
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, value, comparison, threshold, severity, channels, escalation, summary, labels, limit
    case dividedBy = "divided_by"
    case shortWindow = "short_window"
    case clearThreshold = "clear_threshold"
    case pendingFor = "for"
    case keepFiringFor = "keep_firing_for"
    case noData = "no_data"
  }

  /// Reads a rule; what is left out has its default.
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try container.decode(String.self, forKey: .name),
      value: try container.decode(MetricSelector.self, forKey: .value),
      threshold: try container.decode(Double.self, forKey: .threshold))
    dividedBy = try container.decodeIfPresent(MetricSelector.self, forKey: .dividedBy)
    shortWindow = try container.decodeIfPresent(Double.self, forKey: .shortWindow)
    comparison = try container.decodeIfPresent(Comparison.self, forKey: .comparison) ?? comparison
    clearThreshold = try container.decodeIfPresent(Double.self, forKey: .clearThreshold)
    pendingFor = try container.decodeIfPresent(Double.self, forKey: .pendingFor) ?? 0
    keepFiringFor = try container.decodeIfPresent(Double.self, forKey: .keepFiringFor) ?? 0
    noData = try container.decodeIfPresent(NoData.self, forKey: .noData) ?? noData
    severity = try container.decodeIfPresent(String.self, forKey: .severity) ?? severity
    channels = try container.decodeIfPresent([String].self, forKey: .channels) ?? []
    escalation = try container.decodeIfPresent([EscalationStep].self, forKey: .escalation) ?? []
    summary = try container.decodeIfPresent(String.self, forKey: .summary) ?? ""
    labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
    limit = try container.decodeIfPresent(Int.self, forKey: .limit) ?? limit
  }

  /// Writes a rule.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(value, forKey: .value)
    try container.encodeIfPresent(dividedBy, forKey: .dividedBy)
    try container.encodeIfPresent(shortWindow, forKey: .shortWindow)
    try container.encode(comparison, forKey: .comparison)
    try container.encode(threshold, forKey: .threshold)
    try container.encodeIfPresent(clearThreshold, forKey: .clearThreshold)
    try container.encode(pendingFor, forKey: .pendingFor)
    try container.encode(keepFiringFor, forKey: .keepFiringFor)
    try container.encode(noData, forKey: .noData)
    try container.encode(severity, forKey: .severity)
    try container.encode(channels, forKey: .channels)
    try container.encode(escalation, forKey: .escalation)
    try container.encode(summary, forKey: .summary)
    try container.encode(labels, forKey: .labels)
    try container.encode(limit, forKey: .limit)
  }
}

extension MetricSelector {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case metric, labels, aggregation, window
    case groupBy = "group_by"
  }

  /// Reads a selector; what is left out has its default: no labels, five minutes, no groups.
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      metric: try container.decode(String.self, forKey: .metric),
      labels: try container.decodeIfPresent([String: LabelPattern].self, forKey: .labels) ?? [:],
      aggregation: try container.decode(Aggregation.self, forKey: .aggregation),
      window: try container.decodeIfPresent(Double.self, forKey: .window) ?? 300,
      groupBy: try container.decodeIfPresent([String].self, forKey: .groupBy) ?? [])
  }

  /// Writes a selector.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(metric, forKey: .metric)
    try container.encode(labels, forKey: .labels)
    try container.encode(aggregation, forKey: .aggregation)
    try container.encode(window, forKey: .window)
    try container.encode(groupBy, forKey: .groupBy)
  }
}
