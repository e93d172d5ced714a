import ArgumentParser
import MainstayKernel

/// Makes packages for people who build on Mainstay.
struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Makes the package of a plugin or a host of your own.",
    subcommands: [NewPluginCommand.self, NewHostCommand.self])
}

struct NewPluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin",
    abstract: "Makes the package of a plugin, with its test; both work at once.")

  @Argument(help: "Its name in UpperCamelCase: 'Reports' makes ReportsPlugin, 'reports' in host.yaml.")
  var name: String

  @Flag(help: "Let it contribute a route to the HTTP server.")
  var http = false

  @OptionGroup var package: NewPackageOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try reportingScaffoldErrors {
      let name = try PluginName(name)
      let directory = package.directory(default: name.package)
      let scaffold = PluginScaffold(name: name, source: try package.source(for: directory), hasRoute: http)
      try package.make(scaffold.files, in: directory, output, next: "swift test")
    }
  }
}

struct NewHostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host",
    abstract: "Makes the package of a host that links the plugins you choose.")

  @Argument(help: "Its name in lower-case letters and hyphens: 'clinic-host'.")
  var name: String

  @Option(help: "The stock plugins to link: \(StockPlugin.all.map(\.name).joined(separator: ", ")).")
  var plugins = "http,health"

  @Flag(help: "Leave out TLS and JSON Web Tokens: the first build is minutes shorter.")
  var disableDefaultTraits = false

  @OptionGroup var package: NewPackageOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try reportingScaffoldErrors {
      let name = try HostName(name)
      let directory = package.directory(default: name.text)
      let scaffold = HostScaffold(
        name: name, source: try package.source(for: directory), plugins: try StockPlugin.list(plugins),
        hasDefaultTraits: !disableDefaultTraits)
      try package.make(scaffold.files, in: directory, output, next: "swift run \(name.text) run host.yaml")
    }
  }
}

/// Where a new package goes, and where it takes Mainstay from.
struct NewPackageOptions: ParsableArguments {
  @Option(help: "The folder to make; by default one of its name, here.", completion: .directory)
  var directory: String?

  @Option(
    help: ArgumentHelp(
      "Where the package takes Mainstay from; by default the checkout that this program was built in.",
      valueName: "url-or-path"))
  var mainstay: String?

  @Option(help: "The least version of Mainstay, for a URL; by default \(MainstaySource.defaultVersion).")
  var mainstayVersion: String?

  func directory(default name: String) -> String { absolutePath(directory ?? name) }

  func source(for directory: String) throws(ScaffoldError) -> MainstaySource {
    try MainstaySource(
      given: mainstay, version: mainstayVersion, directory: directory, checkout: enclosingCheckout())
  }

  func make(
    _ files: [ScaffoldFile], in directory: String, _ output: OutputOptions, next: String
  ) throws(ScaffoldError) {
    try ScaffoldWriter(directory: directory).write(files)
    if output.json {
      let paths = files.map { JSONValue.string($0.path) }
      print(JSONValue.object(["directory": .string(directory), "files": .array(paths)]).pretty)
    } else {
      let style = output.style
      for file in files { print("  " + style.dim(file.path)) }
      print(style.green("made") + " \(directory)\nnext: cd \(directory) && \(next)")
    }
  }
}

/// Runs the body; what is wrong goes to standard error, and the exit code is 1.
private func reportingScaffoldErrors(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as ScaffoldError {
    printError("error: \(error)")
    throw ExitCode(1)
  }
}
