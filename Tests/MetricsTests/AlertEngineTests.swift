import FoundationEssentials
import Logging
import Testing

@testable import MainstayMetrics

/// Transcripts of the engine: values in, transitions out, on a clock of numbers.
@Suite struct AlertEngineTests {
  private var engine = AlertEngine()
  private var rule = AlertRule(
    name: "Hot", value: MetricSelector(metric: "temperature", aggregation: .last, window: 60), threshold: 30)

  private mutating func feed(_ value: Double?, at now: Double, group: [String] = []) -> [AlertEngine.Transition.Kind] {
    engine.evaluate(rule, value.map { [group: $0] } ?? [:], at: now).map(\.kind)
  }

  @Test mutating func pendingThenFiringThenResolved() {
    rule.pendingFor = 20
    #expect(feed(30, at: 0) == [])
    #expect(feed(31, at: 10) == [.pending])
    #expect(feed(31, at: 20) == [])
    #expect(feed(31, at: 30) == [.firing])
    #expect(feed(31, at: 40) == [])
    #expect(feed(30, at: 50) == [.resolved])
    #expect(feed(29, at: 60) == [])
    #expect(engine.alerts.count == 1)
    #expect(feed(29, at: 50 + 15 * 60) == [])
    #expect(engine.alerts.isEmpty)
  }

  @Test mutating func aPendingAlertThatStopsIsForgotten() {
    rule.pendingFor = 20
    #expect(feed(31, at: 0) == [.pending])
    #expect(feed(29, at: 10) == [])
    #expect(engine.alerts.isEmpty)
    #expect(feed(31, at: 20) == [.pending])
    #expect(feed(31, at: 30) == [])
    #expect(feed(31, at: 40) == [.firing])
  }

  @Test mutating func itFiresAgainSoonAfterItWasResolved() {
    #expect(feed(31, at: 0) == [.firing])
    #expect(feed(29, at: 10) == [.resolved])
    #expect(feed(31, at: 20) == [.firing])
    rule.pendingFor = 60
    #expect(feed(29, at: 30) == [.resolved])
    #expect(feed(31, at: 40) == [.pending])
    #expect(feed(31, at: 100) == [.firing])
  }

  @Test mutating func keepFiringBridgesShortPauses() {
    rule.keepFiringFor = 30
    #expect(feed(31, at: 0) == [.firing])
    #expect(feed(29, at: 10) == [])
    #expect(feed(31, at: 20) == [])
    #expect(feed(29, at: 30) == [])
    #expect(feed(29, at: 50) == [])
    #expect(feed(29, at: 60) == [.resolved])
  }

  @Test mutating func hysteresisKeepsItUntilTheValueIsWellBelow() {
    rule.clearThreshold = 25
    #expect(feed(28, at: 0) == [])
    #expect(feed(31, at: 10) == [.firing])
    #expect(feed(28, at: 20) == [])
    #expect(feed(25, at: 30) == [.resolved])
    #expect(feed(28, at: 40) == [])
  }

  @Test mutating func silenceResolvesKeepsOrFires() {
    #expect(feed(31, at: 0) == [.firing])
    #expect(feed(nil, at: 10) == [.resolved])
    rule.noData = .keep
    #expect(feed(31, at: 20) == [.firing])
    #expect(feed(nil, at: 30) == [])
    #expect(engine.alerts.values.first?.isFiring == true)
    #expect(feed(29, at: 40) == [.resolved])
    #expect(feed(nil, at: 41 + 15 * 60) == [])
    #expect(engine.alerts.isEmpty)
    rule.noData = .fire
    #expect(feed(nil, at: 2_000) == [.firing])
    #expect(feed(20, at: 2_010) == [.resolved])
  }

  @Test mutating func groupsAreAlertsOfTheirOwnUpToALimit() {
    rule.value.groupBy = ["ward"]
    rule.limit = 3
    let values = Dictionary(uniqueKeysWithValues: (0..<5).map { (["w\($0)"], 40.0) })
    let transitions = engine.evaluate(rule, values, at: 0)
    #expect(transitions.map(\.key.group) == [["w0"], ["w1"], ["w2"]])
    #expect(transitions[0].alert.labels == ["ward": "w0", "alertname": "Hot", "severity": "warning"])
    #expect(engine.leftOut["Hot"] == 2)
    #expect(engine.evaluate(rule, [["w0"]: 10, ["w1"]: 40], at: 10).map(\.key.group) == [["w0"], ["w2"]])
    engine.keep(only: [])
    #expect(engine.alerts.isEmpty)
  }

  @Test mutating func stateSurvivesARestart() throws {
    rule.pendingFor = 20
    rule.keepFiringFor = 30
    #expect(feed(31, at: 0) == [.pending])
    try restart()
    #expect(feed(31, at: 20) == [.firing])
    #expect(feed(29, at: 30) == [])
    try restart()
    #expect(feed(29, at: 59) == [])
    #expect(feed(29, at: 60) == [.resolved])
  }

  @Test mutating func whatIsNoFiniteNumberIsKeptAsWell() throws {
    rule.value.groupBy = ["ward"]
    _ = engine.evaluate(rule, [["w0"]: .infinity, ["w1"]: 40], at: 0)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("alerts-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (file, logger) = (AlertStateFile(path: path), Logger(label: "test"))
    file.write(AlertStateFile.Content(engine: engine, notifier: AlertNotifier(), rules: [rule]), logger)
    let kept = try #require(file.read(logger))
    #expect(kept.engine.alerts == engine.alerts)
    #expect(kept.engine.alerts.values.contains { $0.value == .infinity })
  }

  private mutating func restart() throws {
    engine = try JSONDecoder().decode(AlertEngine.self, from: JSONEncoder().encode(engine))
  }

  @Test mutating func flappingIsSeenAndEnds() {
    var now = 0.0
    for index in 0..<30 {
      now += 10
      _ = feed(index % 2 == 0 ? 31 : 29, at: now)
    }
    #expect(engine.alerts.values.first?.flapping.isFlapping == true)
    for _ in 0..<21 {
      now += 10
      _ = feed(31, at: now)
    }
    #expect(engine.alerts.values.first?.flapping.isFlapping == false)
    var detector = FlapDetector()
    for _ in 0..<20 { detector.note(true) }
    #expect(detector.score == 0)
    for index in 0..<21 { detector.note(index % 2 == 0) }
    #expect(abs(detector.score - 1) < 1e-9)
  }

  @Test func rulesAreChecked() {
    #expect(rule.problems.isEmpty)
    var bad = rule
    bad.name = "a b"
    bad.value.window = 0
    bad.threshold = .nan
    bad.clearThreshold = 50
    bad.limit = 0
    #expect(bad.problems.count >= 4)
  }
}
