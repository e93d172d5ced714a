/// A section of the manifest, as a struct whose fields carry their default, range, unit, environment variable and one
/// line of help.
///
/// ```swift
/// struct PoolConfiguration: PluginConfiguration {
///   @Field("Connections kept open.", range: 0...10_000, environment: "DB_POOL_MIN") var min = 2
///   @Field("Connection string.", environment: "DATABASE_URL") var url: Secret<String>?
/// }
/// ```
/// Every stored property must be a ``Field``. The key in the manifest is the property's name in `lower_snake_case`.
/// Unknown keys are errors; a section inside a section is a field whose value is again a `PluginConfiguration`.
public protocol PluginConfiguration: Decodable, ConfigValue {
  /// The defaults.
  init()

  /// Checks that involve several fields. Report what is wrong through `issues`; runs before anything starts, and only
  /// if each field is right by itself.
  func validate(into issues: inout ConfigurationChecks)
}

extension PluginConfiguration {
  /// No checks beyond those that the fields declare.
  public func validate(into issues: inout ConfigurationChecks) {}

  /// A map with the declared keys.
  public static var configShape: ConfigShape { .section(Self.self) }

  /// Reads the section, laying what is written over the defaults.
  public static func configValue(
    from node: ConfigTree, over base: Self?, at path: ConfigPath, reading: ConfigReading
  ) -> Self? {
    SectionReader(base ?? Self(), at: path, reading: reading).read(node)
  }

  /// Its fields.
  public func configRendering(revealed: Bool) -> JSONValue {
    .object(JSONObject(DeclaredField.fields(of: self).map { ($0.key, $0.field.rendering(revealed: revealed)) }))
  }
}

/// The configuration of a plugin that has nothing to configure.
public struct NoConfiguration: PluginConfiguration {
  /// No fields.
  public init() {}
}
