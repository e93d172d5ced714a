/// Makes plans: from the linked plugins and the manifest to a graph with decoded configurations.
public struct Planner: Sendable {
  /// The plugins that the program links.
  public let plugins: [PluginRegistration]
  /// Where the configuration comes from.
  public let source: ConfigSource

  /// A planner.
  public init(plugins: [PluginRegistration], source: ConfigSource) {
    self.plugins = plugins
    self.source = source
  }

  /// Reads the manifest and plans the host. Reads files, changes nothing.
  public func plan() -> Planned {
    var planning = Planning(planner: self, load: source.load())
    return planning.plan()
  }
}

/// What planning came to: a plan, or why there is none; and warnings in either case.
public struct Planned: Sendable {
  /// The plan, if nothing is wrong.
  public let plan: Plan?
  /// Errors and warnings, by file and line.
  public let issues: [ConfigIssue]

  /// The files that were read or looked for, as they were before: the place to look for a mistake's correction.
  let snapshot: ConfigSnapshot
  let sources: ConfigSources

  /// The issues for people: each with its line of the file, and what to do. Empty if there are none.
  public func report(colored: Bool) -> String { ConfigReport(issues, sources: sources).text(colored: colored) }

  /// The issues for programs.
  public var json: JSONValue {
    ["valid": .bool(plan != nil), "issues": ConfigReport(issues, sources: sources).json]
  }
}
