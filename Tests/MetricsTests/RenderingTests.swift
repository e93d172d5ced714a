import Foundation
import MainstayInstruments
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayMetrics

/// Rules and dashboards as files. `MAINSTAY_WRITE_DEPLOY=1 swift test --filter RenderingTests` writes them anew.
@Suite struct RenderingTests {
  private static let deploy = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("deploy")

  @Test func theFilesUnderDeployAreThoseOfTheDefinitions() throws {
    for (path, text) in Deployment.files.sorted(by: { $0.key < $1.key }) {
      let file = Self.deploy.appendingPathComponent(path)
      if ProcessInfo.processInfo.environment["MAINSTAY_WRITE_DEPLOY"] != nil {
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
      #expect((try? String(contentsOf: file, encoding: .utf8)) == text, "\(path)")
    }
  }

  @Test func promQL() throws {
    func text(_ metric: String, _ how: String, _ kind: MetricKind, _ labels: [String: String] = [:], by: [String] = [])
      throws
      -> String
    {
      MetricSelector(
        metric: metric, labels: labels.mapValues { LabelPattern($0) }, aggregation: try #require(Aggregation(how)),
        window: 300, groupBy: by
      ).promQL(kind)
    }
    #expect(
      try text("a_total", "increase", .counter, ["s": "5*"])
        == "sum by (job, instance) (increase(a_total{s=~\"5.*\"}[5m]))")
    #expect(try text("a", "rate", .counter, by: ["x"]) == "sum by (job, instance, x) (rate(a_total[5m]))")
    #expect(try text("g", "max", .gauge) == "max by (job, instance) (max_over_time(g[5m]))")
    #expect(
      try text("h", "p95", .histogram) == "histogram_quantile(0.95, sum by (le, job, instance) (rate(h_bucket[5m])))")
    #expect(
      try text("h", "above:1", .histogram)
        == "(sum by (job, instance) (increase(h_count[5m])) - sum by (job, instance) (increase(h_bucket{le=~\"1|1\\\\.0\"}[5m])))"
    )
    #expect(PromQL.duration(5_400) == "90m" && PromQL.duration(86_400) == "1d" && PromQL.duration(61) == "61s")
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool")))
  func prometheusAgreesWithTheRules() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mainstay-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (path, text) in Deployment.files where path.hasPrefix("prometheus/") {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + path.dropFirst("prometheus/".count)))
    }
    for arguments in [["check", "rules", "rules.yml", "recording.yml"], ["test", "rules", "rules_test.yml"]] {
      let (status, output) = try run("/usr/bin/promtool", arguments, in: folder)
      #expect(status == 0, "\(arguments): \(output)")
    }
  }

  private func run(_ program: String, _ arguments: [String], in folder: String) throws -> (Int32, String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/amtool")))
  func alertmanagerReadsTheExample() throws {
    let file = Self.deploy.appendingPathComponent("prometheus/alertmanager.yml").path
    for (arguments, wanted) in [
      (["check-config", file], "SUCCESS"),
      (route(file, "HostDown", "critical"), "oncall"), (route(file, "HighLatency", "warning"), "mail"),
      (route(file, "DatabaseUnavailable", "critical"), "oncall,databases"),
      (route(file, "SlowDatabaseQueries", "warning"), "databases"),
    ] {
      let (status, output) = try run("/usr/bin/amtool", arguments, in: NSTemporaryDirectory())
      #expect(status == 0 && output.contains(wanted), "\(arguments): \(output)")
    }
  }

  private func route(_ file: String, _ name: String, _ severity: String) -> [String] {
    ["config", "routes", "test", "--config.file=\(file)", "alertname=\(name)", "severity=\(severity)"]
  }

  /// The alerts that the example of routing names are among those that Prometheus raises.
  @Test func theExampleOfRoutingNamesAlertsThatThereAre() throws {
    let file = Self.deploy.appendingPathComponent("prometheus/alertmanager.yml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let names = Deployment.rules.rules.map(\.name) + Deployment.rules.outside.map(\.name)
    var count = 0
    for match in text.matches(of: /alertname=~?"([^"]+)"/) {
      let expression = try Regex("^(" + match.output.1 + ")$")
      count += 1
      #expect(names.contains { $0.contains(expression) }, "\(match.output.1)")
    }
    #expect(count >= 4)
  }

  @Test func everyStandardRuleCanBeUsed() {
    for rule in Deployment.rules.rules { #expect(rule.problems.isEmpty, "\(rule.name): \(rule.problems)") }
    #expect(Set(Deployment.rules.rules.map(\.name)).count == Deployment.rules.rules.count)
  }

  @Test func objectivesTellWhatIsLeftOfTheBudget() throws {
    let clock = ManualClock(timeSinceEpoch: .seconds(1_000_000))
    let registry = MetricsRegistry(clock: clock)
    var store = TimeSeriesStore(tiers: HistoryConfiguration().tiers, budget: 8 << 20)
    let requests = try registry.counter(
      "http_requests_total", help: "R.", labels: [Label("status", known: ["200", "500"])])
    for _ in 0..<30 {
      requests.labels("200").increment(by: 999)
      requests.labels("500").increment(by: 1)
      clock.advance(by: .seconds(60))
      store.record(MetricsScrape([("http", registry)]).snapshots { _ in true }, at: clock.timeSinceEpoch.inSeconds)
    }
    let json = ObjectiveConfiguration.standard[0].json(store, at: clock.timeSinceEpoch.inSeconds)
    #expect(abs((json["achieved"]?.doubleValue ?? 0) - 0.999) < 1e-6)
    #expect(abs((json["burnRate"]?["1h"]?.doubleValue ?? 0) - 1) < 1e-6)
    #expect(abs(json["budgetRemaining"]?.doubleValue ?? 9) < 1e-6)
    let rules = ObjectiveConfiguration.standard[0].burnRateRules
    #expect(rules.map(\.name) == ["FastBudgetBurn-availability", "SlowBudgetBurn-availability"])
    #expect(abs(rules[0].threshold - 0.0144) < 1e-9)
    let value = try #require(try rules[0].evaluate(store, at: clock.timeSinceEpoch.inSeconds)[[]])
    #expect(abs(value - 0.001) < 1e-6)
    for objective in ObjectiveConfiguration.standard where objective.kind == .throughput {
      #expect(objective.json(store, at: clock.timeSinceEpoch.inSeconds)["met"] == false)
    }
    // A label that the metric does not have: nothing is known of bad events, which is not that there are none.
    let misspelt = ObjectiveConfiguration("a", .availability, "http_requests_total", bad: ["state": "5*"], target: 0.9)
    let answer = misspelt.json(store, at: clock.timeSinceEpoch.inSeconds)
    #expect(answer["met"] == .null && answer["achieved"] == nil)
    #expect(answer["fault"]?.stringValue?.contains("'state'") == true)
  }
}
