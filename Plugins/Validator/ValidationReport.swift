import MainstayKernel

/// What one validation has found.
struct ValidationReport: Sendable {
  /// How much is looked at.
  enum Mode: String, Sendable, CaseIterable {
    /// Errors only.
    case quick
    /// Everything in the configuration.
    case full
    /// Everything, and whether what it names can be reached.
    case connections
  }

  let mode: Mode
  let environment: HostEnvironment
  /// The generation of the configuration.
  let generation: Int
  /// When it was made: time since 1970.
  let at: Duration
  let duration: Duration
  let findings: [ValidationFinding]
  let connections: [ConnectionResult]

  func count(_ severity: ValidationFinding.Severity) -> Int { findings.count { $0.severity == severity } }

  /// Whether the host should run like this.
  var isValid: Bool { count(.error) == 0 }

  /// `valid`, `warnings` or `invalid`.
  var word: String { isValid ? (count(.warning) == 0 ? "valid" : "warnings") : "invalid" }

  /// What everybody may know who may see that there is a configuration: numbers.
  var summary: JSONObject {
    [
      "status": .string(word), "environment": .string(environment.rawValue), "generation": .integer(Int64(generation)),
      "errors": .integer(Int64(count(.error))), "warnings": .integer(Int64(count(.warning))),
      "infos": .integer(Int64(count(.info))), "checkedAt": .number((at / .milliseconds(1)).rounded() / 1000),
      "durationMilliseconds": .number((duration / .microseconds(1)).rounded() / 1000),
    ]
  }

  /// `/validate/config`
  var json: JSONValue {
    var object = summary
    object["mode"] = .string(mode.rawValue)
    object["rules"] = .integer(Int64(ValidationRule.all.count))
    object["findings"] = .array(findings.map(\.json))
    if mode == .connections { object["connections"] = .array(connections.map(\.json)) }
    return .object(object)
  }

  /// The same for people.
  var text: String {
    let counts = ValidationFinding.Severity.allCases.map { "\(count($0)) \($0.rawValue)" }.joined(separator: ", ")
    var lines = ["configuration \(generation) for \(environment.rawValue): \(word) (\(counts))", ""]
    for category in ValidationFinding.Category.allCases {
      let own = findings.filter { $0.category == category }
      lines.append("\(category.rawValue): \(own.isEmpty ? "nothing found" : "")")
      lines += own.map { "  " + $0.text }
    }
    if mode == .connections {
      lines.append("connections: \(connections.isEmpty ? "none to try" : "")")
      lines += connections.map { "  " + $0.text }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
