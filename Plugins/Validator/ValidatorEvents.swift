public import MainstayKernel

/// The configuration was validated.
public struct ValidationCompleted: Event {
  /// `validator.validation-completed`
  public static let topic: Topic = "validator.validation-completed"
  /// `quick`, `full` or `connections`.
  public let mode: String
  /// The generation of the configuration.
  public let generation: Int
  /// Whether no error was found.
  public let isValid: Bool
  /// Errors found.
  public let errors: Int
  /// Warnings found.
  public let warnings: Int
  /// How long it took.
  public let durationMilliseconds: Double
}

/// The configuration was validated, and has errors.
public struct ValidationFailed: Event {
  /// `validator.validation-failed`
  public static let topic: Topic = "validator.validation-failed"
  /// The generation of the configuration.
  public let generation: Int
  /// The rules that found errors: `SEC001`.
  public let rules: [String]
}

/// The running configuration changed.
public struct ConfigurationChanged: Event {
  /// `validator.configuration-changed`
  public static let topic: Topic = "validator.configuration-changed"
  /// The new generation.
  public let generation: Int
  /// Who asked for it: `SIGHUP`, `a change of host.yaml`, `request 4bf9…`.
  public let by: String
  /// What changed, a line a value: `plugins.pool.max: 50 → 80 (host.yaml:7:10)`; secrets are redacted.
  public let changes: [String]
}
