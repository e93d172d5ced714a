/// Decodes sections of a loaded configuration.
public struct ConfigDecoder: Sendable {
  /// The keys the host keeps for itself inside each plugin's entry.
  public static let reservedKeys = ["enabled", "lifecycle"]

  private let load: ConfigLoad
  private let hostEnvironment: HostEnvironment

  /// A decoder of what has been loaded.
  /// - Parameter hostEnvironment: `host.environment`, which rules of sections may depend on.
  public init(_ load: ConfigLoad, hostEnvironment: HostEnvironment = .development) {
    self.load = load
    self.hostEnvironment = hostEnvironment
  }

  /// Decodes a section, reporting everything that is wrong with it. Without errors the value is as written; with errors
  /// the offending fields keep their defaults.
  /// - Parameter alsoKnown: Keys inside the section that somebody else decodes.
  public func decode<Section: PluginConfiguration>(
    _ type: Section.Type, at path: ConfigPath, alsoKnown: [String] = []
  ) -> DecodedSection<Section> {
    decode(path) { node, reading in
      SectionReader(Section(), at: path, reading: reading).read(node, alsoKnown: alsoKnown) ?? Section()
    }
  }

  /// Decodes a section whose type is known only at run time.
  public func decodeAny(
    _ type: any PluginConfiguration.Type, at path: ConfigPath, alsoKnown: [String] = []
  ) -> DecodedSection<any PluginConfiguration> {
    func opened<Section: PluginConfiguration>(_ type: Section.Type) -> DecodedSection<any PluginConfiguration> {
      decode(type, at: path, alsoKnown: alsoKnown).map { $0 }
    }
    return opened(type)
  }

  /// Decodes a list of sections, such as `rules`. An absent list is empty.
  public func decodeList<Section: PluginConfiguration>(
    of type: Section.Type, at path: ConfigPath
  ) -> DecodedSection<[Section]> {
    decode(path) { node, reading in
      // An absent section is an empty map; for a list that means no items.
      if node.map?.isEmpty ?? node.isNull { return [] }
      return [Section].configValue(from: node, over: nil, at: path, reading: reading) ?? []
    }
  }

  /// Decodes a plugin's whole entry: `enabled`, `lifecycle` and the plugin's own keys.
  public func decodeEntry<Section: PluginConfiguration>(
    of type: Section.Type, plugin: String
  ) -> DecodedSection<PluginEntry<Section>> {
    let path = ConfigPath([.key("plugins"), .key(plugin)])
    return decode(path) { node, reading in
      let enabled =
        Field(wrappedValue: true, "Whether the plugin runs.")
        .laid(over: node["enabled"], at: path.key("enabled"), reading: reading) as? Field<Bool>
      let lifecycle =
        Field(wrappedValue: LifecycleConfiguration(), "How the host treats the plugin.")
        .laid(over: node["lifecycle"], at: path.key("lifecycle"), reading: reading) as? Field<LifecycleConfiguration>
      let section = SectionReader(Section(), at: path, reading: reading).read(node, alsoKnown: Self.reservedKeys)
      return PluginEntry(
        isEnabled: enabled?.wrappedValue ?? true, lifecycle: lifecycle?.wrappedValue ?? LifecycleConfiguration(),
        configuration: section ?? Section())
    }
  }

  private func decode<Value: Sendable>(
    _ path: ConfigPath, _ body: (ConfigTree, ConfigReading) -> Value
  ) -> DecodedSection<Value> {
    let reading = ConfigReading(environment: load.environment, hostEnvironment: hostEnvironment)
    let node = load.tree.value(at: path) ?? ConfigTree(.map([]), origin: load.tree.origin)
    let value = body(node, reading)
    return DecodedSection(
      value: value, path: path, values: reading.values, issues: reading.issues, secretMarks: reading.secretMarks)
  }
}

/// What a section of the configuration says.
public struct DecodedSection<Value: Sendable>: Sendable {
  /// The value. Where there are errors, defaults stand in.
  public let value: Value
  /// Where the section is.
  public let path: ConfigPath
  /// Every effective value with its origin, in the order of declaration.
  public let values: [ConfigValueReport]
  /// Everything that is wrong.
  public let issues: [ConfigIssue]
  /// What must not appear in an excerpt.
  let secretMarks: [SourceMark]

  /// Whether the value can be used.
  public var isValid: Bool { !issues.contains { $0.severity == .error } }

  /// The same section with another value.
  public func map<Other: Sendable>(_ transform: (Value) -> Other) -> DecodedSection<Other> {
    DecodedSection<Other>(
      value: transform(value), path: path, values: values, issues: issues, secretMarks: secretMarks)
  }
}

/// A plugin's entry under `plugins:`.
public struct PluginEntry<Configuration: PluginConfiguration>: Sendable {
  /// `enabled:`; true if absent.
  public let isEnabled: Bool
  /// `lifecycle:`.
  public let lifecycle: LifecycleConfiguration
  /// The plugin's own keys.
  public let configuration: Configuration
}
