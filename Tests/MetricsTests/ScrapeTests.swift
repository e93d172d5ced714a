import CoreMetrics
import Foundation
import FoundationNetworking
import HTTPTypes
import MainstayHTTP
import MainstayHTTPServer
import MainstayInstruments
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayMetrics

@Suite(.serialized) struct ScrapeTests {
  private static let manifest = "plugins: { http: { port: 0 }, metrics: { access: open, write_access: open } }"

  private func fetch(
    _ kernel: Kernel, _ path: String, _ headers: [String: String] = [:], body: String? = nil
  ) async throws -> (status: Int, headers: [AnyHashable: Any], body: Data) {
    let listening = try #require(kernel.events.last(HTTPListening.self))
    var request = URLRequest(url: try #require(URL(string: listening.address + path)))
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    if let body {
      request.httpMethod = "POST"
      request.httpBody = Data(body.utf8)
    }
    let (data, response) = try await URLSession.shared.data(for: request)
    let answer = try #require(response as? HTTPURLResponse)
    return (answer.statusCode, answer.allHeaderFields, data)
  }

  @Test func aRunningHostExportsWhatItsPluginsMeasure() async throws {
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, ClinicPlugin.self], manifest: Self.clinic) {
      kernel in
      _ = try await fetch(kernel, "/nowhere/\(UUID())")
      _ = try await fetch(kernel, "/metrics")
      let text = String(decoding: try await fetch(kernel, "/metrics").body, as: UTF8.self)
      for name in [
        "http_requests_total{method=\"GET\",route=\"/metrics\",status=\"200\"}",
        "http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
        "http_request_duration_seconds_bucket{method=\"GET\",route=\"/metrics\",le=\"0.005\"}",
        "http_active_connections ",
        "http_requests_in_flight 1", "process_cpu_seconds_total ", "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_start_time_seconds ", "plugin_state{plugin=\"http\",state=\"running\"} 1", "plugin_restarts_total",
        "host_ready 1", "host_info{", "event_bus_published_total{topic=\"plugin.state-changed\"}",
        "event_bus_delivered_total{plugin=\"http\"}", "metrics_series{plugin=\"clinic\"} 3",
        "patients_total{ward=\"eye\"} 2",
      ] {
        #expect(text.contains(name), "\(name)")
      }
      // The first to have the name keeps it.
      #expect(!text.contains("host_ready 7"))
    }
  }

  /// Who watches a counter must see its first event as an increase, and who looks must find the names, before anything has happened.
  @Test func whatIsCountedIsZeroFromTheBeginning() async throws {
    try await withHost([HTTPPlugin.self, MetricsPlugin.self], manifest: Self.manifest) { kernel in
      let text = String(decoding: try await fetch(kernel, "/metrics").body, as: UTF8.self)
      for line in [
        "http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 0",
        "http_request_duration_seconds_count{method=\"GET\",route=\"unmatched\"} 0",
        "rate_limit_hits_total{route=\"unmatched\"} 0", "auth_failures_total{reason=\"unknown-key\"} 0",
        "patient_appointments{facility=\"\",department=\"\",status=\"\"} 0",
        "appointment_wait_time_count{facility=\"\",department=\"\"} 0", "user_signups_total{source=\"\"} 0",
        "revenue_total{currency=\"\",category=\"\"} 0", "invoice_status_total{status=\"\"} 0",
        "# TYPE operation_duration_seconds histogram", "event_bus_dropped_total 0",
      ] {
        #expect(text.contains("\n" + line + "\n"), "\(line)")
      }
    }
  }

  @Test(arguments: ["identity", "gzip"]) func exportsAreCompressedForThoseWhoReadIt(encoding: String) async throws {
    try await withHost([HTTPPlugin.self, MetricsPlugin.self], manifest: Self.manifest) { kernel in
      let answer = try await fetch(
        kernel, "/metrics/export", ["Accept-Encoding": encoding, "Content-Type": "application/json"],
        body: #"{"format":"csv","metrics":["host_ready"]}"#)
      #expect(answer.status == 200)
      #expect(answer.headers["Content-Encoding"] as? String == (encoding == "gzip" ? "gzip" : nil))
      let text = String(decoding: answer.body, as: UTF8.self)
      #expect(text == "name,type,plugin,sample,labels,value\r\nhost_ready,gauge,metrics,value,,1\r\n")
    }
  }

  private static let clinic = "plugins: { http: { port: 0 }, clinic: {}, metrics: { access: open } }"

  @Test func theClientChoosesTheFormat() async throws {
    try await withHost([HTTPPlugin.self, MetricsPlugin.self], manifest: Self.manifest) { kernel in
      let open = try await fetch(
        kernel, "/metrics",
        ["Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"])
      #expect("\(open.headers["Content-Type"] ?? "")".hasPrefix("application/openmetrics-text; version=1.0.0"))
      #expect(String(decoding: open.body, as: UTF8.self).hasSuffix("# EOF\n"))
      let json = try await fetch(kernel, "/metrics?format=json&name[]=host_ready")
      #expect(
        try JSONValue(parsing: String(decoding: json.body, as: UTF8.self))["metrics"]?[0]?["name"] == "host_ready")
      #expect(try JSONValue(parsing: String(decoding: json.body, as: UTF8.self))["metrics"]?.arrayValue?.count == 1)
      let csv = try await fetch(kernel, "/metrics", ["Accept": "text/csv"])
      #expect(String(decoding: csv.body, as: UTF8.self).hasPrefix("name,type,plugin,sample,labels,value\r\n"))
      let unknown = try await fetch(kernel, "/metrics?format=xml")
      #expect(unknown.status == 400)
    }
  }

  @Test(arguments: ["identity", "gzip"])
  func aHundredThousandSeriesAreStreamed(encoding: String) async throws {
    let manifest = "plugins: { http: { port: 0 }, crowd: {}, metrics: { access: open } }"
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, CrowdPlugin.self], manifest: manifest) { kernel in
      let answer = try await fetch(kernel, "/metrics?name[]=crowd_total", ["Accept-Encoding": encoding])
      #expect(answer.status == 200)
      #expect(answer.headers["Content-Length"] == nil, "it is not known before it is written")
      let lines = answer.body.split(separator: UInt8(ascii: "\n"))
      #expect(lines.count == 100_002)
      #expect(lines.last.map { String(decoding: $0, as: UTF8.self) } == "crowd_total{who=\"99999\"} 1")
    }
  }

  @Test func withoutARoleThereIsNoAccess() async throws {
    try await withHost([HTTPPlugin.self, MetricsPlugin.self], manifest: "plugins: { http: { port: 0 }, metrics: {} }") {
      kernel in
      let answer = try await fetch(kernel, "/metrics")
      #expect(answer.status == 401)
    }
  }

  @Test func librariesThatUseSwiftMetricsAreExported() throws {
    #expect(MainstayMetricsFactory.install())
    #expect(MainstayMetricsFactory.install())
    let counter = CoreMetrics.Counter(label: "lib.requests", dimensions: [("method", "GET")])
    counter.increment(by: 3)
    // Another's dimensions, another's type, another spelling of the same name: none of it ends the process.
    CoreMetrics.Counter(label: "lib.requests", dimensions: [("other", "x")]).increment()
    CoreMetrics.Recorder(label: "lib.requests").record(4)
    CoreMetrics.Counter(label: "lib_requests").increment(by: 100)
    CoreMetrics.Gauge(label: "lib.gauge").record(2.5)
    let timer = CoreMetrics.Timer(label: "lib.time", dimensions: [("bad name", "a\"b\n"), ("le", "1")])
    timer.recordNanoseconds(2_000_000_000)
    CoreMetrics.Meter(label: "0.weird_total").set(1)
    let text = String(
      decoding: MetricsScrape([("libraries", MainstayMetricsFactory.registry)]).bytes(as: .prometheusText),
      as: UTF8.self)
    #expect(text.contains("# HELP lib_requests_total Recorded by a library through swift-metrics.\n"))
    #expect(text.contains("lib_requests_total{method=\"GET\"} 3\n"))
    #expect(text.contains("lib_requests_total{method=\"\"} 1\n"))
    #expect(text.contains("lib_gauge 2.5\n"))
    #expect(text.contains("lib_time_seconds_sum{bad_name=\"a\\\"b\\n\",le_=\"1\"} 2\n"))
    #expect(text.contains("_0_weird_value 1\n"))
    #expect(text.contains("swift_metrics_conflicts_total 2\n"))
    let second = CoreMetrics.Counter(label: "lib.requests", dimensions: [("method", "GET")])
    second.destroy()
    counter.increment()
    #expect(exported().contains("lib_requests_total{method=\"GET\"} 4\n"))
    counter.destroy()
    #expect(!exported().contains("lib_requests_total{method=\"GET\"}"))
  }

  private func exported() -> String {
    let scrape = MetricsScrape([("libraries", MainstayMetricsFactory.registry)])
    return String(decoding: scrape.bytes(as: .prometheusText), as: UTF8.self)
  }

  @Test(arguments: [
    (nil, ExpositionFormat.prometheusText), ("*/*", .prometheusText), ("text/html, */*;q=0.8", .prometheusText),
    ("application/json", .json), ("text/csv;q=0.1, text/plain;q=0", .csv),
    ("application/openmetrics-text", .openMetrics),
    ("application/openmetrics-text; version=\"1.0.0\"", .openMetrics),
    ("application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4;q=0.3", .prometheusText),
    ("application/vnd.google.protobuf;q=0.9,text/plain", .prometheusText), (";;;,,q=,", .prometheusText),
  ])
  func acceptHeaders(_ header: String?, _ format: ExpositionFormat) {
    #expect(Negotiation.format(accept: header) == format)
  }

  @Test func gzipIsForThoseWhoReadIt() throws {
    #expect(Negotiation.acceptsGzip("gzip, deflate"))
    #expect(Negotiation.acceptsGzip("*"))
    #expect(!Negotiation.acceptsGzip(nil))
    #expect(!Negotiation.acceptsGzip("gzip;q=0, *"))
    #expect(!Negotiation.acceptsGzip("br"))
    guard var gzip = GzipWriter(level: 1) else {
      Issue.record("zlib refused")
      return
    }
    var output: [UInt8] = []
    let input = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    for start in stride(from: 0, to: input.count, by: 70_000) {
      input[start..<min(input.count, start + 70_000)].withUnsafeBytes { bytes in
        gzip.write(bytes) { output.append(contentsOf: $0) }
      }
    }
    gzip.finish { output.append(contentsOf: $0) }
    #expect(output.count < input.count / 10)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("mainstay-\(UUID().uuidString).gz")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(output).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-dc", file.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    #expect(Array(pipe.fileHandleForReading.readDataToEndOfFile()) == input)
  }
}

/// A plugin that measures.
struct ClinicPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "clinic", version: "1.0.0", summary: "Counts patients.", contributes: [.point(.metrics)])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let metrics = MetricsRegistry(clock: context.clock)
    try metrics.counter("patients_total", help: "Patients.", labels: ["ward"]).labels("eye").increment(by: 2)
    try metrics.gauge("clash", help: "First.").set(1)
    try metrics.gauge("host_ready", help: "Taken by the metrics plugin.").set(7)
    try context.contribute(metrics, to: .metrics)
  }
}

/// Measures a hundred thousand things.
private struct CrowdPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "crowd", version: "1.0.0", summary: "Measures a lot.", contributes: [.point(.metrics)])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    var limits = MetricsLimits()
    (limits.series, limits.seriesPerFamily, limits.valuesPerLabel) = (200_000, 200_000, 200_000)
    let registry = MetricsRegistry(limits: limits, clock: context.clock)
    let family = try registry.counter("crowd_total", help: "Many.", labels: [Label("who", isGuarded: false)])
    for index in 0..<100_000 { family.labels(String(index)).increment() }
    try context.contribute(registry, to: .metrics)
  }
}
