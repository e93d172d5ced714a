/// A plugin that the program links: its manifest, its configuration, and how to make one.
///
/// A host has a list of these; which of them run is decided by `host.yaml`.
public struct PluginRegistration: Sendable {
  /// What the plugin declares.
  public let manifest: PluginManifest
  /// What its section of `host.yaml` decodes into.
  public let configuration: any PluginConfiguration.Type

  let make: @Sendable (any PluginConfiguration, PluginContext) async throws -> any Plugin
  let reconfigure: @Sendable (any Plugin, any PluginConfiguration) async throws -> Reconfiguration
  let diagnose: @Sendable (any PluginConfiguration, Plan) async -> [Diagnosis]

  /// Registers a plugin type.
  public init<P: Plugin>(_ type: P.Type) {
    self.init(manifest: P.manifest, configuration: P.Configuration.self) { configuration, context in
      try await P(configuration: configuration, context: context)
    }
  }

  /// Registers a plugin under a manifest made at run time, as tests and benchmarks do.
  public init<P: Plugin>(
    manifest: PluginManifest, configuration: P.Configuration.Type,
    make: @escaping @Sendable (P.Configuration, PluginContext) async throws -> P
  ) {
    self.manifest = manifest
    self.configuration = configuration
    self.make = { configuration, context in
      try await make(Self.cast(configuration, for: manifest), context)
    }
    self.reconfigure = { plugin, configuration in
      guard let plugin = plugin as? P else { return .restart }
      return try await plugin.reconfigure(Self.cast(configuration, for: manifest))
    }
    self.diagnose = { configuration, plan in
      guard let configuration = configuration as? P.Configuration else { return [] }
      return await P.diagnose(configuration, of: plan)
    }
  }

  private static func cast<C>(_ configuration: any PluginConfiguration, for manifest: PluginManifest) throws -> C {
    guard let cast = configuration as? C else {
      throw KernelError(
        .configuration, "plugin '\(manifest.name)' expects \(C.self), got \(type(of: configuration))")
    }
    return cast
  }
}
