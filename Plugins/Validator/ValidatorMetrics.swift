import MainstayInstruments
import MainstayKernel

/// What the plugin exports: what the last validation found, and how often there was one.
struct ValidatorMetrics: Sendable {
  let registry: MetricsRegistry

  init(clock: any HostClock, validation: Validation, audit: ConfigurationAudit) throws(MetricsError) {
    registry = MetricsRegistry(clock: clock)
    try registry.collect(
      "config_findings", help: "What the last full validation found, by severity.",
      labels: [Label("severity", known: ValidationFinding.Severity.allCases.map(\.rawValue))]
    ) { [weak validation] samples in
      guard let report = validation?.lastFull else { return }
      for severity in ValidationFinding.Severity.allCases {
        samples.add(Double(report.count(severity)), severity.rawValue)
      }
    }
    try registry.collect(
      "config_validations_total", .counter, help: "Validations, by what they found.",
      labels: [Label("result", known: ["valid", "invalid"])]
    ) { [weak validation] samples in
      guard let counts = validation?.counts else { return }
      samples.add(Double(counts.runs - counts.failed), "valid")
      samples.add(Double(counts.failed), "invalid")
    }
    try registry.collect(
      "config_changes_total", .counter, help: "Changes of the running configuration, those that were refused included."
    ) { [weak audit] samples in
      if let audit { samples.add(Double(audit.total)) }
    }
  }
}
