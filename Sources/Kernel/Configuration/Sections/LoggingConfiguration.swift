/// The section `logging:` of the manifest.
public struct LoggingConfiguration: PluginConfiguration {
  /// How much is logged.
  public enum Level: String, CaseIterable, ConfigValue {
    /// Every step.
    case trace
    /// What helps in finding a mistake.
    case debug
    /// What happens.
    case info
    /// What happens and is worth a look.
    case notice
    /// What may become a failure.
    case warning
    /// What has failed.
    case error
    /// What stops the host.
    case critical
  }

  /// How lines look.
  public enum Format: String, CaseIterable, ConfigValue {
    /// Text on a terminal, JSON elsewhere.
    case auto
    /// One JSON object a line.
    case json
    /// For people.
    case text
  }

  /// The least level that is logged.
  @Field("Least level that is logged.") public var level = Level.info
  /// How lines look.
  @Field("How lines look; auto is text on a terminal and JSON elsewhere.") public var format = Format.auto
  /// Levels of single plugins.
  @Field("Levels of single plugins, by name.", example: "{ pool: debug }") public var levels: [String: Level] = [:]

  /// The defaults.
  public init() {}
}
