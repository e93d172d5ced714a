import MainstayKernel
import Testing

@testable import MainstayCommandLine

@Suite struct TableTests {
  @Test func columnsAreAsWideAsTheirWidestCell() {
    var table = Table(["NAME", "N"])
    table.add(["a", "1"])
    table.add(["longer", "22"])
    #expect(
      table.text(.plain) == """
        NAME    N
        a       1
        longer  22
        """)
  }

  @Test func shortRowsAndNoRows() {
    var table = Table(["A", "B", "C"])
    #expect(table.text(.plain) == "A  B  C")
    table.add(["x"])
    #expect(table.text(.plain) == "A  B  C\nx")
  }

  @Test func coloursDoNotCountAsWidth() {
    var table = Table(["A", "B"])
    table.add(["long", "x"])
    #expect(table.text(Style(isColored: true)) == "\u{1B}[1mA\u{1B}[0m     \u{1B}[1mB\u{1B}[0m\nlong  x")
  }
}

@Suite struct GraphRenderingTests {
  private func rendering() throws -> GraphRendering {
    let plugins = [SourcePlugin.self, SinkPlugin.self] as [any Plugin.Type]
    let planner = Planner(
      plugins: plugins.map { Self.registration($0) }, source: .inline("plugins: { source: {}, sink: {} }"))
    let graph = try #require(planner.plan().plan).graph
    return GraphRendering(graph: graph, startTimes: ["source": .milliseconds(12)])
  }

  private static func registration<P: Plugin>(_ plugin: P.Type) -> PluginRegistration { PluginRegistration(plugin) }

  @Test func text() throws {
    let lines = try rendering().text(.plain).split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.first?.hasPrefix("0  source (12ms)") == true)
    #expect(lines.last == "1  sink  requires water of source")
  }

  @Test func mermaid() throws {
    #expect(
      try rendering().mermaid.split(separator: "\n").sorted() == [
        "  p_sink -->|water| p_source", "  p_sink[\"sink 1.0.0\"]", "  p_source[\"source 2.0.0\"]", "flowchart LR",
      ])
  }

  @Test func dot() throws {
    let dot = try rendering().dot
    #expect(dot.hasPrefix("digraph host {\n"))
    #expect(dot.hasSuffix("\n}"))
    #expect(dot.contains("\"sink\" -> \"source\" [label=\"water\", style=solid];"))
  }

  @Test func json() throws {
    let json = try rendering().json
    #expect(json["edges"]?[0]?["from"] == "sink")
    #expect(json["edges"]?[0]?["kind"] == "requires")
    #expect(json["plugins"]?.arrayValue?.count == 2)
  }

  @Test func emptyGraph() throws {
    let planned = Planner(plugins: [], source: .inline("plugins: {}")).plan()
    #expect(GraphRendering(graph: try #require(planned.plan).graph).text(.plain) == "no plugins")
  }
}

private struct SourcePlugin: Plugin {
  static let manifest = PluginManifest(
    name: "source", version: "2.0.0", summary: "Gives.", provides: [.capability(.water)])
  init(configuration: NoConfiguration, context: PluginContext) async throws { try context.provide(1, as: .water) }
}

private struct SinkPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "sink", version: "1.0.0", summary: "Takes.", requires: [.capability(.water)])
  init(configuration: NoConfiguration, context: PluginContext) async throws {}
}

extension Capability where Value == Int {
  fileprivate static var water: Self { Self("water") }
}
