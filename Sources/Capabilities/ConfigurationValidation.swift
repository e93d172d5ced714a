public import MainstayKernel

/// Says what is unwise in the running configuration, for plugins that want to know.
///
/// ```swift
/// let validation = try context.require(.configurationValidation)
/// let report = await validation.validate(.full)
/// ```
public protocol ConfigurationValidation: Sendable {
  /// What is found, or was found a moment ago.
  func validate(_ scope: ConfigurationReport.Scope) async -> ConfigurationReport
}

/// What a validation of the configuration has found.
public struct ConfigurationReport: Sendable {
  /// How much is looked at.
  public enum Scope: String, Sendable, Hashable, CaseIterable {
    /// Errors only.
    case quick
    /// Everything in the configuration.
    case full
    /// Everything, and whether what it names can be reached.
    case connections
  }

  /// How bad something is.
  public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// The host should not run like this.
    case error
    /// It works, but perhaps not as meant.
    case warning
    /// Worth knowing.
    case info
  }

  /// One thing that was found.
  public struct Finding: Sendable, Hashable {
    /// The rule, such as `SEC001`.
    public let rule: String
    /// How bad it is.
    public let severity: Severity
    /// The key; nil if it is about several.
    public let path: String?
    /// What is wrong. Never a secret.
    public let message: String
    /// What to do.
    public let remedy: String

    /// A finding.
    public init(rule: String, severity: Severity, path: String?, message: String, remedy: String) {
      self.rule = rule
      self.severity = severity
      self.path = path
      self.message = message
      self.remedy = remedy
    }
  }

  /// How much was looked at.
  public let scope: Scope
  /// The generation of the configuration.
  public let generation: Int
  /// What was found, errors first.
  public let findings: [Finding]
  /// What the configuration names and cannot be used, with the reason: `127.0.0.1:5432: connection refused`.
  public let unreachable: [String]
  /// The report for people.
  public let text: String

  /// A report.
  public init(scope: Scope, generation: Int, findings: [Finding], unreachable: [String], text: String) {
    self.scope = scope
    self.generation = generation
    self.findings = findings
    self.unreachable = unreachable
    self.text = text
  }

  /// Whether there are no errors.
  public var isValid: Bool { !findings.contains { $0.severity == .error } }
}

extension Capability where Value == any ConfigurationValidation {
  /// What is unwise in the configuration.
  public static var configurationValidation: Self { Self("configuration_validation") }
}
