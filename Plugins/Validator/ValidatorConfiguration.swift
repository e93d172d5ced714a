public import MainstayKernel

/// When the configuration is validated, and what comes of it.
public struct ValidatorConfiguration: PluginConfiguration {
  /// At start.
  @Field("Validates when the host starts.", environment: "CONFIG_VALIDATION_ON_STARTUP")
  public var onStartup = true

  /// Whether errors end the host.
  @Field("Errors found at start keep the host from starting.", environment: "CONFIG_EXIT_ON_ERROR")
  public var exitOnError = false

  /// Rules that are left out.
  @Field("Rules that are not applied, by id.", example: "[SEC005]")
  public var ignore: [String] = []

  /// The time for a connection test.
  @Field("The longest wait in a connection test.", range: .milliseconds(10)...Duration.seconds(30))
  public var connectTimeout: Duration = .seconds(2)

  /// How long a report is kept.
  @Field("How long a report is given again, until the configuration changes.", range: .zero...Duration.seconds(3600))
  public var cache: Duration = .seconds(5)

  /// Who may ask.
  @Field("Who may ask: open, authenticated, or the name of a role.", minLength: 1)
  public var access = "viewer"

  /// The defaults.
  public init() {}

  /// What is left out must be a rule.
  public func validate(into issues: inout ConfigurationChecks) {
    let known = ValidationRule.all.map(\.id)
    for (index, id) in ignore.enumerated() where !known.contains(id) {
      issues.error(
        ConfigPath(stringLiteral: "ignore[\(index)]"), "there is no rule '\(id)'",
        remedy: "the rules are \(known.joined(separator: ", "))")
    }
  }
}
