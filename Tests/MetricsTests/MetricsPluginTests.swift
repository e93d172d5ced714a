import Foundation
import FoundationNetworking
import MainstayHTTP
import MainstayHTTPServer
import MainstayInstruments
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayMetrics

/// The plugin in a running host on a clock that is moved by hand.
@Suite(.serialized) struct MetricsPluginTests {
  private static let alerts = """
    plugins:
      http: { port: 0 }
      shop: {}
      metrics:
        access: open
        write_access: open
        objectives: []
        history: { watch: [orders_total, queue, revenue_total] }
        definitions: [{ name: beds, type: gauge, labels: [ward] }]
        alerts:
          standard: false
          group_wait: 0s
          rules:
            - { name: QueueFull, metric: queue, aggregation: last, window: 1m, threshold: 10, for: 20s, severity: critical, channels: [oncall], summary: Too long. }
    """

  private func send(
    _ kernel: Kernel, _ method: String, _ path: String, _ body: JSONValue? = nil
  ) async throws -> (status: Int, json: JSONValue) {
    let listening = try #require(kernel.events.last(HTTPListening.self))
    var request = URLRequest(url: try #require(URL(string: listening.address + path)))
    request.httpMethod = method
    if let body {
      request.httpBody = Data(body.utf8())
      request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    }
    let (data, response) = try await URLSession.shared.data(for: request)
    let answer = try #require(response as? HTTPURLResponse)
    return (answer.statusCode, (try? JSONValue(parsing: String(decoding: data, as: UTF8.self))) ?? .null)
  }

  private func advance(_ clock: ManualClock, _ ticks: Int = 1) async {
    for _ in 0..<ticks {
      await clock.waitForSleeper(due: .seconds(10))
      clock.advance(by: .seconds(10))
      await clock.waitForSleeper(due: .seconds(10))
    }
  }

  @Test func anAlertGoesFromPendingToFiringToResolved() async throws {
    let clock = ManualClock()
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: Self.alerts, clock: clock) {
      kernel in
      let recorder = EventRecorder(kernel.events, "metrics.*")
      let queue = try #require(ShopPlugin.queue)
      queue.set(11)
      await advance(clock)
      #expect(try await recorder.next(AlertPending.self).alert == "QueueFull")
      await advance(clock, 2)
      let triggered = try await recorder.next(AlertTriggered.self)
      #expect(triggered.severity == "critical" && triggered.value == 11 && triggered.channels == ["oncall"])
      let told = try await recorder.next(AlertNotification.self)
      #expect(told.reason == "first" && told.firing == ["QueueFull"])
      let alerts = try await send(kernel, "GET", "/metrics/alerts").json
      #expect(alerts["alerts"]?[0]?["state"] == "firing")
      #expect(alerts["rules"]?[0]?["origin"] == "manifest")
      #expect(try await send(kernel, "POST", "/metrics/alerts/QueueFull/acknowledge", [:]).json["acknowledged"] == 1)
      queue.set(1)
      await advance(clock)
      #expect(try await recorder.next(AlertResolved.self).value == 1)
    }
  }

