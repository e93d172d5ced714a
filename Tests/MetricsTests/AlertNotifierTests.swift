import Testing

@testable import MainstayMetrics

@Suite struct AlertNotifierTests {
  private var engine = AlertEngine()
  private var notifier = AlertNotifier()
  private var settings = AlertNotifier.Settings(groupWait: 30, groupInterval: 300, repeatInterval: 3_600)
  private var rules: [String: AlertRule] = [:]

  init() {
    for (name, severity) in [("Hot", "warning"), ("Down", "critical")] {
      var rule = AlertRule(
        name: name, value: MetricSelector(metric: "m", aggregation: .last, window: 60, groupBy: ["ward"]), threshold: 1)
      rule.severity = severity
      rule.channels = ["email-\(name)"]
      rules[name] = rule
    }
  }

  private mutating func set(_ rule: String, _ wards: [String: Double], at now: Double) {
    guard let rule = rules[rule] else { return }
    _ = engine.evaluate(rule, Dictionary(uniqueKeysWithValues: wards.map { ([$0.key], $0.value) }), at: now)
  }

  private mutating func plan(_ now: Double) -> [AlertNotifier.Notification] {
    notifier.plan(engine, rules: rules, settings, at: now)
  }

  @Test mutating func alertsOfAGroupAreToldTogetherAfterAWait() {
    set("Hot", ["eye": 2], at: 0)
    #expect(plan(0).isEmpty)
    set("Hot", ["eye": 2, "ear": 2], at: 20)
    #expect(plan(20).isEmpty)
    let first = plan(30)
    #expect(first.map(\.reason) == [.first])
    #expect(first.first?.firing.map(\.group) == [["ear"], ["eye"]])
    #expect(first.first?.group == ["alertname": "Hot"])
    #expect(first.first?.channels == ["email-Hot"])
    #expect(plan(40).isEmpty)
  }

  @Test mutating func changesAreToldAtIntervalsAndThenAllIsOver() {
    set("Hot", ["eye": 2], at: 0)
    _ = plan(0)
    #expect(plan(30).map(\.reason) == [.first])
    set("Hot", ["eye": 2, "ear": 2], at: 40)
    #expect(plan(100).isEmpty)
    #expect(plan(330).map(\.reason) == [.newAlerts])
    set("Hot", ["eye": 2, "ear": 0], at: 340)
    let some = plan(630)
    #expect(some.map(\.reason) == [.someResolved])
    #expect(some.first?.resolved.map(\.group) == [["ear"]])
    set("Hot", ["eye": 0, "ear": 0], at: 640)
    #expect(plan(930).map(\.reason) == [.allResolved])
    #expect(plan(5_000).isEmpty)
  }

  @Test mutating func whoWasToldIsToldThatARuleIsGone() {
    set("Down", ["eye": 2], at: 0)
    _ = plan(0)
    #expect(plan(30).map(\.reason) == [.first])
    let ended = engine.end("Down", at: 40)
    #expect(ended.map(\.kind) == [.resolved] && engine.alerts.isEmpty)
    rules["Down"] = nil
    let over = plan(330)
    #expect(over.map(\.reason) == [.allResolved])
    #expect(over.first?.channels == ["email-Down"])
    #expect(over.first?.severity == "critical")
  }

  @Test mutating func whatDoesNotChangeIsRepeated() {
    set("Hot", ["eye": 2], at: 0)
    _ = plan(0)
    #expect(plan(30).map(\.reason) == [.first])
    #expect(plan(3_000).isEmpty)
    #expect(plan(3_630).map(\.reason) == [.repeat])
  }

  @Test mutating func silencedAlertsAreNotTold() {
    let silence = AlertNotifier.Silence(
      id: "s1", labels: ["ward": LabelPattern("e*")], until: 1_000, creator: "ada", comment: "known")
    let isAccepted = notifier.silence(silence)
    #expect(isAccepted)
    set("Hot", ["eye": 2], at: 0)
    #expect(plan(0).isEmpty)
    #expect(plan(900).isEmpty)
    set("Hot", ["eye": 2, "heart": 2], at: 900)
    _ = plan(900)
    #expect(plan(930).first?.firing.map(\.group) == [["heart"]])
    // It ends by itself.
    #expect(plan(1_300).first?.firing.map(\.group) == [["eye"], ["heart"]])
    #expect(notifier.silences.isEmpty)
    let wasThere = notifier.endSilence("s1")
    #expect(!wasThere)
  }

  @Test mutating func aLargerAlertInhibitsASmallerOne() {
    settings.inhibitions = [
      .init(source: ["alertname": LabelPattern("Down")], target: ["severity": LabelPattern("warning")], equal: ["ward"])
    ]
    set("Hot", ["eye": 2, "ear": 2], at: 0)
    set("Down", ["eye": 2], at: 0)
    _ = plan(0)
    let told = plan(30)
    #expect(told.map { $0.group["alertname"] } == ["Down", "Hot"])
    #expect(told.last?.firing.map(\.group) == [["ear"]])
  }

  @Test mutating func nobodyWhoCaresEscalates() {
    rules["Hot"]?.escalation = [.init(after: 600, channels: ["sms"]), .init(after: 1_200, channels: ["phone"])]
    set("Hot", ["eye": 2], at: 0)
    _ = plan(0)
    _ = plan(30)
    #expect(plan(599).isEmpty)
    let first = plan(600)
    #expect(first.map(\.reason) == [.escalation])
    #expect(first.first?.channels == ["sms"])
    #expect(plan(700).isEmpty)
    #expect(notifier.acknowledge("Hot", engine) == 1)
    #expect(plan(1_300).isEmpty)
    // Over, and again: a new alert, and nobody cares yet.
    set("Hot", ["eye": 0], at: 1_310)
    _ = plan(1_320)
    set("Hot", ["eye": 2], at: 1_330)
    #expect(plan(1_930).contains { $0.reason == .escalation })
  }

  @Test mutating func flappingAlertsAreToldOnce() {
    var told = 0
    var now = 0.0
    for index in 0..<200 {
      now += 100
      set("Hot", ["eye": index % 2 == 0 ? 2 : 0], at: now)
      told += plan(now).count
    }
    #expect(told < 25)
    let before = told
    for index in 0..<100 {
      now += 100
      set("Hot", ["eye": index % 2 == 0 ? 2 : 0], at: now)
      told += plan(now).count
    }
    #expect(told - before <= 4)
  }
}
