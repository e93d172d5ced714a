import ArgumentParser
import Glibc
import MainstayKernel

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Prints the JSON Schema of the manifest, with which editors complete and check it.",
    discussion: """
      Write it to a file, and name that file in the manifest's first line:
        # yaml-language-server: $schema=host.schema.json
      """)

  @Option(name: .shortAndLong, help: "Write to this file instead of standard output.", completion: .file())
  var output: String?

  @Option(help: "Print the table of one plugin's keys as Markdown instead.")
  var table: String?

  func run() throws {
    let registrations = HostProgram.current.plugins
    let text: String
    if let table {
      guard let registration = registrations.first(where: { $0.manifest.name == table }) else {
        let names = registrations.map(\.manifest.name).sorted().joined(separator: ", ")
        printError("error: no plugin '\(table)' is linked; linked are: \(names)")
        throw ExitCode(1)
      }
      text = FieldTable(registration.configuration).markdown
    } else {
      text = ManifestSchema(plugins: registrations).json.pretty
    }
    guard let output else { return print(text) }
    try write(text + "\n", to: output)
  }

  private func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else {
      printError("error: cannot write \(path): \(String(cString: strerror(errno)))")
      throw ExitCode(1)
    }
    fputs(text, file)
    fclose(file)
  }
}
