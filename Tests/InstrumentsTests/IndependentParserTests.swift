import Foundation
import MainstayTesting
import Testing

@testable import MainstayInstruments

/// What we write, read by others: the parsers of PyPI's prometheus-client, and promtool.
@Suite struct IndependentParserTests {
  @Test(.enabled(if: Tool.python != nil), arguments: [ExpositionFormat.prometheusText, .openMetrics])
  func hostileLabelsAreReadBackUnchanged(_ format: ExpositionFormat) throws {
    var random = SeededGenerator(seed: 4_711)
    let registry = MetricsRegistry(labelGuard: [], clock: ManualClock())
    var expected: [[Any]] = []
    for round in 0..<60 {
      let names = (0..<Int.random(in: 0...4, using: &random)).map { "l\($0)" }
      let family = try registry.gauge(
        "g\(round)", help: hostile(&random), labels: names.map { Label($0, isGuarded: false) })
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let values = names.map { _ in hostile(&random) }
        let value = number(&random)
        family.labels(values).set(value)
        expected.removeAll { $0[0] as? String == "g\(round)" && ($0[2] as? [String]) == values }
        expected.append(["g\(round)", names, values, "\(value)"])
      }
    }
    let counters = try registry.counter("hits_total", help: "Hits.", labels: ["who"])
    let histograms = try registry.histogram(
      "took_seconds", help: "Took.", labels: ["who"], buckets: Buckets([0.1, 1, 2.5]))
    let summaries = try registry.summary(
      "size", help: "Size.", labels: ["who"], options: SummaryOptions(quantiles: [0.5]))
    for _ in 0..<40 {
      let who = hostile(&random)
      counters.labels(who).increment(by: 3, traceID: "abc")
      histograms.labels(who).observe(0.5, traceID: "def")
      summaries.labels(who).observe(4)
    }
    for series in counters.series { expected.append(["hits_total", ["who"], series.labelValues, "\(series.value)"]) }
    for series in histograms.series {
      for (bound, count) in [("0.1", 0), ("1.0", series.count), ("2.5", series.count), ("+Inf", series.count)] {
        let values = series.labelValues + [bound]
        expected.append(["took_seconds_bucket", ["who", "le"], values, "\(Double(count))"])
      }
    }
    let waits = try registry.histogram("wait", help: "Negative sum.", buckets: Buckets([1]))
    waits.observe(-3)
    try registry.histogram("heat", help: "Negative bounds.", buckets: Buckets([-1, 1])).observe(3)
    let drift = try registry.summary("drift", help: "Negative sum.")
    drift.observe(-3)
    try registry.collect("odd_total", .counter, help: "No counts.", labels: ["what"]) { samples in
      for (value, what) in [(-1.0, "negative"), (.nan, "nan"), (2, "good")] { samples.add(value, what) }
    }
    expected.append(["wait_bucket", ["le"], ["+Inf"], "1.0"])
    expected.append(["heat_bucket", ["le"], ["1.0"], "0.0"])
    expected.append(["drift_count", [String](), [String](), "1.0"])
    expected.append(["odd_total", ["what"], ["good"], "2.0"])
    let result = try Tool.compare(
      MetricsScrape([("test", registry)]).bytes(as: format), expected, isOpenMetrics: format == .openMetrics)
    #expect(result == "")
  }

  @Test(.enabled(if: Tool.promtool != nil)) func promtoolFindsNothing() throws {
    let registry = MetricsRegistry(clock: ManualClock())
    try registry.counter("hits_total", help: "Hits.", labels: ["who"]).labels("a\"b\\c\nd").increment()
    try registry.timer("took_seconds", help: "Took.").record(.milliseconds(3))
    try registry.summary("size_bytes", help: "Size.").observe(4)
    try registry.upDownCounter("active", help: "Active.").increment()
    let bytes = MetricsScrape([("test", registry)]).bytes(as: .prometheusText)
    let (status, output) = try Tool.run(#require(Tool.promtool), ["check", "metrics"], input: Data(bytes))
    #expect(status == 0, "\(output)")
  }

  /// Texts that break writers: quotes, backslashes, line ends, control characters, things that look like samples.
  private func hostile(_ random: inout SeededGenerator) -> String {
    let pieces = [
      "\"", "\\", "\n", "\\n", "\\\"", "}", "{", ",", "=", " ", "#", "# EOF", "le=\"1\"", "é", "日本", "👩‍⚕️", "\u{0}",
      "\u{7F}", "\u{2028}",
      "\u{FEFF}", "a", "Z", "0", "1e5", "x\" 1\nevil 2", "\t", "\u{202E}", "'", "`",
    ]
    return (0..<Int.random(in: 0...8, using: &random)).map { _ in
      pieces[Int.random(in: 0..<pieces.count, using: &random)]
    }
    .joined()
  }

  private func number(_ random: inout SeededGenerator) -> Double {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: .nan
    case 1: Bool.random(using: &random) ? .infinity : -.infinity
    case 2: Double(Int.random(in: -1_000_000...1_000_000, using: &random))
    case 3: Double(bitPattern: .random(in: 0...UInt64.max, using: &random))
    default: Double.random(in: -1e9...1e9, using: &random)
    }
  }
}

private enum Tool {
  /// A Python that has prometheus-client: MAINSTAY_PYTHON, or that of scripts/setup.
  static let python: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let candidates: [String?] = [
      ProcessInfo.processInfo.environment["MAINSTAY_PYTHON"],
      root.appendingPathComponent(".build-tools/python/bin/python3").path, "/usr/bin/python3",
    ]
    return candidates.compactMap { $0 }.first {
      (try? run($0, ["-c", "import prometheus_client.openmetrics.parser"], input: Data()))?.status == 0
    }
  }()

  static let promtool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// Reads the exposition with prometheus-client and compares. Returns what differs.
  static func compare(_ bytes: [UInt8], _ expected: [[Any]], isOpenMetrics: Bool) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mainstay-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let exposition = folder.appendingPathComponent("exposition")
    let samples = folder.appendingPathComponent("expected.json")
    try Data(bytes).write(to: exposition)
    try JSONSerialization.data(withJSONObject: expected).write(to: samples)
    let arguments = ["-c", script, exposition.path, samples.path, isOpenMetrics ? "openmetrics" : "text"]
    let (status, output) = try run(python ?? "", arguments, input: Data())
    return status == 0 ? output : "python ended with \(status): \(output)"
  }

  private static let script = """
    import json, sys
    from prometheus_client import parser
    from prometheus_client.openmetrics import parser as openmetrics
    text = open(sys.argv[1], newline='', encoding='utf-8').read()
    read = openmetrics if sys.argv[3] == 'openmetrics' else parser
    found = {}
    for family in read.text_string_to_metric_families(text):
        for sample in family.samples:
            found[(sample.name, tuple(sorted(sample.labels.items())))] = sample.value
    for name, labels, values, value in json.load(open(sys.argv[2], encoding='utf-8')):
        key = (name, tuple(sorted(zip(labels, values))))
        got = found.get(key)
        if got is None or (got != float(value) and not (got != got and float(value) != float(value))):
            print('missing or different:', ascii(key), value, got)
    """

  static func run(_ program: String, _ arguments: [String], input: Data) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let (stdin, stdout) = (Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stdout
    try process.run()
    stdin.fileHandleForWriting.write(input)
    try? stdin.fileHandleForWriting.close()
    let output = stdout.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
