import Logging
import MainstayKernel
import MainstayTesting
import Synchronization

/// What happened to the plugins of a test, in order.
final class Journal: Sendable {
  private let lines = Mutex<[String]>([])

  func note(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
  func count(_ line: String) -> Int { all.count { $0 == line } }
}

/// A plugin whose behaviour a test decides.
final class ProbePlugin: Plugin {
  struct Behaviour: Sendable {
    var start: @Sendable (PluginContext) async throws -> Void = { _ in }
    var run: @Sendable (PluginContext) async throws -> Void = { _ in }
    var stop: @Sendable (PluginContext) async -> Void = { _ in }
    var reconfigure: @Sendable (ProbeConfiguration) async throws -> Reconfiguration = { _ in .restart }
  }

  static let manifest = PluginManifest(name: "probe", version: "1.0.0", summary: "A probe.")

  private let name: String
  private let journal: Journal
  private let behaviour: Behaviour
  private let context: PluginContext

  init(configuration: ProbeConfiguration, context: PluginContext) async throws {
    throw KernelError(.startFailed, "made by its registration only")
  }

  private init(_ name: String, _ journal: Journal, _ behaviour: Behaviour, _ context: PluginContext) {
    self.name = name
    self.journal = journal
    self.behaviour = behaviour
    self.context = context
  }

  /// A plugin that provides a capability of its own name and requires or uses those of others.
  static func register(
    _ name: String, requires: [String] = [], uses: [String] = [], contributes: [AnyContributionPoint] = [],
    collects: [AnyContributionPoint] = [], journal: Journal, _ behaviour: Behaviour = Behaviour()
  ) -> PluginRegistration {
    let manifest = PluginManifest(
      name: name, version: "1.0.0", summary: "A probe.", provides: [.capability(.probe(name))],
      requires: requires.map { .capability(.probe($0)) }, uses: uses.map { .capability(.probe($0)) },
      contributes: contributes, collects: collects)
    return PluginRegistration(manifest: manifest, configuration: ProbeConfiguration.self) {
      (configuration: ProbeConfiguration, context: PluginContext) async throws -> ProbePlugin in
      journal.note("start \(name)" + (configuration.text == "plain" ? "" : " \(configuration.text)"))
      try context.provide(name, as: .probe(name))
      for other in requires { _ = try context.require(.probe(other)) }
      try await behaviour.start(context)
      return ProbePlugin(name, journal, behaviour, context)
    }
  }

  func run() async throws { try await behaviour.run(context) }

  func reconfigure(_ configuration: ProbeConfiguration) async throws -> Reconfiguration {
    let result = try await behaviour.reconfigure(configuration)
    journal.note("reconfigure \(name) \(configuration.text)")
    return result
  }

  func stop() async {
    await behaviour.stop(context)
    journal.note("stop \(name)")
  }
}

struct ProbeConfiguration: PluginConfiguration {
  @Field("Some text.") var text = "plain"
}

extension Capability where Value == String {
  static func probe(_ name: String) -> Self { Self(name) }
}

/// A kernel of probes for a test.
func makeKernel(
  _ plugins: [PluginRegistration], manifest: String? = nil, clock: any HostClock = ManualClock()
) throws -> Kernel {
  let text = manifest ?? "plugins:\n" + plugins.map { "  \($0.manifest.name): {}\n" }.joined()
  return try Kernel(
    planner: Planner(plugins: plugins, source: .inline(text)), settings: KernelSettings(clock: clock, logger: .silent))
}

/// Kernels under test say what they do through events.
