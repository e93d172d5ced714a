import MainstayCapabilities
import MainstayKernel

/// What is known of one check at one moment.
struct CheckAnswer: Sendable {
  let plugin: String
  let check: HealthCheck
  /// What it counts as; nil before the first look.
  let status: HealthFinding.Status?
  /// The last look.
  let last: CheckMachine.Look?
  /// How long ago that was.
  let age: Duration?
  /// Whether that is too long ago.
  let isStale: Bool

  /// `pool.postgres`
  var name: String { "\(plugin).\(check.name)" }

  /// What it counts as; what is not known yet is not well.
  var counted: HealthFinding.Status { status ?? .unhealthy }

  /// What everybody may know: the name and the word.
  var reason: String? {
    switch counted {
    case .healthy: nil
    case .degraded: "the check \(name) is degraded"
    case .unhealthy where isStale: "the check \(name) has not been answered for too long"
    case .unhealthy where status == nil: "the check \(name) has not been answered yet"
    case .unhealthy: "the check \(name) has failed"
    }
  }

  /// In full, for those who may see details.
  var json: JSONValue {
    var object: JSONObject = [
      "status": .string(counted.rawValue), "about": .string(check.subject.rawValue),
      "critical": .bool(check.isCritical),
      "groups": .array(check.groups.map(\.rawValue).sorted().map { .string($0) }),
    ]
    object["latencyMilliseconds"] = last.map { .number($0.latency.milliseconds) }
    object["ageSeconds"] = age.map { .number($0.rounded) }
    object["message"] = last?.finding.message.map { .string($0) }
    if let details = last?.finding.details, !details.isEmpty { object["details"] = .object(details) }
    if isStale { object["stale"] = true }
    return .object(object)
  }
}
