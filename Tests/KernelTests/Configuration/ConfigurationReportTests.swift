import MainstayKernel
import Testing

@Suite("Configuration: report")
struct ConfigurationReportTests {
  @Test func plainText() {
    let sample = Sample(pool: "max: 0\nmaxx: hello\nurl: postgres://secret # comment\ntls: { verify: on }")
    #expect(
      sample.report.text() == """
        host.yaml:3:10: error: plugins.pool.max: must be between 1 and 10000, is 0
          3 |     max: 0
            |          ^

        host.yaml:4:5: error: plugins.pool.maxx: unknown key
          4 |     maxx: ********
            |     ^^^^
          help: did you mean 'max'?

        host.yaml:6:20: error: plugins.pool.tls.verify: must be true or false, is on
          6 |     tls: { verify: on }
            |                    ^^
          help: write true

        3 errors

        """)
  }

  @Test func maskedTextMovesTheCaret() {
    let sample = Sample(pool: "{ url: a-rather-long-secret, max: 0 }")
    #expect(
      sample.report.text().contains(
        """
          3 |     { url: ********, max: 0 }
            |                           ^
        """))
  }

  @Test func longLinesAreCutAroundTheMistake() throws {
    let padding = String(repeating: "x", count: 300)
    let sample = Sample(pool: "{ application_name: \(padding), max: 0, mode: fast }")
    let lines = sample.report.text().split(separator: "\n")
    let excerpt = try #require(lines.first { $0.hasPrefix("  3 | ") })
    #expect(excerpt.hasPrefix("  3 | …xxx"))
    #expect(excerpt.count < 120)
    let caret = try #require(lines.first { $0.hasSuffix("^") })
    let offset = caret.count - 1
    #expect(Array(excerpt)[offset] == "0")
  }

  @Test func colours() {
    let text = Sample(pool: "max: 0").report.text(colored: true)
    #expect(text.contains("\u{1B}[1mhost.yaml:3:10:\u{1B}[0m \u{1B}[1;31merror:\u{1B}[0m plugins.pool.max: must be"))
  }

  @Test func noControlCharactersReachTheTerminal() {
    let sample = Sample(pool: "\"a\\e[31mb\": 1\nmode: \"\\e[2J\"")
    #expect(!sample.report.text().contains("\u{1B}"))
    #expect(!sample.report.text(colored: true).contains("\u{1B}[2J"))
    #expect(!sample.report.text(colored: true).contains("\u{1B}[31m"))
  }

  @Test func json() {
    let sample = Sample(pool: "maxx: 1")
    #expect(
      sample.report.json.compact
        == #"[{"severity":"error","code":"unknown-key","origin":"host.yaml:3:5","file":"host.yaml","line":3,"#
        + #""column":5,"path":"plugins.pool.maxx","message":"unknown key","remedy":"did you mean 'max'?"}]"#)
  }

  @Test func onlyAHundredAreShown() {
    let body = (0..<150).map { "x\($0): 1" }.joined(separator: "\n")
    let text = Sample(pool: body).report.text()
    #expect(text.hasSuffix("… and 50 more\n\n150 errors\n"))
  }

  @Test func effectiveValues() {
    let sample = Sample(pool: "replicas: [a, \"b c\"]\ndatabases: [{ host: x, password: p }]")
    let shown = sample.entry.values.map { "\($0.path)=\($0.rendered)" }
    #expect(shown.contains("plugins.pool.enabled=true"))
    #expect(shown.contains("plugins.pool.replicas=[a, b c]"))
    #expect(shown.contains("plugins.pool.acquire_timeout=1m"))
    #expect(shown.contains("plugins.pool.memory=64MiB"))
    #expect(shown.contains("plugins.pool.databases[0].host=x"))
    #expect(shown.contains("plugins.pool.databases[0].password=<redacted>"))
    #expect(shown.contains("plugins.pool.named={}"))
    #expect(shown.contains("plugins.pool.url=null"))
    #expect(sample.value("max")?.help == "Most connections.")
  }
}

@Suite("Configuration: exports")
struct ConfigurationExportTests {
  @Test func schemaOfFields() throws {
    let schema = ManifestSchema(plugins: [("pool", "Connections.", SampleConfiguration.self)]).json
    let entry = try #require(schema["$defs"]?["plugins"]?["properties"]?["pool"])
    #expect(entry["description"] == "Connections.")
    #expect(entry["additionalProperties"] == false)
    let max = entry["properties"]?["max"]
    #expect(
      max?["description"]?.stringValue == "Most connections. Must be between 1 and 10000. "
        + "Environment: DB_POOL_MAX or DATABASE_CONNECTION_LIMIT.")
    #expect(max?["default"] == 50)
    #expect(max?["anyOf"]?[0] == ["type": "integer", "minimum": 1, "maximum": 10000])
    #expect(max?["anyOf"]?[1] == ["$ref": "#/$defs/substitution"])
    #expect(entry["properties"]?["even"]?["anyOf"]?[0] == ["type": "integer"])
    #expect(entry["properties"]?["mode"]?["anyOf"]?[0] == ["enum": ["fast", "careful"]])
    #expect(entry["properties"]?["tls"]?["properties"]?["verify"] != nil)
    #expect(entry["properties"]?["acquire_timeout"]?["default"] == "1m")
    #expect(entry["properties"]?["limit"]?["deprecated"] == true)
    #expect(entry["properties"]?["lifecycle"]?["$ref"] == "#/$defs/lifecycle")
    #expect(schema["properties"]?["profiles"]?["additionalProperties"]?["properties"]?["host"] != nil)
  }

  @Test func aSectionThatHoldsItselfEnds() {
    struct Node: PluginConfiguration {
      @Field("Children.") var children: [Node] = []
    }
    #expect(ManifestSchema(plugins: [("n", "Tree.", Node.self)]).json["$defs"] != nil)
    #expect(FieldTable(Node.self).rows.count < 10)
  }

  @Test func tableOfFields() {
    let table = FieldTable(SampleConfiguration.self)
    #expect(table.markdown.hasPrefix("| key | type | default | range | unit | environment | meaning |\n| --- |"))
    #expect(
      table.markdown.contains(
        "| `acquire_timeout` | duration | `1m` |  |  | `DB_POOL_ACQUIRE_TIMEOUT (ms)` | Longest wait. |"))
    #expect(table.rows.filter { $0.environment.isEmpty }.map(\.key).contains("databases[].password"))
    #expect(table.rows.map(\.key).contains("tls.ca_file"))
    #expect(table.rows.map(\.key).contains("databases[].port"))
    #expect(table.rows.map(\.key).contains("named.<name>.host"))
  }
}
