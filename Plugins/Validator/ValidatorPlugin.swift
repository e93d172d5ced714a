import Logging
import MainstayCapabilities
import MainstayHTTP
import MainstayInstruments
public import MainstayKernel
import MainstayResilience

/// Says what is unwise in the configuration, and what has changed in it.
public struct ValidatorPlugin: Plugin {
  /// `validator`
  public static let manifest = PluginManifest(
    name: "validator", version: "1.1.0", summary: "Says what is unwise in the configuration.",
    provides: [.capability(.configurationValidation)],
    contributes: [.point(.httpRoutes), .point(.healthChecks), .point(.metrics)],
    events: [ValidationCompleted.self, ValidationFailed.self, ConfigurationChanged.self])

  private let validation: Validation
  private let access: String

  /// Validates, if it shall at start, and serves the routes.
  /// - Throws: ``ValidatorError`` if there are errors and `exit_on_error` is set.
  public init(configuration: ValidatorConfiguration, context: PluginContext) async throws {
    let timer = DeadlineTimer(clock: context.clock)
    let validation = Validation(configuration, host: context.host, timer: timer, bus: context.bus)
    let audit = ConfigurationAudit(context.host.values)
    if configuration.onStartup { try await Self.begin(validation, configuration, context.logger) }
    Self.watch(validation, audit, context)
    try context.contribute(
      HealthCheck("configuration", in: []) {
        let report = await validation.report(.quick)
        guard !report.isValid else { return .healthy("no errors") }
        return .degraded("\(report.count(.error)) errors; see /validate/config")
      }, to: .healthChecks)
    try context.provide(validation, as: .configurationValidation)
    try context.contribute(
      ValidatorMetrics(clock: context.clock, validation: validation, audit: audit).registry, to: .metrics)
    try context.contribute(
      ValidatorRoutes(validation: validation, audit: audit, access: RouteAccess(validator: configuration.access)).routes
    )
    self.validation = validation
    access = configuration.access
  }

  /// Goes on with the new settings, and with its account of changes, unless others may ask now.
  public func reconfigure(_ new: ValidatorConfiguration) async throws -> Reconfiguration {
    guard new.access == access else { return .restart }
    validation.take(new)
    return .applied
  }

  /// For `mainstay doctor`.
  public static func diagnose(_ configuration: ValidatorConfiguration, of plan: Plan) async -> [Diagnosis] {
    let facts = ConfigurationFacts(plan.values, environment: plan.host.environment)
    let found = ValidationRule.findings(facts).filter {
      !configuration.ignore.contains($0.rule) && $0.severity != .info
    }
    guard !found.isEmpty else {
      return [Diagnosis(.fine, subject: "configuration", "\(ValidationRule.all.count) rules find nothing unwise")]
    }
    return found.map { finding in
      Diagnosis(
        finding.severity == .error ? .problem : .notice, subject: finding.path ?? "configuration",
        "\(finding.message) (\(finding.rule))", remedy: finding.remedy)
    }
  }

  private static func begin(
    _ validation: Validation, _ configuration: ValidatorConfiguration, _ logger: Logger
  ) async throws {
    let report = await validation.report(.full)
    for finding in report.findings where finding.severity == .warning { logger.warning("\(finding.text)") }
    let errors = report.findings.filter { $0.severity == .error }
    for finding in errors { logger.error("\(finding.text)") }
    if configuration.exitOnError, !errors.isEmpty { throw ValidatorError(errors.map(\.text)) }
  }

  /// Keeps account of changes of the configuration.
  private static func watch(_ validation: Validation, _ audit: ConfigurationAudit, _ context: PluginContext) {
    let (bus, clock, host) = (context.bus, context.clock, context.host)
    // At once, so that no two changes become one.
    bus.observe(HostReloaded.self) { reloaded in
      validation.forget()
      let change = audit.applied(
        host.values, generation: reloaded.generation, at: clock.timeSinceEpoch, by: reloaded.by)
      bus.publish(
        ConfigurationChanged(
          generation: reloaded.generation, by: reloaded.by, changes: change.changes.map(\.description)))
    }
    bus.observe(HostReloadRejected.self) { audit.refused($0.reason, at: clock.timeSinceEpoch, by: $0.by) }
    bus.subscribe(HostReloaded.self) { _ in _ = await validation.report(.full) }
  }
}

/// The configuration has errors, and the host shall not run with them.
public struct ValidatorError: Error, CustomStringConvertible {
  /// What is wrong, with where and what to do.
  public let findings: [String]

  init(_ findings: [String]) { self.findings = findings }

  /// What is wrong, and how to go on.
  public var description: String {
    "the configuration has errors:\n" + findings.joined(separator: "\n")
      + "\nMend them, or leave out plugins.validator.exit_on_error."
  }
}

extension RouteAccess {
  /// Reads `open`, `authenticated`, or the name of a role.
  init(validator text: String) {
    switch text {
    case "open": self = .open
    case "authenticated": self = .authenticated
    default: self = .role(text)
    }
  }
}
