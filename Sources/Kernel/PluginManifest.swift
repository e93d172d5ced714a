/// What the kernel knows of a plugin before it starts: its name, and the edges it has in the graph.
///
/// Capabilities make edges, never plugin names: whoever provides `sql` may stand behind a plugin that requires it.
public struct PluginManifest: Sendable {
  /// The key under `plugins:` in the manifest, in `lower_snake_case`.
  public let name: String
  /// The plugin's own version, shown by `mainstay plugins`.
  public let version: String
  /// One sentence: what the plugin is for.
  public let summary: String
  /// The kernel contract the plugin was written for.
  public let kernelAPI: KernelAPIVersion
  /// Capabilities this plugin provides once it is ready. Each has one provider in a host.
  public let provides: [AnyCapability]
  /// Capabilities without which it cannot start.
  public let requires: [AnyCapability]
  /// Capabilities it uses where the host has them: absent is fine.
  public let uses: [AnyCapability]
  /// Contribution points it may contribute to.
  public let contributes: [AnyContributionPoint]
  /// Contribution points whose contributions it collects. Each point has one collector in a host.
  public let collects: [AnyContributionPoint]
  /// Actions that it offers to the manifest's `rules:`, through `ContributionPoint.ruleActions`.
  public let ruleActions: [String]
  /// Events it publishes; shown by `mainstay plugins` and offered as topics.
  public let events: [any Event.Type]

  /// Declares a plugin. Only the name, the version and the summary are needed.
  public init(
    name: String,
    version: String,
    summary: String,
    kernelAPI: KernelAPIVersion = .v1,
    provides: [AnyCapability] = [],
    requires: [AnyCapability] = [],
    uses: [AnyCapability] = [],
    contributes: [AnyContributionPoint] = [],
    collects: [AnyContributionPoint] = [],
    ruleActions: [String] = [],
    events: [any Event.Type] = []
  ) {
    self.name = name
    self.version = version
    self.summary = summary
    self.kernelAPI = kernelAPI
    self.provides = provides
    self.requires = requires
    self.uses = uses
    self.contributes = contributes
    self.collects = collects
    self.ruleActions = ruleActions
    self.events = events
  }
}

/// The version of the contract between kernel and plugin. A plugin runs on a kernel of the same major version
/// and of the same or a later minor version.
public struct KernelAPIVersion: Sendable, Hashable, CustomStringConvertible {
  /// Raised when existing plugins must change.
  public let major: Int
  /// Raised when the contract gains something.
  public let minor: Int

  /// A version of the contract.
  public init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// The first contract.
  public static let v1 = KernelAPIVersion(1, 0)
  /// The contract this kernel offers.
  public static let current = KernelAPIVersion.v1

  /// Whether a plugin written for `plugin` runs on a kernel that offers this version.
  public func supports(_ plugin: KernelAPIVersion) -> Bool {
    plugin.major == major && plugin.minor <= minor
  }

  /// `1.0`
  public var description: String { "\(major).\(minor)" }
}
