import MainstayKernel

/// The effective configuration, as rules look at it.
struct ConfigurationFacts: Sendable {
  /// One value.
  struct Fact: Sendable {
    let path: String
    let report: ConfigValueReport

    /// The last part of the path: `password`.
    var key: String {
      let last = path.split(separator: ".").last.map(String.init) ?? path
      return String(last.prefix { $0 != "[" })
    }

    /// Its text, secrets included: for checking, never for showing.
    var text: String? { report.content.reveal().stringValue }
    var number: Int? { report.content.reveal().integerValue.map { Int($0) } }

    /// The address in it, if it is one.
    var url: ServiceURL? { text.flatMap { ServiceURL($0) } }
  }

  let environment: HostEnvironment
  let facts: [Fact]
  private let byPath: [String: Fact]

  init(_ values: [ConfigValueReport], environment: HostEnvironment) {
    self.environment = environment
    facts = values.map { Fact(path: $0.path.description, report: $0) }
    byPath = Dictionary(facts.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The value of a key.
  subscript(path: String) -> Fact? { byPath[path] }

  /// Whether a plugin is enabled.
  func has(_ plugin: String) -> Bool { facts.contains { $0.path.hasPrefix("plugins.\(plugin).") } }

  /// Production is stricter: what is an error there is a warning elsewhere.
  var strict: ValidationFinding.Severity { environment == .production ? .error : .warning }

  /// What is a warning in production is only worth knowing elsewhere.
  var mild: ValidationFinding.Severity { environment == .production ? .warning : .info }
}
