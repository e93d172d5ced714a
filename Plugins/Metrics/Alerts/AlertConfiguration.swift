import MainstayInstruments
public import MainstayKernel

/// Which alerts there are, and who is told: `alerts:`.
public struct AlertConfiguration: PluginConfiguration {
  /// Whether the rules that every host needs are there.
  @Field("Use the standard rules: error rate, latency, memory, lag, failed plugins and the like.")
  public var standard = true

  /// Further rules.
  @Field("Further rules; one with the name of a standard rule takes its place.")
  public var rules: [AlertRuleConfiguration] = []

  /// How often rules are evaluated.
  @Field("How often rules are evaluated.", range: .seconds(1)...Duration.seconds(3_600))
  public var every: Duration = .seconds(10)

  /// Grouping.
  @Field("Alerts that agree in these labels are told together.")
  public var groupBy = ["alertname"]

  /// The wait of a new group.
  @Field("How long a new group of alerts waits for more of its kind.", range: .zero...Duration.seconds(3_600))
  public var groupWait: Duration = .seconds(30)

  /// The interval of changes.
  @Field("How long until changes of a group are told.", range: .zero...Duration.seconds(86_400))
  public var groupInterval: Duration = .seconds(300)

  /// The interval of repetition.
  @Field(
    "How long until a group that has not changed is told of again.", range: .seconds(60)...Duration.seconds(864_000))
  public var repeatInterval: Duration = .seconds(14_400)

  /// What makes other alerts superfluous.
  @Field("Alerts that make others superfluous.")
  public var inhibitions: [InhibitionConfiguration] = []

  /// Where the state is kept.
  @Field("File in which alerts, silences and rules set over HTTP survive a restart; absent: they do not.")
  public var stateFile: String?

  /// The defaults.
  public init() {}

  var settings: AlertNotifier.Settings {
    AlertNotifier.Settings(
      groupBy: groupBy, groupWait: groupWait.inSeconds, groupInterval: groupInterval.inSeconds,
      repeatInterval: repeatInterval.inSeconds,
      inhibitions: inhibitions.map {
        AlertNotifier.Inhibition(
          source: $0.source.mapValues { LabelPattern($0) }, target: $0.target.mapValues { LabelPattern($0) },
          equal: $0.equal)
      })
  }
}

/// While one alert fires, others are not told.
public struct InhibitionConfiguration: PluginConfiguration {
  /// The alert that says enough.
  @Field("Labels of the alert that says enough.", example: "{ alertname: ServiceDown }")
  public var source: [String: String] = [:]

  /// The alerts that are superfluous then.
  @Field("Labels of the alerts that are not told then.", example: "{ severity: warning }")
  public var target: [String: String] = [:]

  /// Labels in which they must agree.
  @Field("Labels in which both must agree.")
  public var equal: [String] = []

  /// The defaults.
  public init() {}
}

/// One rule: `alerts.rules`.
public struct AlertRuleConfiguration: PluginConfiguration {
  /// The name.
  @Field("The name of the alert, without spaces.", minLength: 1, example: "SlowAppointments")
  public var name = ""

  /// What is measured.
  @Field("The metric.", minLength: 1, example: "http_request_duration_seconds")
  public var metric = ""

  /// Which series.
  @Field("What label values must be: '5*', 'GET|HEAD', '!5*'.", example: "{ status: '5*' }")
  public var `where`: [String: String] = [:]

  /// How the samples of the window are made one number.
  @Field("How: sum, avg, min, max, count, rate, increase, last, p95 (any percentile), above:0.5 (any bound).")
  public var aggregation = "last"

  /// The window.
  @Field("Over how long a time.", range: .seconds(1)...Duration.seconds(604_800))
  public var window: Duration = .seconds(300)

  /// Groups.
  @Field("An alert of its own for each combination of values of these labels.")
  public var groupBy: [String] = []

  /// What the value is divided by.
  @Field("A metric that the value is divided by, over the same window and groups; absent: none.")
  public var dividedBy: DivisorConfiguration?

  /// The comparison.
  @Field("What is bad: '>', '>=', '<' or '<='.", pattern: "[<>]=?")
  public var comparison = ">"

