import MainstayCapabilities
import MainstayKernel

/// `application/health+json` (draft-inadarei-api-health-check-06).
extension HealthReport {
  /// What everybody may know.
  var draftSummary: JSONValue {
    .object(["status": .string(status.draftWord), "version": .string(version), "description": .string(name)])
  }

  /// In full: a list for each measurement, as the draft has it.
  func draft(at time: String) -> JSONValue {
    var object: JSONObject = [
      "status": .string(status.draftWord), "version": .string(version), "description": .string(name),
    ]
    let reasons = reasons
    if !reasons.isEmpty { object["notes"] = .array((reasons + warnings).map { .string($0) }) }
    object["checks"] = .object(
      JSONObject(checks.map { ("\($0.name):responseTime", [check($0, time)]) } + measurements(time)))
    return .object(object)
  }

  private func check(_ answer: CheckAnswer, _ time: String) -> JSONValue {
    let status: HealthStatus =
      switch answer.counted {
      case .healthy: .healthy
      case .degraded: .degraded
      case .unhealthy: .unhealthy
      }
    var object: JSONObject = [
      "componentType": answer.check.subject == .dependency ? "datastore" : "component",
      "status": .string(status.draftWord), "time": .string(time),
    ]
    if let last = answer.last {
      object["observedValue"] = .number(last.latency.milliseconds)
      object["observedUnit"] = "ms"
    }
    // The draft has no output on what passes.
    if status != .healthy { object["output"] = answer.last?.finding.message.map { .string($0) } }
    return .object(object)
  }

  private func measurements(_ time: String) -> [(String, JSONValue)] {
    resources.measures.map { resource, value in
      let level = levels.first { $0.resource == resource }?.level ?? .normal
      let word: JSONValue = level == .normal ? "pass" : "warn"
      let unit: JSONValue = resource == "thread_pool_lag" ? "ms" : "percent"
      let measure: JSONValue = [
        "componentType": "system", "observedValue": .number(value.twoDigits), "observedUnit": unit, "status": word,
        "time": .string(time),
      ]
      return (resource == "thread_pool_lag" ? "tasks:lag" : "\(resource):utilization", [measure])
    }
  }
}
