import CoreMetrics
import Foundation
import FoundationNetworking
import MainstayHTTP
import MainstayHTTPServer
import MainstayInstruments
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayMetrics

/// A real Prometheus scrapes a running host, on which something happens, and finds what the dashboards show.
@Suite(.serialized) struct RealPrometheusTests {
  private static let prometheus = "/usr/bin/prometheus"

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: prometheus)), .timeLimit(.minutes(3)))
  func prometheusScrapesAHostAndAnswersTheDashboards() async throws {
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, BusyPlugin.self], manifest: Self.manifest) { kernel in
      let listening = try #require(kernel.events.last(HTTPListening.self))
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("prometheus-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let port = try freePort()
      let process = try start(in: folder, port: port, target: try #require(listening.port))
      defer {
        process.terminate()
        process.waitUntilExit()
      }
      let base = "http://127.0.0.1:\(port)/api/v1/query?query="
      try await happen(at: listening.address)
      try await eventually { try await value(base, "min(up{job=\"mainstay\"})") == "1" }
      try await eventually { try await value(base, "count(rate(process_cpu_seconds_total[10s]))") == "1" }
      // Of several scrapes the best: on a busy machine, one may take longer than its second.
      for expression in [
        "host_ready", "plugin_state{plugin=\"metrics\",state=\"running\"}",
        "max_over_time(scrape_samples_scraped[5m]) > bool 40",
      ] {
        try await eventually { try await value(base, expression) == "1" }
      }
      #expect(Self.shown.count > 35)
      for expression in Self.shown {
        try await eventually {
          // Something must go on happening, or the rates of what has happened have no window to be in.
          try await happen(at: listening.address)
          let answer = try await fetch(base + Self.encoded(expression))
          #expect(answer["status"]?.stringValue == "success", "\(expression): \(answer.compact)")
          return answer["data"]?["result"]?.arrayValue?.isEmpty == false
        }
      }
      for expression in Self.ofOthers + Deployment.rules.rules.map({ Deployment.rules.expression($0) }) {
        let answer = try await fetch(base + Self.encoded(expression))
        #expect(answer["status"]?.stringValue == "success", "\(expression): \(answer.compact)")
      }
    }
  }

  /// Prometheus' own linter on what a host exports: its own, what is defined without a help, and what a library counts.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool")))
  func promtoolFindsNothingInARunningHost() async throws {
    try await withHost([HTTPPlugin.self, MetricsPlugin.self, BusyPlugin.self], manifest: Self.manifest) { kernel in
      CoreMetrics.Counter(label: "library.calls").increment()
      let address = try #require(kernel.events.last(HTTPListening.self)).address
      try await happen(at: address)
      let (text, _) = try await URLSession.shared.data(from: try #require(URL(string: address + "/metrics")))
      #expect(String(decoding: text, as: UTF8.self).contains("library_calls_total 1\n"))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/promtool")
      process.arguments = ["check", "metrics"]
      let (input, output) = (Pipe(), Pipe())
      process.standardInput = input
      process.standardOutput = output
      process.standardError = output
      try process.run()
      input.fileHandleForWriting.write(text)
      try? input.fileHandleForWriting.close()
      let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(words)")
    }
  }

  private static let manifest = """
    plugins:
      http: { port: 0 }
      busy: {}
      metrics:
        access: open
        write_access: open
        history: { step: 1s }
        definitions: [{ name: nameless, type: counter }]
        alerts: { every: 1s, rules: [{ name: Up, metric: host_ready, aggregation: last, threshold: 0.5 }] }
    """

  /// Requests that succeed, that fail and that are refused, and records.
  private func happen(at address: String) async throws {
    for path in ["/busy", "/fault", "/secret", "/nowhere"] {
      _ = try await URLSession.shared.data(from: try #require(URL(string: address + path)))
    }
    for (kind, body) in [
      ("business", #"{"name":"revenue","value":9.5,"context":{"currency":"EUR"}}"#),
      ("business", #"{"name":"user_signups","context":{"source":"web"}}"#),
      ("business", #"{"name":"invoice_status","context":{"status":"paid"}}"#),
      ("performance", #"{"name":"import","duration_ms":12}"#),
      ("healthcare", #"{"name":"patient_appointments","facility":"north","anonymized":true}"#),
      ("healthcare", #"{"name":"appointment_wait_time","value":600,"facility":"north","anonymized":true}"#),
    ] {
      var request = URLRequest(url: try #require(URL(string: address + "/metrics/" + kind)))
      request.httpMethod = "POST"
      request.httpBody = Data(body.utf8)
      request.setValue("application/json", forHTTPHeaderField: "Content-Type")
      let (data, response) = try await URLSession.shared.data(for: request)
      #expect((response as? HTTPURLResponse)?.statusCode == 202, "\(String(decoding: data, as: UTF8.self))")
    }
  }

  /// What the dashboards and the recording rules ask of what this host has.
  private static var shown: [String] { asked.filter { !isOfOthers($0) } }
  /// What they ask of plugins that this host does not have.
  private static var ofOthers: [String] { asked.filter(isOfOthers) }

  private static var asked: [String] {
    let panels = StandardDashboards.all.flatMap(\.panels).flatMap(\.curves).map { curve in
      curve.expression.replacingOccurrences(of: "$__rate_interval", with: "1m")
        .replacingOccurrences(of: "$instance", with: ".*")
    }
    let recorded = (Deployment.files["prometheus/recording.yml"] ?? "").split(separator: "\n").compactMap { line in
      line.range(of: "expr: ").map { String(line[$0.upperBound...]) }
    }
    return panels + recorded
  }

  private static func isOfOthers(_ expression: String) -> Bool {
    ["database_", "db_pool_", "redis_", "cache_hit_rate", "circuit_breaker_", "retry_", "health_check_"].contains {
      expression.contains($0)
    }
  }

  private static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
  }

  private func value(_ base: String, _ expression: String) async throws -> String? {
    let json = try? await fetch(base + Self.encoded(expression))
    return json?["data"]?["result"]?[0]?["value"]?[1]?.stringValue
  }

  private func fetch(_ address: String) async throws -> JSONValue {
    let (data, _) = try await URLSession.shared.data(from: try #require(URL(string: address)))
    return try JSONValue(parsing: String(decoding: data, as: UTF8.self))
  }

  private func start(in folder: URL, port: Int, target: Int) throws -> Process {
    let configuration = """
      global: { scrape_interval: 1s }
      scrape_configs:
        - job_name: mainstay
          static_configs: [{ targets: ["127.0.0.1:\(target)"] }]
      """
    let file = folder.appendingPathComponent("prometheus.yml")
    try Data(configuration.utf8).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.prometheus)
    process.arguments = [
      "--config.file=\(file.path)", "--storage.tsdb.path=\(folder.path)/data", "--web.listen-address=127.0.0.1:\(port)",
      "--log.level=error",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// A port that nobody listens on at this moment.
  private func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
      }
    }
    try #require(status == 0)
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

/// A plugin to which things happen: requests succeed, fail and are refused, and a label has too many values.
private struct BusyPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "busy", version: "1.0.0", summary: "Is busy.", contributes: [.point(.httpRoutes), .point(.metrics)])

  private struct Fault: Error {}

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let metrics = MetricsRegistry(clock: context.clock)
    let many = try metrics.counter("busy_total", help: "Busy.", labels: [Label("who", limit: 1)])
    let routes: Routes = [
      .get("/busy", "Succeeds.", access: .open) { _, _ in
        many.labels("a").increment()
        many.labels(String(many.labels("a").value)).increment()
        return .text("busy")
      },
      .get("/fault", "Fails.", access: .open) { _, _ in throw Fault() },
      .get("/secret", "Is refused.", access: .authenticated) { _, _ in .text("secret") },
    ]
    try context.contribute(metrics, to: .metrics)
    try context.contribute(routes)
  }
}
