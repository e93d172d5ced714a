import ArgumentParser
import Glibc
import MainstayKernel

/// Where the configuration comes from; the same for every command that reads it.
struct ManifestOptions: ParsableArguments {
  @Argument(help: "The manifest.", completion: .file(extensions: ["yaml", "yml"]))
  var manifest = "host.yaml"

  @Option(name: [.short, .long], help: "A profile of the manifest to lay over it, such as 'production'.")
  var profile: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Sets one value: --set http.port=18080. May be repeated.", valueName: "key=value"))
  var overrides: [String] = []

  /// The manifest with everything that is laid over it.
  var source: ConfigSource {
    ConfigSource(file: manifest, profile: profile, overrides: overrides, environment: environmentVariables())
  }

  var planner: Planner { Planner(plugins: HostProgram.current.plugins, source: source) }

  /// A plan, or the end: what is wrong goes to standard error, and the exit code is 1.
  func plan(_ output: OutputOptions) throws -> Plan {
    let planned = planner.plan()
    if output.json, planned.plan == nil {
      printNow(planned.json.pretty)
      throw ExitCode(1)
    }
    let report = planned.report(colored: output.colorsErrors)
    if !report.isEmpty { printError(report) }
    guard let plan = planned.plan else { throw ExitCode(1) }
    return plan
  }
}

/// How a command prints; the same for every command.
package struct OutputOptions: ParsableArguments {
  package enum Color: String, ExpressibleByArgument, CaseIterable { case auto, always, never }

  @Flag(help: "Print JSON, for programs.")
  package var json = false

  @Option(help: "When to use colours.")
  package var color = Color.auto

  package init() {}

  /// The style of standard output.
  package var style: Style { Style(isColored: !json && isColored(1)) }
  var colorsErrors: Bool { isColored(2) }

  private func isColored(_ descriptor: Int32) -> Bool {
    switch color {
    case .always: true
    case .never: false
    case .auto: isatty(descriptor) == 1 && getenv("NO_COLOR") == nil
    }
  }
}

/// The process's environment.
func environmentVariables() -> [String: String] {
  var variables: [String: String] = [:]
  var entry = environ
  while let variable = entry.pointee {
    let text = String(cString: variable)
    if let equals = text.firstIndex(of: "=") {
      variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
    entry += 1
  }
  return variables
}

/// Prints to standard output at once, also where that is a pipe.
package func printNow(_ text: String) { writeAll(text + "\n", to: STDOUT_FILENO) }

private func writeAll(_ text: String, to descriptor: Int32) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return }
    bytes = bytes.dropFirst(count)
  }
}

/// Prints to standard error.
package func printError(_ text: String) {
  writeAll(text.hasSuffix("\n") ? text : text + "\n", to: STDERR_FILENO)
}
