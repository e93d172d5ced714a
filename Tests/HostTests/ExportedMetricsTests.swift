import Foundation
import FoundationNetworking
import Testing

/// What the stock host exports, as others rely on it: the files under `deploy`, and the tables of the plugins' READMEs, which
/// `MAINSTAY_WRITE_TABLES=1 swift test --filter ExportedMetricsTests` writes anew.
@Suite(.timeLimit(.minutes(5))) struct ExportedMetricsTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func allThatDeployAndTheTablesNameIsExported() async throws {
    let folder = try Folder(
      manifest: """
        plugins:
          http: { port: 0 }
          metrics: { access: open }
          health: {}
          retry: {}
          validator: {}
          dev_services: {}
          pool: {}
        """)
    let host = try folder.start("run")
    try host.wait(for: "ready in")
    let port = try #require(host.errors.split(separator: "http://127.0.0.1:").last?.prefix { $0.isNumber })
    let address = try #require(URL(string: "http://127.0.0.1:\(port)/metrics/definitions"))
    let definitions = try JSONDecoder().decode(
      Definitions.self, from: try await URLSession.shared.data(from: address).0
    ).metrics
    kill(host.process.processIdentifier, SIGTERM)
    _ = try host.end()
    let exported = Set(definitions.map { Expression.family($0.name) })
    for name in try Self.namedInDeploy().sorted() {
      let isExported = exported.contains(name)
      #expect(isExported, "\(name) is named in deploy and exported by nobody")
    }
    try compareTables(definitions)
  }

  @Test func familiesAreFoundInExpressions() {
    let expression = Expression(
      #"histogram_quantile(0.95, sum by (le, job) (rate(a_seconds_bucket{x="b{c",y=~"d"}[5m]))) > bool 1e3 and on (e) f_total offset 5m / g:h"#
    )
    #expect(expression.families == ["a_seconds", "f", "g:h"])
  }

  /// Families that dashboards and rules ask for, but for those that only Prometheus has.
  private static func namedInDeploy() throws -> Set<String> {
    var expressions: [String] = []
    let dashboards = root.appending(path: "deploy/grafana/dashboards")
    for file in try FileManager.default.contentsOfDirectory(at: dashboards, includingPropertiesForKeys: nil) {
      collect(try JSONSerialization.jsonObject(with: try Data(contentsOf: file)), into: &expressions)
    }
    for file in ["rules.yml", "recording.yml"] {
      let text = try String(contentsOf: root.appending(path: "deploy/prometheus/\(file)"), encoding: .utf8)
      for line in text.split(separator: "\n") {
        guard let start = line.range(of: "expr: ") else { continue }
        let value = line[start.upperBound...]
        // What is quoted is quoted as in JSON.
        expressions.append(
          value.hasPrefix("\"") ? try JSONDecoder().decode(String.self, from: Data(value.utf8)) : String(value))
      }
    }
    #expect(expressions.count > 60)
    return Set(expressions.flatMap { Expression($0).families }).filter { $0 != "up" && !$0.hasPrefix("kube_") }
  }

  private static func collect(_ json: Any, into expressions: inout [String]) {
    if let object = json as? [String: Any] {
      if let text = object["expr"] as? String { expressions.append(text) }
      for value in object.values { collect(value, into: &expressions) }
    } else if let array = json as? [Any] {
      for value in array { collect(value, into: &expressions) }
    }
  }

  private func compareTables(_ definitions: [Definitions.Metric]) throws {
    let plugins = Self.root.appending(path: "Plugins")
    let (begin, end) = ("<!-- metrics -->\n", "<!-- /metrics -->")
    for (plugin, metrics) in Dictionary(grouping: definitions, by: \.plugin) {
      let folder = try #require(
        try FileManager.default.contentsOfDirectory(atPath: plugins.path).first {
          $0.lowercased() == plugin.replacingOccurrences(of: "_", with: "")
        }, "no folder of \(plugin)")
      let file = plugins.appending(path: "\(folder)/README.md")
      let text = try String(contentsOf: file, encoding: .utf8)
      let start = try #require(text.range(of: begin), "\(file.path) has no table of metrics: write '\(begin)\(end)'")
      let stop = try #require(text.range(of: end))
      let table = Self.table(metrics)
      if ProcessInfo.processInfo.environment["MAINSTAY_WRITE_TABLES"] != nil {
        let whole = text.replacingCharacters(in: start.upperBound..<stop.lowerBound, with: table)
        try whole.write(to: file, atomically: true, encoding: .utf8)
      } else {
        #expect(String(text[start.upperBound..<stop.lowerBound]) == table, "\(file.path)")
      }
    }
  }

  private static func table(_ metrics: [Definitions.Metric]) -> String {
    let rows = metrics.sorted { $0.name < $1.name }.map { metric in
      let labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
      let help = metric.help.replacingOccurrences(of: "|", with: "\\|")
      return "| `\(metric.name)` | \(metric.type) | \(labels) | \(help) |"
    }
    return (["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"] + rows).joined(separator: "\n") + "\n"
  }
}

/// What `GET /metrics/definitions` answers.
private struct Definitions: Decodable {
  struct Metric: Decodable {
    let name: String
    let type: String
    let help: String
    let labels: [String]
    let plugin: String
  }

  let metrics: [Metric]
}

/// PromQL, as far as it takes to find the metrics in it.
private struct Expression {
  private static let words = ["and", "or", "unless", "bool", "offset", "inf", "nan"]

  let families: Set<String>

  init(_ text: String) {
    var families: Set<String> = []
    var rest = text[...]
    while let first = rest.first {
      if first == "{" || first == "[" || first == "\"" {
        Expression.skip(&rest)
      } else if first.isLetter || first == "_" {
        let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" }
        rest = rest.dropFirst(word.count)
        let next = rest.first { $0 != " " }
        if ["by", "without", "on", "ignoring", "group_left", "group_right"].contains(word) {
          if next == "(" { rest = rest.drop { $0 != ")" } }
        } else if next != "(", !Expression.isAggregation(rest), !Expression.words.contains(word.lowercased()) {
          families.insert(Expression.family(String(word)))
        }
      } else if first.isNumber {
        rest = rest.drop { $0.isLetter || $0.isNumber || $0 == "." }
      } else {
        rest = rest.dropFirst()
      }
    }
    self.families = families
  }

  /// Drops what stands in braces, brackets or quotes.
  private static func skip(_ rest: inout Substring) {
    let closing: Character = rest.first == "{" ? "}" : rest.first == "[" ? "]" : "\""
    rest = rest.dropFirst()
    while let first = rest.first, first != closing {
      if first == "\\" {
        rest = rest.dropFirst(2)
      } else if first == "\"" {
        skip(&rest)
      } else {
        rest = rest.dropFirst()
      }
    }
    rest = rest.dropFirst()
  }

  /// Whether the word before was `sum` or the like: `sum by (…) (…)`.
  private static func isAggregation(_ rest: Substring) -> Bool {
    let next = rest.drop { $0 == " " }
    return ["by", "without"].contains { word in
      next.hasPrefix(word) && next.dropFirst(word.count).first { $0 != " " } == "("
    }
  }

  static func family(_ name: String) -> String {
    let suffix = ["_total", "_bucket", "_sum", "_count"].first { name.hasSuffix($0) }
    return String(name.dropLast(suffix?.count ?? 0))
  }
}
