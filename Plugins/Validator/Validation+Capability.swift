import MainstayCapabilities

extension Validation: ConfigurationValidation {
  func validate(_ scope: ConfigurationReport.Scope) async -> ConfigurationReport {
    let report = await report(ValidationReport.Mode(scope))
    return ConfigurationReport(
      scope: scope, generation: report.generation, findings: report.findings.map(\.shared),
      unreachable: report.connections.compactMap { result in result.failure.map { "\(result.target): \($0)" } },
      text: report.text)
  }
}

extension ValidationReport.Mode {
  fileprivate init(_ scope: ConfigurationReport.Scope) {
    self =
      switch scope {
      case .quick: .quick
      case .full: .full
      case .connections: .connections
      }
  }
}

extension ValidationFinding {
  fileprivate var shared: ConfigurationReport.Finding {
    let severity: ConfigurationReport.Severity =
      switch severity {
      case .error: .error
      case .warning: .warning
      case .info: .info
      }
    return ConfigurationReport.Finding(
      rule: rule, severity: severity, path: path, message: message, remedy: remedy)
  }
}
