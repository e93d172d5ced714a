import MainstayCapabilities
import MainstayKernel
import MainstayPooling

extension PoolStatistics {
  /// The figures as `/stats/connections` shows them.
  var json: JSONObject {
    func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }
    var object: JSONObject = [
      "total": count(total), "active": count(active), "idle": count(idle), "connecting": count(connecting),
      "waiting": count(waiting), "utilisation": .number((utilisation * 10_000).rounded() / 10_000),
      "available": .bool(isAvailable), "pressure": .string(pressure.name), "min": count(min), "limit": count(limit),
      "max": count(max), "peak": count(peak), "tenants": count(tenants), "generation": count(generation),
      "waitMilliseconds": .object(waits.json),
    ]
    object["waitingByPriority"] = .object(
      JSONObject(PoolPriority.allCases.compactMap { one in waitingByPriority[one].map { ("\(one)", count($0)) } }))
    object["created"] = count(created)
    object["closed"] = .object(
      JSONObject(PoolCloseReason.allCases.compactMap { one in closed[one].map { (one.name, count($0)) } }))
    object["connectFailures"] = count(connectFailures)
    object["timedOut"] = count(timedOut)
    object["refused"] = count(refused)
    object["cancelled"] = count(cancelled)
    object["leaks"] = count(leaks)
    object["oldestHolder"] = oldestHolder.map { holder in
      ["site": .string("\(holder.site)"), "seconds": .number((holder.held / .milliseconds(1)).rounded() / 1_000)]
    }
    return object
  }
}

extension PoolWaits {
  fileprivate var json: JSONObject {
    func milliseconds(_ duration: Duration) -> JSONValue {
      .number((duration / .microseconds(1)).rounded() / 1_000)
    }
    return [
      "count": .integer(Int64(count)), "immediate": .integer(Int64(immediate)), "p50": milliseconds(p50),
      "p95": milliseconds(p95), "p99": milliseconds(p99), "max": milliseconds(longest),
    ]
  }
}

extension PoolPressureLevel {
  fileprivate var name: String {
    switch self {
    case .normal: "normal"
    case .nearlyExhausted: "nearly_exhausted"
    case .exhausted: "exhausted"
    }
  }
}

extension ConnectionPoolHealth {
  /// The finding as `/health/connections` shows it.
  var json: JSONObject {
    var object: JSONObject = ["status": .string(finding.status.rawValue)]
    object["message"] = finding.message.map { .string($0) }
    object["latencyMilliseconds"] = latency.map { .number(($0 / .microseconds(1)).rounded() / 1_000) }
    return object
  }
}
