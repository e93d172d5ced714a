/// Everything a host needs to run, computed from manifests and configuration alone. Nothing outside is touched, so
/// what validates boots: `validate`, `graph`, `run` and reload all start from here.
public struct Plan: Sendable {
  /// The `host:` section.
  public let host: HostConfiguration
  /// The `logging:` section.
  public let logging: LoggingConfiguration
  /// The enabled plugins, in the order of starting.
  public let plugins: [PlannedPlugin]
  /// Who depends on whom.
  public let graph: DependencyGraph
  /// What the host does by itself when something happens.
  public let rules: [Rule]
  /// Every configured value with its origin, secrets redacted.
  public let values: [ConfigValueReport]
  /// The files this plan was read from.
  public let watchedFiles: [String]
  /// What is not wrong, but worth knowing.
  public let warnings: [ConfigIssue]

  /// The files as they looked when this plan was read.
  let snapshot: ConfigSnapshot
  private let indices: [String: Int]

  var policies: [LifecyclePolicy] { plugins.map(\.policy) }

  func index(of name: String) -> Int? { indices[name] }

  /// One plugin of the plan.
  public subscript(name: String) -> PlannedPlugin? { indices[name].map { plugins[$0] } }

  init(
    host: HostConfiguration, logging: LoggingConfiguration, plugins: [PlannedPlugin], graph: DependencyGraph,
    rules: [Rule], values: [ConfigValueReport], watchedFiles: [String], snapshot: ConfigSnapshot,
    warnings: [ConfigIssue]
  ) {
    self.host = host
    self.logging = logging
    self.plugins = plugins
    self.graph = graph
    self.rules = rules
    self.values = values
    self.watchedFiles = watchedFiles
    self.warnings = warnings
    self.snapshot = snapshot
    indices = Dictionary(uniqueKeysWithValues: plugins.enumerated().map { ($1.name, $0) })
  }
}

/// One enabled plugin of a plan.
public struct PlannedPlugin: Sendable {
  /// The plugin, as linked.
  public let registration: PluginRegistration
  /// Its section of the manifest, decoded.
  public let configuration: any PluginConfiguration
  /// Its budgets, and what happens when it fails.
  public let policy: LifecyclePolicy
  /// The plugin's name.
  public var name: String { registration.manifest.name }

  /// What the plugin finds to say about its configuration, as a part of this plan, on this machine.
  public func diagnose(in plan: Plan) async -> [Diagnosis] { await registration.diagnose(configuration, plan) }
}

/// How one plan differs from another.
struct PlanDifference: Sendable {
  let changes: [ConfigChange]
  let added: [String]
  let removed: [String]
  /// In both, with another configuration; in the order of starting.
  let changed: [String]

  init(from old: Plan, to new: Plan) {
    changes = ConfigChange.changes(from: old.values, to: new.values) + Self.ruleChange(from: old.rules, to: new.rules)
    added = new.plugins.map(\.name).filter { old[$0] == nil }
    removed = old.plugins.map(\.name).filter { new[$0] == nil }
    let touched = Set(changes.compactMap { Self.plugin($0.path) })
    changed = new.plugins.map(\.name).filter { touched.contains($0) && old[$0] != nil }
  }

  /// The plugin a value belongs to. `lifecycle:` belongs to the host: it changes without the plugin noticing.
  private static func plugin(_ path: ConfigPath) -> String? {
    guard path.steps.count > 2, path.steps[0] == .key("plugins"), case .key(let name) = path.steps[1],
      path.steps[2] != .key("lifecycle"), path.steps[2] != .key("enabled")
    else { return nil }
    return name
  }

  private static func ruleChange(from old: [Rule], to new: [Rule]) -> [ConfigChange] {
    guard old != new else { return [] }
    func count(_ rules: [Rule]) -> String { "\(rules.count) rule\(rules.count == 1 ? "" : "s")" }
    return [ConfigChange(path: "rules", old: count(old), new: count(new), origin: .standard)]
  }

  /// Values that are read once, when the host starts.
  var fixed: [ConfigChange] { changes.filter { ["host.name", "host.environment"].contains($0.path.description) } }
}