  @Test func questionsAreAnsweredOverHTTP() async throws {
    let clock = ManualClock()
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: Self.alerts, clock: clock) {
      kernel in
      let orders = try #require(ShopPlugin.orders)
      await advance(clock)
      orders.labels("web").increment(by: 30)
      orders.labels("phone").increment(by: 3)
      await advance(clock, 2)
      let query: JSONValue = [
        "metric": "orders_total", "aggregation": "increase", "group_by": ["from"], "window": 60, "start": -20,
        "step": 10,
      ]
      let answer = try await send(kernel, "POST", "/metrics/query", query)
      #expect(answer.status == 200)
      #expect(answer.json["series"]?.arrayValue?.count == 2)
      #expect(answer.json["series"]?[1]?["labels"]?["from"] == "web")
      #expect(answer.json["series"]?[1]?["points"]?.arrayValue?.last?[1]?.doubleValue == 30)
      // Without a step, one number for the whole range.
      let range: JSONValue = ["metric": "orders_total", "aggregation": "increase", "start": -60]
      let whole = try await send(kernel, "POST", "/metrics/query", range).json
      #expect(whole["window"]?.doubleValue == 60)
      #expect(whole["series"]?[0]?["points"]?.arrayValue?.map { $0[1]?.doubleValue } == [33])
      for (body, status): (JSONValue, Int) in [
        (["metric": "nothing", "aggregation": "sum"], 404), (["metric": "orders_total", "aggregation": "median"], 422),
        (["metric": "orders_total", "aggregation": "avg"], 422),
        (["metric": "queue", "aggregation": "avg", "step": 0], 422),
        (["metric": "queue", "aggregation": "avg", "start": -1_000_000, "step": 1], 422), (["metric": "queue"], 422),
        (["metric": "queue", "aggregation": "avg", "window": 1e300], 422),
        (["metric": "orders_total", "aggregation": "rate", "window": 604_800, "start": -2_000, "step": 1], 200),
      ] {
        let answer = try await send(kernel, "POST", "/metrics/query", body)
        #expect(answer.status == status, "\(body)")
      }
      let statistics = try await send(kernel, "GET", "/metrics/statistics").json
      let plugins = statistics["plugins"]?.arrayValue?.compactMap { $0["plugin"]?.stringValue } ?? []
      #expect(plugins == ["http", "metrics", "shop"])
      #expect((statistics["history"]?["series"]?.integerValue ?? 0) >= 3)
    }
  }

  @Test func metricsAreRecordedByName() async throws {
    let clock = ManualClock()
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: Self.alerts, clock: clock) {
      kernel in
      let records: [(String, JSONValue, Int)] = [
        (
          "business", ["name": "revenue_total", "value": 12.5, "context": ["currency": "EUR", "userId": "user123"]], 202
        ),
        ("business", ["name": "user_signups", "context": ["source": "ada@example.org"]], 202),
        ("business", ["name": "beds", "value": 4, "context": ["ward": "eye"]], 202),
        ("business", ["name": "unknown"], 404), ("business", ["name": "revenue", "value": -1], 422),
        ("performance", ["name": "import", "duration_ms": 250, "context": ["result": "ok"]], 202),
        ("performance", ["name": "import"], 422), ("performance", ["name": "", "duration_ms": 1], 422),
        (
          "healthcare",
          [
            "name": "patient_appointments", "facility": "north", "department": "eye", "anonymized": true,
            "context": ["status": "kept", "patient": "MRN 4711001"],
          ], 202
        ),
        ("healthcare", ["name": "appointment_wait_time", "value": 700, "facility": "north", "anonymized": true], 202),
        ("healthcare", ["name": "patient_appointments", "facility": "north"], 422),
      ]
      for (kind, body, status) in records {
        let answer = try await send(kernel, "POST", "/metrics/\(kind)", body)
        #expect(answer.status == status, "\(body)")
      }
      let defined = try await send(
        kernel, "POST", "/metrics/definitions",
        ["name": "meals", "type": "counter", "labels": ["kind"], "help": "Meals."])
      #expect(defined.status == 201)
      #expect(try await send(kernel, "POST", "/metrics/definitions", ["name": "meals", "type": "gauge"]).status == 409)
      #expect(try await send(kernel, "POST", "/metrics/definitions", ["name": "a b", "type": "gauge"]).status == 422)
      #expect(
        try await send(kernel, "POST", "/metrics/business", ["name": "meals", "context": ["kind": "soup"]]).status
          == 202)
      let exported = try await send(kernel, "POST", "/metrics/export", ["format": "json"]).json
      let families = exported["metrics"]?.arrayValue ?? []
      // The first series is the one that is there from the beginning.
      func series(_ name: String) -> JSONValue? {
        families.first { $0["name"]?.stringValue == name }?["series"]?.arrayValue?.last
      }
      #expect(series("revenue_total")?["value"] == 12.5)
      #expect(series("revenue_total")?["labels"] == ["currency": "EUR", "category": ""])
      #expect(series("user_signups_total")?["labels"]?["source"] == "redacted")
      #expect(series("beds")?["labels"]?["ward"] == "eye")
      #expect(series("meals_total")?["value"] == 1)
      #expect(series("operation_duration_seconds")?["sum"] == 0.25)
      #expect(
        series("patient_appointments")?["labels"] == ["facility": "north", "department": "eye", "status": "kept"])
      #expect(series("appointment_wait_time")?["count"] == 1)
      #expect(!exported.compact.contains("4711001") && !exported.compact.contains("user123"))
      let definitions = try await send(kernel, "GET", "/metrics/definitions").json["metrics"]?.arrayValue ?? []
      #expect(definitions.contains { $0["name"]?.stringValue == "meals_total" })
    }
  }

  @Test func everyKindIsRecordedByName() async throws {
    let clock = ManualClock()
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: Self.alerts, clock: clock) {
      kernel in
      for (name, type) in [
        ("stock", "up_down"), ("import_seconds", "timer"), ("size", "summary"), ("heat", "gauge"), ("meals", "counter"),
        ("weight", "histogram"),
      ] {
        let defined = try await send(
          kernel, "POST", "/metrics/definitions", ["name": .string(name), "type": .string(type), "labels": ["ward"]])
        #expect(defined.status == 201, "\(name): \(defined.json.compact)")
        for value in [2.5, 1.5] {
          let body: JSONValue = ["name": .string(name), "value": .number(value), "context": ["ward": "eye"]]
          #expect(try await send(kernel, "POST", "/metrics/business", body).status == 202, "\(name)")
        }
      }
      let taken = try await send(
        kernel, "POST", "/metrics/definitions", ["name": "stock", "type": "gauge", "labels": ["ward"]])
      #expect(taken.status == 409)
      let less: JSONValue = ["name": "stock", "value": -3, "context": ["ward": "eye"]]
      #expect(try await send(kernel, "POST", "/metrics/business", less).status == 202)
      let other = try await send(kernel, "POST", "/metrics/definitions", ["name": "import", "type": "timer"])
      #expect(other.status == 422 && (other.json["detail"]?.stringValue ?? "").contains("_seconds"))
      let exported = try await send(kernel, "POST", "/metrics/export", ["format": "json"]).json
      let families = exported["metrics"]?.arrayValue ?? []
      func family(_ name: String) -> JSONValue? { families.first { $0["name"]?.stringValue == name } }
      func last(_ name: String) -> JSONValue? { family(name)?["series"]?.arrayValue?.last }
      #expect(family("stock")?["type"] == "gauge" && last("stock")?["value"] == 1)
      #expect(last("import_seconds")?["sum"] == 4 && last("import_seconds")?["count"] == 2)
      #expect(family("size")?["type"] == "summary" && last("size")?["sum"] == 4)
      #expect(last("heat")?["value"] == 1.5 && family("heat")?["series"]?.arrayValue?.count == 1)
      #expect(last("meals_total")?["value"] == 4 && last("weight")?["count"] == 2)
      #expect(family("meals_total")?["help"] == "Recorded by name.")
    }
  }

  @Test func whatIsRecordedByNameCanBeAskedFor() async throws {
    let clock = ManualClock()
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: Self.alerts, clock: clock) {
      kernel in
      let record: JSONValue = ["name": "user_signups", "value": 3, "context": ["source": "web"]]
      let question: JSONValue = [
        "metric": "user_signups_total", "aggregation": "increase", "group_by": ["source"],
      ]
      var answer = try await send(kernel, "POST", "/metrics/query", question)
      // What is recorded before the first look at the metrics is not an increase.
      try await eventually {
        #expect(try await send(kernel, "POST", "/metrics/business", record).status == 202)
        await advance(clock)
        answer = try await send(kernel, "POST", "/metrics/query", question)
        let web = answer.json["series"]?.arrayValue?.first { $0["labels"]?["source"] == "web" }
        let increase = web?["points"]?[0]?[1]?.doubleValue ?? 0
        return increase > 0 && increase.truncatingRemainder(dividingBy: 3) == 0
      }
      #expect(answer.status == 200, "\(answer.json.compact)")
    }
  }

  @Test func whoWasToldOfAnAlertLearnsThatItsRuleIsRemoved() async throws {
    let clock = ManualClock()
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: Self.alerts, clock: clock) {
      kernel in
      let recorder = EventRecorder(kernel.events, "metrics.*")
      let rule: JSONValue = [
        "name": "Long", "value": ["metric": "queue", "aggregation": "last"], "threshold": 3, "channels": ["oncall"],
      ]
      #expect(try await send(kernel, "POST", "/metrics/alerts", rule).status == 201)
      try #require(ShopPlugin.queue).set(5)
      await advance(clock, 2)
      #expect(try await recorder.next(AlertTriggered.self).alert == "Long")
      #expect(try await recorder.next(AlertNotification.self).reason == "first")
      #expect(try await send(kernel, "DELETE", "/metrics/alerts/Long").status == 204)
      let resolved = try await recorder.next(AlertResolved.self)
      #expect(resolved.alert == "Long" && resolved.channels == ["oncall"])
      let alerts = try await send(kernel, "GET", "/metrics/alerts").json["alerts"]?.arrayValue
      #expect(alerts?.isEmpty == true)
    }
  }

  /// A rule that nobody measures anything for would never fire, and nobody would learn of it.
  @Test func aRuleOfAMetricThatNobodyExportsSaysSo() async throws {
    let clock = ManualClock()
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: Self.alerts, clock: clock) {
      kernel in
      let rule: JSONValue = [
        "name": "Gone", "value": ["metric": "no_such_metric", "aggregation": "last"], "threshold": 1,
      ]
      #expect(try await send(kernel, "POST", "/metrics/alerts", rule).status == 201)
      var rules: [JSONValue] = []
      try await eventually {
        await advance(clock)
        rules = try await send(kernel, "GET", "/metrics/alerts").json["rules"]?.arrayValue ?? []
        return rules.first?["fault"]?.stringValue != nil
      }
      #expect(rules.map { $0["name"] } == ["Gone", "QueueFull"])
      let fault = try #require(rules.first?["fault"]?.stringValue)
      #expect(fault.contains("no_such_metric"))
      #expect(rules.last?["fault"] == .null)
    }
  }

  @Test func rulesAndSilencesOverHTTPSurviveARestart() async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("alerts-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let manifest = Self.alerts.replacingOccurrences(of: "group_wait: 0s", with: "state_file: \(file)")
    let rule: JSONValue = [
      "name": "NoOrders", "value": ["metric": "orders_total", "aggregation": "rate"], "comparison": "<", "threshold": 1,
      "no_data": "fire", "severity": "high",
    ]
    try await withHost(
      [HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: manifest, clock: ManualClock()
    ) {
      kernel in
      #expect(try await send(kernel, "POST", "/metrics/alerts", rule).status == 201)
      #expect(try await send(kernel, "POST", "/metrics/alerts", ["name": "Bad"]).status == 422)
      var other = rule.objectValue ?? [:]
      other["name"] = "QueueFull"
      #expect(try await send(kernel, "POST", "/metrics/alerts", .object(other)).status == 409)
      #expect(try await send(kernel, "DELETE", "/metrics/alerts/QueueFull").status == 409)
      #expect(try await send(kernel, "DELETE", "/metrics/alerts/Nobody").status == 404)
      let silence = try await send(
        kernel, "POST", "/metrics/silences", ["labels": ["severity": "high"], "duration": 3_600, "comment": "known"])
      #expect(silence.status == 201)
      #expect(try await send(kernel, "POST", "/metrics/silences", ["labels": [:], "duration": 3_600]).status == 422)
    }
    try await withHost(
      [HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: manifest, clock: ManualClock()
    ) {
      kernel in
      let alerts = try await send(kernel, "GET", "/metrics/alerts").json
      #expect(alerts["rules"]?.arrayValue?.compactMap { $0["name"]?.stringValue } == ["NoOrders", "QueueFull"])
      let silences = try await send(kernel, "GET", "/metrics/silences").json["silences"]?.arrayValue ?? []
      #expect(silences.count == 1)
      let id = silences.first?["id"]?.stringValue ?? ""
      #expect(try await send(kernel, "DELETE", "/metrics/silences/\(id)").status == 204)
      #expect(try await send(kernel, "DELETE", "/metrics/silences/\(id)").status == 404)
      #expect(try await send(kernel, "DELETE", "/metrics/alerts/NoOrders").status == 204)
    }
    // A file that nobody can read is not a reason to stay down.
    try Data("{ nonsense".utf8).write(to: URL(filePath: file))
    try await withHost(
      [HTTPPlugin.self, MetricsPlugin.self, ShopPlugin.self], manifest: manifest, clock: ManualClock()
    ) {
      kernel in
      let alerts = try await send(kernel, "GET", "/metrics/alerts").json
      #expect(alerts["rules"]?.arrayValue?.count == 1)
    }
  }

  @Test func aBadRuleIsAnErrorOfTheManifest() async throws {
    let manifest = """
      plugins:
        metrics:
          alerts: { rules: [{ name: A, metric: queue, aggregation: median, threshold: 1 }] }
      """
    await #expect(throws: (any Error).self) {
      try await withHost([MetricsPlugin.self], manifest: manifest, clock: ManualClock()) { _ in }
    }
  }

  @Test func keepsTheContractOfPlugins() async throws {
    try await PluginConformance.check(MetricsPlugin.self, manifest: "history: { step: 1s }")
  }
}

/// A plugin that measures, and that the test reaches into.
struct ShopPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "shop", version: "1.0.0", summary: "Sells.", contributes: [.point(.metrics)])
  // The suite runs one test after the other.
  nonisolated(unsafe) static var queue: Gauge?
  nonisolated(unsafe) static var orders: Family<Counter>?

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let metrics = MetricsRegistry(clock: context.clock)
    Self.queue = try metrics.gauge("queue", help: "Waiting.")
    Self.orders = try metrics.counter("orders_total", help: "Orders.", labels: ["from"])
    try context.contribute(metrics, to: .metrics)
  }
}