  /// The threshold.
  @Field("What the value is compared with.")
  public var threshold = 0.0

  /// Hysteresis.
  @Field("While it fires, the alert goes on until the value is back at this; absent: at the threshold.")
  public var clearThreshold: Double?

  /// How long the condition must hold.
  @Field("How long the condition must hold before the alert fires.", range: .zero...Duration.seconds(604_800))
  public var `for`: Duration = .zero

  /// How long it goes on.
  @Field("How long the condition must be gone before the alert is over.", range: .zero...Duration.seconds(604_800))
  public var keepFiringFor: Duration = .zero

  /// What silence means.
  @Field("What it means that there are no samples: resolve, keep or fire.", pattern: "resolve|keep|fire")
  public var noData = "resolve"

  /// The severity.
  @Field("How bad it is: info, warning, high, critical.", minLength: 1)
  public var severity = "warning"

  /// Whom to tell.
  @Field("Whom to tell; passed on to whoever delivers.", example: "[email, oncall]")
  public var channels: [String] = []

  /// Whom to tell if nobody cares.
  @Field("Whom to tell if nobody has acknowledged the alert after a while.")
  public var escalation: [EscalationConfiguration] = []

  /// What it means.
  @Field("What it means and what to do, in a sentence.")
  public var summary = ""

  /// The most alerts of the rule.
  @Field("Alerts that the rule may have at once.", range: 1...10_000)
  public var limit = 100

  /// The defaults.
  public init() {}

  /// Checks the aggregation and the thresholds.
  public func validate(into issues: inout ConfigurationChecks) {
    if Aggregation(aggregation) == nil { issues.error("aggregation", "is none of: \(Aggregation.names)") }
    if let dividedBy, Aggregation(dividedBy.aggregation) == nil {
      issues.error("divided_by.aggregation", "is none of: \(Aggregation.names)")
    }
    for problem in rule?.problems ?? [] { issues.error("name", "of the alert rule '\(name)': \(problem)") }
  }

  /// The rule; nil if an aggregation is none.
  var rule: AlertRule? {
    guard let how = Aggregation(aggregation), let comparison = AlertRule.Comparison(rawValue: comparison) else {
      return nil
    }
    let seconds = window.inSeconds
    var rule = AlertRule(
      name: name,
      value: MetricSelector(
        metric: metric, labels: self.where.mapValues { LabelPattern($0) }, aggregation: how, window: seconds,
        groupBy: groupBy), threshold: threshold)
    if let dividedBy {
      guard let how = Aggregation(dividedBy.aggregation) else { return nil }
      rule.dividedBy = MetricSelector(
        metric: dividedBy.metric, labels: dividedBy.where.mapValues { LabelPattern($0) }, aggregation: how,
        window: seconds, groupBy: groupBy)
    }
    rule.comparison = comparison
    rule.clearThreshold = clearThreshold
    rule.pendingFor = self.for.inSeconds
    rule.keepFiringFor = keepFiringFor.inSeconds
    rule.noData = AlertRule.NoData(rawValue: noData) ?? .resolve
    rule.severity = severity
    rule.channels = channels
    rule.escalation = escalation.map { .init(after: $0.after.inSeconds, channels: $0.channels) }
    rule.summary = summary
    rule.limit = limit
    return rule
  }
}

/// What an alert's value is divided by.
public struct DivisorConfiguration: PluginConfiguration {
  /// The metric.
  @Field("The metric.", minLength: 1)
  public var metric = ""

  /// Which series.
  @Field("What label values must be.")
  public var `where`: [String: String] = [:]

  /// How.
  @Field("How the samples of the window are made one number.")
  public var aggregation = "last"

  /// The defaults.
  public init() {}
}

/// Whom to tell if nobody has acknowledged an alert.
public struct EscalationConfiguration: PluginConfiguration {
  /// After how long.
  @Field("How long after the alert fired.", range: .zero...Duration.seconds(604_800))
  public var after: Duration = .seconds(900)

  /// Whom.
  @Field("Whom to tell.")
  public var channels: [String] = []

  /// The defaults.
  public init() {}
}
