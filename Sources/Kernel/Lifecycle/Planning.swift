/// One pass from a loaded manifest to a plan. Collects everything that is wrong before it gives up.
struct Planning {
  private let planner: Planner
  private let load: ConfigLoad
  private var decoder: ConfigDecoder
  private var sources: ConfigSources
  private var issues: [ConfigIssue]
  private var values: [ConfigValueReport] = []
  private let registrations: [String: PluginRegistration]

  init(planner: Planner, load: ConfigLoad) {
    self.planner = planner
    self.load = load
    decoder = ConfigDecoder(load)
    sources = load.sources
    issues = load.issues
    registrations = Dictionary(planner.plugins.map { ($0.manifest.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// An enabled plugin whose configuration may still be wrong.
  private struct Candidate {
    let registration: PluginRegistration
    let entry: ConfigEntry
    let configuration: any PluginConfiguration
    let policy: LifecyclePolicy
  }

  mutating func plan() -> Planned {
    let host = take(decoder.decode(HostConfiguration.self, at: "host") as DecodedSection<HostConfiguration>)
    decoder = ConfigDecoder(load, hostEnvironment: host.environment)
    let logging = take(decoder.decode(LoggingConfiguration.self, at: "logging") as DecodedSection<LoggingConfiguration>)
    let candidates = candidates(host: host)
    checkLogLevels(logging)
    let graph = resolve(candidates)
    let rules = rules(candidates)
    let warnings = issues.filter { $0.severity == .warning }
    guard let graph, warnings.count == issues.count else { return planned(nil) }
    let byName = Dictionary(uniqueKeysWithValues: candidates.map { ($0.registration.manifest.name, $0) })
    let plugins = graph.nodes.compactMap { node -> PlannedPlugin? in
      guard let candidate = byName[node.name] else { return nil }
      return PlannedPlugin(
        registration: candidate.registration, configuration: candidate.configuration, policy: candidate.policy)
    }
    return planned(
      Plan(
        host: host, logging: logging, plugins: plugins, graph: graph, rules: rules, values: values,
        watchedFiles: load.watchedFiles, snapshot: load.snapshot, warnings: warnings))
  }

  private func planned(_ plan: Plan?) -> Planned {
    Planned(plan: plan, issues: issues, snapshot: load.snapshot, sources: sources)
  }

  private mutating func take<Value>(_ section: DecodedSection<Value>) -> Value {
    issues += section.issues
    values += section.values
    sources.secretMarks += section.secretMarks
    return section.value
  }

  // MARK: - Plugins

  private mutating func candidates(host: HostConfiguration) -> [Candidate] {
    return load.plugins.compactMap { candidate($0, host) }
  }

  private mutating func candidate(_ entry: ConfigEntry, _ host: HostConfiguration) -> Candidate? {
    guard let registration = registrations[entry.key] else {
      reportUnknown(entry)
      // Nobody says which of its values are secret, so that excerpts must not show any.
      sources.secretMarks += entry.value.scalarMarks
      return nil
    }
    let decoded = open(registration.configuration, entry.key)
    sources.secretMarks += decoded.secretMarks
    guard decoded.value.isEnabled else { return nil }
    let section = take(decoded)
    return Candidate(
      registration: registration, entry: entry, configuration: section.configuration,
      policy: LifecyclePolicy(section.lifecycle, host))
  }

  private func open<C: PluginConfiguration>(
    _ type: C.Type, _ plugin: String
  ) -> DecodedSection<(isEnabled: Bool, lifecycle: LifecycleConfiguration, configuration: any PluginConfiguration)> {
    decoder.decodeEntry(of: type, plugin: plugin).map { ($0.isEnabled, $0.lifecycle, $0.configuration) }
  }

  private mutating func reportUnknown(_ entry: ConfigEntry) {
    let linked = planner.plugins.map(\.manifest.name).sorted()
    let hint = Spelling.closest(to: entry.key, among: linked).map { "did you mean '\($0)'? " } ?? ""
    issues.append(
      ConfigIssue(
        .error, .unknownPlugin, at: entry.keyOrigin, path: ConfigPath("plugins").key(entry.key),
        "no plugin of this name is linked into this program",
        remedy: hint + "linked are: \(linked.joined(separator: ", ")); "
          + "to add one, list its type where the program lists its plugins"))
  }

  private mutating func checkLogLevels(_ logging: LoggingConfiguration) {
    let known = planner.plugins.map(\.manifest.name)
    for name in logging.levels.keys.sorted() where !known.contains(name) {
      let path = ConfigPath("logging.levels").key(name)
      issues.append(
        ConfigIssue(
          .warning, .unknownPlugin, at: load.tree.value(at: path)?.origin ?? load.tree.origin, path: path,
          "no plugin of this name is linked", remedy: UnknownName.remedy(for: name, known: known, plural: "plugins")))
    }
  }

  // MARK: - Graph and rules

  private mutating func resolve(_ candidates: [Candidate]) -> DependencyGraph? {
    let linked = planner.plugins.map(\.manifest)
    switch DependencyGraph.resolve(candidates.map(\.registration.manifest), linked: linked) {
    case .success(let graph):
      return graph
    case .failure(let problems):
      for problem in problems.all {
        let entry = candidates.first { $0.registration.manifest.name == problem.plugin }?.entry
        issues.append(
          ConfigIssue(
            .error, .graph, at: entry?.keyOrigin ?? load.tree.origin,
            path: ConfigPath("plugins").key(problem.plugin), problem.message, remedy: problem.remedy))
      }
      return nil
    }
  }

  private mutating func rules(_ candidates: [Candidate]) -> [Rule] {
    guard let tree = load.tree["rules"] else { return [] }
    var reader = RuleReader(offered: candidates.flatMap(\.registration.manifest.ruleActions))
    let rules = reader.read(tree)
    issues += reader.issues
    return rules
  }
}

extension LifecyclePolicy {
  /// The policy that a plugin's `lifecycle:` asks for; what it leaves out comes from the host.
  init(_ lifecycle: LifecycleConfiguration, _ host: HostConfiguration) {
    self.init(
      startTimeout: lifecycle.startTimeout ?? host.startTimeout,
      stopTimeout: lifecycle.stopTimeout ?? host.shutdown.grace,
      onFailure: OnFailure(lifecycle.onFailure),
      restart: Restart(
        attempts: lifecycle.restart.limit, within: lifecycle.restart.within, backoff: lifecycle.restart.backoff,
        maxBackoff: lifecycle.restart.maxBackoff, degradesWhenExhausted: lifecycle.restart.then == .degrade))
  }
}

extension LifecyclePolicy.OnFailure {
  init(_ policy: LifecycleConfiguration.FailurePolicy) {
    switch policy {
    case .stopHost: self = .stopHost
    case .restart: self = .restart
    case .degrade: self = .degrade
    }
  }
}
