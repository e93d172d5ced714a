import ArgumentParser
import MainstayKernel

struct PluginsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugins", abstract: "Lists the plugins that this program links, and what each declares.")

  @OptionGroup var output: OutputOptions

  @Argument(help: "Show everything about this plugin.")
  var name: String?

  func run() throws {
    let manifests = HostProgram.current.plugins.map(\.manifest).sorted { $0.name < $1.name }
    if let name {
      guard let manifest = manifests.first(where: { $0.name == name }) else {
        printError(
          "error: no plugin '\(name)' is linked; linked are: \(manifests.map(\.name).joined(separator: ", "))")
        throw ExitCode(1)
      }
      print(output.json ? json(manifest).pretty : details(manifest))
    } else if output.json {
      print(JSONValue.array(manifests.map(json)).pretty)
    } else {
      printTable(manifests)
    }
  }

  private func printTable(_ manifests: [PluginManifest]) {
    var table = Table(["PLUGIN", "VERSION", "PROVIDES", "REQUIRES", "SUMMARY"])
    for manifest in manifests {
      table.add([
        manifest.name, manifest.version, list(manifest.provides.map(\.name)), list(manifest.requires.map(\.name)),
        manifest.summary,
      ])
    }
    print(table.text(output.style))
  }

  private func details(_ manifest: PluginManifest) -> String {
    let rows = [
      ("version", manifest.version), ("kernel API", "\(manifest.kernelAPI)"),
      ("provides", list(manifest.provides.map(\.name))), ("requires", list(manifest.requires.map(\.name))),
      ("uses", list(manifest.uses.map(\.name))), ("contributes", list(manifest.contributes.map(\.name))),
      ("collects", list(manifest.collects.map(\.name))),
      ("events", list(manifest.events.map { "\($0.topic)" })),
    ]
    let width = rows.map(\.0.count).max() ?? 0
    let lines = rows.map { "  " + $0 + String(repeating: " ", count: width - $0.count + 2) + $1 }
    return ([output.style.bold(manifest.name) + ": " + manifest.summary] + lines).joined(separator: "\n")
  }

  private func list(_ names: [String]) -> String { names.isEmpty ? "-" : names.joined(separator: ", ") }

  private func json(_ manifest: PluginManifest) -> JSONValue {
    func names(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
    return [
      "name": .string(manifest.name), "version": .string(manifest.version), "summary": .string(manifest.summary),
      "kernel_api": .string("\(manifest.kernelAPI)"), "provides": names(manifest.provides.map(\.name)),
      "requires": names(manifest.requires.map(\.name)), "uses": names(manifest.uses.map(\.name)),
      "contributes": names(manifest.contributes.map(\.name)), "collects": names(manifest.collects.map(\.name)),
      "events": names(manifest.events.map { "\($0.topic)" }),
    ]
  }
}
