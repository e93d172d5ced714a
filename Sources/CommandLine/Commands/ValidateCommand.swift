import ArgumentParser
import MainstayKernel

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Checks the manifest as a boot would, without touching anything outside.")

  @OptionGroup var options: ManifestOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let planned = options.planner.plan()
    if output.json {
      print(planned.json.pretty)
    } else {
      let report = planned.report(colored: output.colorsErrors)
      if !report.isEmpty { printError(report) }
      if let plan = planned.plan {
        print("\(options.manifest) is valid: \(plan.plugins.count) plugins, \(plan.graph.levels.count) levels")
      }
    }
    if planned.plan == nil { throw ExitCode(1) }
  }
}
