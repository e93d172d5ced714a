import Foundation
import FoundationNetworking
import MainstayHTTP
import MainstayHTTPServer
import MainstayInstruments
import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayMetrics

/// A real Prometheus scrapes a running host.
@Suite(.serialized) struct RealPrometheusTests {
  private static let prometheus = "/usr/bin/prometheus"

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: prometheus)), .timeLimit(.minutes(3)))
  func prometheusScrapesAHostAndAnswersTheDashboards() async throws {
    let manifest = "plugins: { http: { port: 0 }, metrics: { access: open } }"
    try await withHost([HTTPPlugin.self, MetricsPlugin.self], manifest: manifest) { kernel in
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
      try await eventually { try await value(base, "min(up{job=\"mainstay\"})") == "1" }
      try await eventually { try await value(base, "count(rate(process_cpu_seconds_total[10s]))") == "1" }
      // Of several scrapes the best: on a busy machine, one may take longer than its second.
      for expression in [
        "host_ready", "plugin_state{plugin=\"metrics\",state=\"running\"}",
        "max_over_time(scrape_samples_scraped[5m]) > bool 40",
      ] {
        try await eventually { try await value(base, expression) == "1" }
      }
      for expression in Self.expressions {
        let answer = try await fetch(base + Self.encoded(expression))
        #expect(answer["status"]?.stringValue == "success", "\(expression): \(answer.compact)")
      }
    }
  }

  /// What the dashboards and the rules ask.
  private static var expressions: [String] {
    let panels = StandardDashboards.all.flatMap(\.panels).flatMap(\.curves).map { curve in
      curve.expression.replacingOccurrences(of: "$__rate_interval", with: "10s")
        .replacingOccurrences(of: "$instance", with: ".*")
    }
    return panels + Deployment.rules.rules.map { Deployment.rules.expression($0) }
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
