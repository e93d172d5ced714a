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
        print("\(options.manifest) is valid: \(plan.summary)")
      }
    }
    if planned.plan == nil { throw ExitCode(1) }
  }
}

extension Plan {
  /// Such as `8 plugins, 2 levels`.
  var summary: String {
    let (plugins, levels) = (plugins.count, graph.levels.count)
    return "\(plugins) plugin\(plugins == 1 ? "" : "s"), \(levels) level\(levels == 1 ? "" : "s")"
  }
}
