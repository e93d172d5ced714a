public import MainstayKernel

/// Checks that a plugin keeps the contract, whatever it is for.
///
/// ```swift
/// @Test func keepsTheContractOfPlugins() async throws {
///   try await PluginConformance.check(HelloPlugin.self, manifest: "name: Ada")
/// }
/// ```
/// It boots real hosts in this process, on the machine's clock, and looks whether
/// * the declaration is complete: names, versions, a line of help for each key, events with proper topics;
/// * an unknown key in its section is refused;
/// * it starts, and stops while its `run()` still works, within its budgets;
/// * a reload that changes nothing leaves it alone;
/// * twenty starts and stops leave no descriptor and no subscription open;
/// * a host that is told to stop while the plugin starts can do so;
/// * it comes back when a plugin whose capability it requires fails and is restarted;
/// * it publishes only the events that its manifest declares.
public enum PluginConformance {
  /// Checks a plugin; works with any test library.
  /// - Parameters:
  ///   - plugin: The plugin.
  ///   - section: Its section of the manifest, in YAML. Give ports as 0 and intervals as short ones.
  ///   - others: Further plugins of the host; name here the providers of what the plugin requires.
  ///   - sections: Their sections of the manifest, by name, where the defaults will not do.
  ///   - environment: The environment variables that the host sees.
  /// - Throws: A ``PluginConformanceError`` that lists every violation.
  public static func check<P: Plugin>(
    _ plugin: P.Type, manifest section: String = "{}", with others: [any Plugin.Type] = [],
    sections: [String: String] = [:], environment: [String: String] = [:]
  ) async throws {
    let trial = ConformanceTrial(
      subject: PluginRegistration(plugin), others: others,
      sections: sections.merging([P.manifest.name: section]) { _, own in own }, environment: environment)
    try await trial.check()
  }
}

/// Where a plugin breaks the contract.
public struct PluginConformanceError: Error, Sendable, CustomStringConvertible {
  /// The plugin.
  public let plugin: String
  /// What is wrong, a sentence each.
  public let violations: [String]

  /// Every violation, a line each.
  public var description: String {
    "plugin '\(plugin)' breaks the contract:\n" + violations.map { "  - " + $0 }.joined(separator: "\n")
  }
}

/// The host in which a plugin is tried.
struct ConformanceTrial: Sendable {
  let subject: PluginRegistration
  let others: [any Plugin.Type]
  let sections: [String: String]
  let environment: [String: String]
  /// How many descriptors are open.
  var descriptors: @Sendable () -> Int = openDescriptors

  var name: String { subject.manifest.name }

  func check() async throws(PluginConformanceError) {
    var violations = DeclarationCheck(trial: self).violations
    // A host that cannot be planned cannot be started either.
    if report == nil { violations += await LifeCheck(trial: self).violations() }
    guard violations.isEmpty else { throw PluginConformanceError(plugin: name, violations: violations) }
  }

  /// The plugins that provide what the subject requires.
  var providers: [any Plugin.Type] {
    others.filter { other in other.manifest.provides.contains { subject.manifest.requires.contains($0) } }
  }

  /// Why the host cannot be planned, or nil.
  var report: String? {
    let planned = planner().plan()
    return planned.plan == nil ? planned.report(colored: false) : nil
  }

  /// - Parameter replacement: Takes the place of the plugin of its name.
  func planner(overrides: [String] = [], replacing replacement: PluginRegistration? = nil) -> Planner {
    let plugins = ([subject] + others.map { registration(of: $0) }).map { plugin in
      plugin.manifest.name == replacement?.manifest.name ? replacement ?? plugin : plugin
    }
    return Planner(
      plugins: plugins, source: .inline(text(plugins), overrides: overrides, environment: environment))
  }

  func kernel(overrides: [String] = [], replacing replacement: PluginRegistration? = nil) throws(KernelError) -> Kernel
  {
    try Kernel(
      planner: planner(overrides: overrides, replacing: replacement), settings: KernelSettings(logger: .silent))
  }

  private func text(_ plugins: [PluginRegistration]) -> String {
    let entries = plugins.map { plugin in
      let section = sections[plugin.manifest.name] ?? "{}"
      let lines = section.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
      return "  \(plugin.manifest.name):\n" + lines.joined(separator: "\n") + "\n"
    }
    return "plugins:\n" + entries.joined()
  }
}

func registration<P: Plugin>(of plugin: P.Type) -> PluginRegistration { PluginRegistration(plugin) }
