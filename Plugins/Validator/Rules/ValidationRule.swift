import MainstayKernel

/// One rule: what it is about, and how it looks at the configuration. Pure.
struct ValidationRule: Sendable {
  let id: String
  let category: ValidationFinding.Category
  /// One line, for the list of rules.
  let summary: String
  let look: @Sendable (ConfigurationFacts, Finder) -> [ValidationFinding]

  init(
    _ id: String, _ category: ValidationFinding.Category, _ summary: String,
    look: @escaping @Sendable (ConfigurationFacts, Finder) -> [ValidationFinding]
  ) {
    self.id = id
    self.category = category
    self.summary = summary
    self.look = look
  }

  /// What it finds.
  func findings(_ facts: ConfigurationFacts) -> [ValidationFinding] {
    look(facts, Finder(rule: id, category: category))
  }

  /// Makes the findings of one rule.
  struct Finder: Sendable {
    let rule: String
    let category: ValidationFinding.Category

    func callAsFunction(
      _ severity: ValidationFinding.Severity, _ fact: ConfigurationFacts.Fact? = nil, _ message: String, remedy: String
    ) -> ValidationFinding {
      ValidationFinding(
        rule: rule, category: category, severity: severity, path: fact?.path,
        origin: fact.map { $0.report.origin.description }, message: message, remedy: remedy)
    }
  }

  /// Every rule, in the order of reports.
  static let all = environment + security + database + redis

  /// What a configuration amounts to: errors first, then by rule.
  static func findings(_ facts: ConfigurationFacts) -> [ValidationFinding] {
    let found = all.flatMap { $0.findings(facts) }
    return ValidationFinding.Severity.allCases.flatMap { severity in found.filter { $0.severity == severity } }
  }
}
