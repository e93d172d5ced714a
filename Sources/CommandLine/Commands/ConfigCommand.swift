import ArgumentParser
import MainstayKernel

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Shows every value the host would run with, and where it comes from. Secrets are redacted.")

  @OptionGroup var options: ManifestOptions
  @OptionGroup var output: OutputOptions

  @Option(help: "Only keys under this path, such as plugins.http.")
  var path: String?

  @Flag(help: "Only values that differ from their default.")
  var changed = false

  func run() throws {
    let values = try options.plan(output).values.filter(isWanted)
    if output.json {
      print(JSONValue.array(values.map(\.json)).pretty)
      return
    }
    var table = Table(["KEY", "VALUE", "ORIGIN"])
    for value in values { table.add([value.path.description, value.rendered, value.origin.description]) }
    print(table.text(output.style))
  }

  private func isWanted(_ value: ConfigValueReport) -> Bool {
    let key = value.path.description
    if changed, value.isDefault { return false }
    guard let path else { return true }
    return [path, "plugins." + path].contains { key == $0 || key.hasPrefix($0 + ".") || key.hasPrefix($0 + "[") }
  }
}
