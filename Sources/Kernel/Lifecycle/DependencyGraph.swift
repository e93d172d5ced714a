/// The dependency graph of a host: which plugin needs which, in what order they start and stop.
///
/// Pure: made from manifests alone, so `validate`, `graph`, `run` and reload share it.
///
/// ```
///   http ──uses──▶ cache ◀──provides── pool      pool starts before http; http stops before pool
///   http ──collects── routes ◀──contributes── reports
///                      no edge at start; http stops before reports, because routes are served until then
/// ```
public struct DependencyGraph: Sendable {
  /// One plugin.
  public struct Node: Sendable {
    /// The plugin's name.
    public let name: String
    /// What the plugin declares.
    public let manifest: PluginManifest
    /// 0 for a plugin that depends on nothing; otherwise one more than the highest of those it depends on.
    public let level: Int
    /// Indices of the plugins that must be running before this one starts.
    let requires: [Int]
    /// Indices of the plugins that this one waits for, but can do without.
    let uses: [Int]
    /// Indices of the plugins that hold something of this one.
    var dependents: [Int]
    /// Indices of collectors that must have stopped before this one, if they stop too.
    var collectors: [Int]
    /// Indices of plugins whose contributions this one collects, where it must stop before them.
    var contributors: [Int]
  }

  /// Why one plugin depends on another.
  public struct Edge: Sendable, Hashable {
    /// What kind of dependency it is.
    public enum Kind: String, Sendable, CaseIterable {
      /// `from` cannot start without `to`.
      case requires
      /// `from` starts after `to`, where the host has it.
      case uses
      /// `from` collects what `to` contributes; no order at start.
      case collects
    }

    /// The plugin that depends.
    public let from: String
    /// The plugin it depends on.
    public let to: String
    /// The capability or contribution point between them.
    public let capability: String
    /// What kind of dependency it is.
    public let kind: Kind
  }

  /// Something wrong with the graph: where it is, what it is, and what to do.
  public struct Problem: Sendable, Hashable {
    /// Which check failed.
    public enum Kind: String, Sendable {
      /// No enabled plugin provides a required capability.
      case missingProvider = "missing_provider"
      /// Two plugins provide the same capability.
      case duplicateProvider = "duplicate_provider"
      /// Two plugins collect the same contribution point.
      case duplicateCollector = "duplicate_collector"
      /// Plugins wait for each other.
      case cycle
      /// One name is used for two types.
      case typeMismatch = "type_mismatch"
      /// The plugin was written for a kernel this one is not.
      case kernelVersion = "kernel_version"
    }

    /// Which check failed.
    public let kind: Kind
    /// The plugin to look at.
    public let plugin: String
    /// What is wrong.
    public let message: String
    /// What to do.
    public let remedy: String
  }

  /// The plugins in the order of starting: after everything they depend on, ties by name.
  public internal(set) var nodes: [Node]
  /// Every dependency, by the name of the plugin that depends.
  public let edges: [Edge]
  /// Collectors that cannot stop before a contributor, because the contributor depends on them.
  public let softened: [Edge]

  /// Plugin names by level: those of one level can start at the same time.
  public var levels: [[String]] {
    var levels = [[String]](repeating: [], count: (nodes.map(\.level).max() ?? -1) + 1)
    for node in nodes { levels[node.level].append(node.name) }
    return levels
  }

  /// An empty graph.
  public init() {
    nodes = []
    edges = []
    softened = []
  }

  /// Resolves manifests into a graph, or says everything that is wrong with them.
  ///
  /// - Parameters:
  ///   - manifests: the enabled plugins.
  ///   - linked: all plugins that the program links, for remedies that name who could provide what is missing.
  public static func resolve(
    _ manifests: [PluginManifest], linked: [PluginManifest] = []
  ) -> Result<DependencyGraph, Problems> {
    var resolver = GraphResolver(manifests: manifests, linked: linked)
    return resolver.resolve()
  }

  /// Every problem found in one go.
  public struct Problems: Error, Sendable {
    /// The problems, by plugin name.
    public let all: [Problem]
  }

  init(nodes: [Node], edges: [Edge], softened: [Edge]) {
    self.nodes = nodes
    self.edges = edges
    self.softened = softened
  }
}
