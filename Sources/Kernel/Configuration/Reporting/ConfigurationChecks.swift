/// Where a configuration reports what is wrong with several of its fields together.
///
/// Fields are named by their keys in the manifest, from the section downwards: `issues.error("max", …)`,
/// `issues.error("limits.body", …)`, `issues.error("databases[0].url", …)`. `ConfigPath()` is the section itself.
public struct ConfigurationChecks {
  /// For what kind of work the host will run: `host.environment`. Production may be stricter.
  public let environment: HostEnvironment

  private let path: ConfigPath
  private let origin: (ConfigPath) -> ConfigOrigin
  private(set) var issues: [ConfigIssue] = []

  init(path: ConfigPath, environment: HostEnvironment, origin: @escaping (ConfigPath) -> ConfigOrigin) {
    self.path = path
    self.environment = environment
    self.origin = origin
  }

  /// The configuration cannot be used.
  public mutating func error(_ field: ConfigPath, _ message: String, remedy: String? = nil) {
    report(.error, field, message, remedy)
  }

  /// The configuration can be used, but perhaps not as meant.
  public mutating func warning(_ field: ConfigPath, _ message: String, remedy: String? = nil) {
    report(.warning, field, message, remedy)
  }

  private mutating func report(
    _ severity: ConfigIssue.Severity, _ field: ConfigPath, _ message: String, _ remedy: String?
  ) {
    let full = path.appending(field)
    issues.append(
      ConfigIssue(severity, .invalidValue, at: origin(full), path: full, message, remedy: remedy))
  }
}
