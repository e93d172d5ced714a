import ArgumentParser
import MainstayKernel

struct GraphCommand: ParsableCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable { case text, mermaid, dot, json }

  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Shows which plugin depends on which, in the order of starting.")

  @OptionGroup var options: ManifestOptions
  @OptionGroup var output: OutputOptions

  @Option(help: "The form to print it in.")
  var format = Format.text

  func run() throws {
    let rendering = GraphRendering(graph: try options.plan(output).graph)
    switch output.json ? .json : format {
    case .text: print(rendering.text(output.style))
    case .mermaid: print(rendering.mermaid)
    case .dot: print(rendering.dot)
    case .json: print(rendering.json.pretty)
    }
  }
}
