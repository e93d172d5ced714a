/// Something wrong with the configuration: what, where, and what to do.
public struct ConfigIssue: Sendable, Hashable {
  /// How bad it is.
  public enum Severity: String, Sendable, Hashable, Codable {
    /// The configuration cannot be used.
    case error
    /// The configuration can be used, but perhaps not as meant.
    case warning
  }

  /// What kind of issue it is; stable, for programs.
  public enum Code: String, Sendable, Hashable, CaseIterable, Codable {
    /// A file that cannot be read.
    case unreadableFile = "unreadable-file"
    /// Text that is not YAML.
    case syntax = "syntax"
    /// A key that occurs twice in one map.
    case duplicateKey = "duplicate-key"
    /// More than the limits allow.
    case limit = "limit"
    /// A file that includes itself, directly or not.
    case includeCycle = "include-cycle"
    /// A profile nobody has declared.
    case unknownProfile = "unknown-profile"
    /// A list of one layer that replaced that of another.
    case replacedList = "replaced-list"
    /// A `${…}` that cannot be resolved.
    case substitution = "substitution"
    /// A `--set` that cannot be used.
    case override = "override"
    /// A key nobody has declared.
    case unknownKey = "unknown-key"
    /// A value of the wrong type.
    case type = "type"
    /// A value outside its range or against its rule.
    case invalidValue = "invalid-value"
    /// Two environment variables that disagree about one key.
    case conflict = "conflict"
    /// A key that is on its way out.
    case deprecated = "deprecated"
    /// A mistake in the declaration of a configuration, for its author.
    case declaration = "declaration"
    /// A plugin nobody has linked.
    case unknownPlugin = "unknown-plugin"
    /// What the plugins require does not fit together.
    case graph = "graph"
  }

  /// How bad it is.
  public let severity: Severity
  /// What kind of issue it is.
  public let code: Code
  /// Where the offending text stands.
  public let origin: ConfigOrigin
  /// The key it is about; the root if it is about the whole.
  public let path: ConfigPath
  /// What is wrong: `must be between 1 and 10000, is 0`.
  public let message: String
  /// What to do about it.
  public let remedy: String?

  /// An issue.
  public init(
    _ severity: Severity, _ code: Code, at origin: ConfigOrigin, path: ConfigPath = ConfigPath(),
    _ message: String, remedy: String? = nil
  ) {
    self.severity = severity
    self.code = code
    self.origin = origin
    self.path = path
    self.message = message
    self.remedy = remedy
  }

  /// An error.
  public init(
    _ code: Code, at origin: ConfigOrigin, path: ConfigPath = ConfigPath(), _ message: String, remedy: String? = nil
  ) {
    self.init(.error, code, at: origin, path: path, message, remedy: remedy)
  }
}

extension ConfigIssue: CustomStringConvertible {
  /// One line, as compilers write it: `host.yaml:7:5: error: plugins.pool.max: must be between 1 and 10000, is 0`.
  public var description: String {
    let subject = path.steps.isEmpty ? "" : "\(path): "
    return "\(origin): \(severity.rawValue): \(subject)\(message)"
  }
}
