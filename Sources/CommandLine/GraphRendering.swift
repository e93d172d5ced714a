import MainstayKernel

/// A dependency graph as text, Mermaid, Graphviz DOT or JSON.
struct GraphRendering {
  let graph: DependencyGraph
  /// How long each plugin took to start, where it is known.
  var startTimes: [String: Duration] = [:]

  /// A line a plugin, by level: what it depends on, and what it collects.
  func text(_ style: Style) -> String {
    var lines: [String] = []
    for (level, names) in graph.levels.enumerated() {
      for (position, name) in names.enumerated() {
        let label = position == 0 ? "\(level)" : " "
        var line = style.dim(label) + "  " + style.bold(name)
        if let time = startTimes[name] { line += style.dim(" (\(time.formattedShort))") }
        let relations = relations(of: name)
        if !relations.isEmpty { line += "  " + relations.joined(separator: ", ") }
        lines.append(line)
      }
    }
    return lines.isEmpty ? "no plugins" : lines.joined(separator: "\n")
  }

  private func relations(of name: String) -> [String] {
    graph.edges.filter { $0.from == name }.map { edge in
      switch edge.kind {
      case .requires: "requires \(edge.capability) of \(edge.to)"
      case .uses: "uses \(edge.capability) of \(edge.to)"
      case .collects: "collects \(edge.capability) of \(edge.to)"
      }
    }
  }

  /// A Mermaid flowchart: solid for what is required, dotted for what is used, thick for what is collected.
  var mermaid: String {
    var lines = ["flowchart LR"]
    for node in graph.nodes { lines.append("  \(identifier(node.name))[\"\(node.name) \(node.manifest.version)\"]") }
    for edge in graph.edges {
      let arrow =
        switch edge.kind {
        case .requires: "-->|\(edge.capability)|"
        case .uses: "-.->|\(edge.capability)|"
        case .collects: "==>|\(edge.capability)|"
        }
      lines.append("  \(identifier(edge.from)) \(arrow) \(identifier(edge.to))")
    }
    return lines.joined(separator: "\n")
  }

  /// Plugin names are identifiers already; a prefix keeps them apart from Mermaid's own words, such as `end`.
  private func identifier(_ name: String) -> String { "p_" + name }

  /// A Graphviz graph.
  var dot: String {
    var lines = ["digraph host {", "  rankdir=LR;", "  node [shape=box];"]
    for node in graph.nodes {
      lines.append("  \"\(node.name)\" [label=\"\(node.name)\\n\(node.manifest.version)\"];")
    }
    for edge in graph.edges {
      let style = edge.kind == .requires ? "solid" : edge.kind == .uses ? "dashed" : "dotted"
      lines.append("  \"\(edge.from)\" -> \"\(edge.to)\" [label=\"\(edge.capability)\", style=\(style)];")
    }
    return (lines + ["}"]).joined(separator: "\n")
  }

  /// Plugins with their levels, and the edges between them.
  var json: JSONValue {
    [
      "plugins": .array(
        graph.nodes.map { node in
          [
            "name": .string(node.name), "version": .string(node.manifest.version), "level": .integer(Int64(node.level)),
            "provides": .array(node.manifest.provides.map { .string($0.name) }),
          ]
        }),
      "edges": .array(
        graph.edges.map { edge in
          [
            "from": .string(edge.from), "to": .string(edge.to), "capability": .string(edge.capability),
            "kind": .string(edge.kind.rawValue),
          ]
        }),
    ]
  }
}
