import MainstayHTTP
import MainstayKernel
import MainstayResilience

extension Duration {
  /// Milliseconds, to the thousandth.
  var inMilliseconds: JSONValue { .number((self / .microseconds(1)).rounded() / 1000) }
}

extension RetryStrategy {
  var json: JSONValue {
    var object: JSONObject = [
      "name": .string(name), "attempts": .integer(Int64(attempts)),
      "delayMilliseconds": backoff.base.inMilliseconds, "factor": .number(backoff.factor),
      "maxDelayMilliseconds": backoff.cap.inMilliseconds, "jitter": .string(backoff.jitter.rawValue),
      "longestWaitMilliseconds": longestWait.inMilliseconds,
    ]
    object["attemptTimeoutMilliseconds"] = attemptTimeout?.inMilliseconds
    object["overallTimeoutMilliseconds"] = overallTimeout?.inMilliseconds
    return .object(object)
  }
}

extension RetryCounts {
  var json: JSONObject {
    [
      "calls": .integer(Int64(clamping: calls)), "succeededAtOnce": .integer(Int64(clamping: succeededAtOnce)),
      "succeededLater": .integer(Int64(clamping: succeededLater)), "failed": .integer(Int64(clamping: failures)),
      "retries": .integer(Int64(clamping: retries)), "waitedMilliseconds": waited.inMilliseconds,
      "failedBecause": .object(
        JSONObject(
          failed.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            ($0.key.rawValue, .integer(Int64(clamping: $0.value)))
          })),
    ]
  }

  static func + (left: RetryCounts, right: RetryCounts) -> RetryCounts {
    var sum = left
    sum.calls += right.calls
    sum.succeededAtOnce += right.succeededAtOnce
    sum.succeededLater += right.succeededLater
    sum.retries += right.retries
    sum.waited += right.waited
    sum.failed.merge(right.failed) { $0 + $1 }
    return sum
  }
}

extension Resilience {
  /// `/retry/metrics`
  var json: JSONValue {
    let known = known
    let total = known.reduce(RetryCounts()) { $0 + $1.retry.counts }
    return [
      "total": .object(total.json), "retrying": .integer(Int64(limit.current)),
      "retryLimit": .integer(Int64(limit.limit)), "abandonedCalls": .integer(Int64(timer.abandoned)),
      "services": .object(JSONObject(known.map { ($0.name, .object($0.json)) })),
    ]
  }
}

extension Resilience.Service {
  /// What has become of its calls, and how its limits are.
  fileprivate var json: JSONObject {
    let tokens = budget.status
    var object = retry.counts.json
    object["budget"] = [
      "tokens": .number(tokens.tokens), "granted": .integer(Int64(clamping: tokens.granted)),
      "refused": .integer(Int64(clamping: tokens.refused)),
    ]
    if let counts = pipeline.hedge?.counts {
      object["hedge"] = [
        "calls": .integer(Int64(clamping: counts.calls)), "copies": .integer(Int64(clamping: counts.copies)),
        "wins": .integer(Int64(clamping: counts.wins)), "refused": .integer(Int64(clamping: counts.refused)),
        "running": .integer(Int64(counts.running)),
      ]
    }
    if let status = pipeline.bulkhead?.status {
      object["bulkhead"] = [
        "limit": .integer(Int64(status.limit)), "inUse": .integer(Int64(status.inUse)),
        "queued": .integer(Int64(status.queued)), "rejected": .integer(Int64(clamping: status.rejected)),
      ]
    }
    if let status = pipeline.limiter?.status {
      object["adaptiveLimit"] = [
        "limit": .integer(Int64(status.limit)), "inUse": .integer(Int64(status.inFlight)),
        "rejected": .integer(Int64(clamping: status.rejected)),
      ]
    }
    return object
  }
}

extension RetryExecution {
  var json: JSONValue {
    var object: JSONObject = [
      "id": .integer(Int64(id)), "operation": .string(operation), "strategy": .string(strategy),
      "state": .string(state.rawValue), "startedAt": .number((startedAt / .milliseconds(1)).rounded() / 1000),
      "metadata": .object(JSONObject(metadata.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
      "attempts": .array(
        attempts.map { attempt in
          var object: JSONObject = ["endedMilliseconds": attempt.ended.inMilliseconds]
          object["error"] = attempt.errorType.map { .string($0) }
          object["waitMilliseconds"] = attempt.wait?.inMilliseconds
          return .object(object)
        }),
    ]
    object["service"] = service.map { .string($0) }
    object["stop"] = stop.map { .string($0.rawValue) }
    object["durationMilliseconds"] = duration?.inMilliseconds
    return .object(object)
  }
}

extension CircuitBreaker.Status {
  /// State in the words of the sources, and everything else.
  var json: JSONValue {
    let word =
      switch state {
      case .closed: "CLOSED"
      case .open: "OPEN"
      case .halfOpen: "HALF_OPEN"
      case .forcedOpen: "FORCED_OPEN"
      case .disabled: "DISABLED"
      }
    var object: JSONObject = [
      "state": .string(word), "failures": .integer(Int64(failures)), "successes": .integer(Int64(successes)),
      "lastFailure": lastFailure.map { .number(($0 / .milliseconds(1)).rounded() / 1000) } ?? .null,
      "rejected": .integer(Int64(clamping: rejected)), "opened": .integer(Int64(clamping: opened)),
    ]
    object["retryAfterMilliseconds"] = retryAfter?.inMilliseconds
    return .object(object)
  }
}

extension RetryOutcome {
  func json(_ strategy: RetryStrategy) -> JSONValue {
    var object: JSONObject = [
      "strategy": .string(strategy.name), "succeeded": .bool(stop == nil), "attempts": .integer(Int64(attempts)),
      "durationMilliseconds": duration.inMilliseconds,
    ]
    object["stop"] = stop.map { .string($0.rawValue) }
    object["execution"] = executionID.map { .integer(Int64($0)) }
    return .object(object)
  }
}

// What the routes say of these shapes.
extension RetryRoutes {
  static let strategy = HTTPSchema.object([
    "name": .string, "attempts": .integer, "delayMilliseconds": .number, "factor": .number,
    "maxDelayMilliseconds": .number, "jitter": .oneOf("none", "full", "equal", "decorrelated"),
    "longestWaitMilliseconds": .number, "attemptTimeoutMilliseconds?": .number,
    "overallTimeoutMilliseconds?": .number,
  ])

  static let counts = HTTPSchema.object([
    "calls": .integer, "succeededAtOnce": .integer, "succeededLater": .integer, "failed": .integer,
    "retries": .integer, "waitedMilliseconds": .number, "failedBecause": .dictionary(of: .integer),
    "budget?": .object(["tokens": .number, "granted": .integer, "refused": .integer]),
    "hedge?": .object([
      "calls": .integer, "copies": .integer, "wins": .integer, "refused": .integer, "running": .integer,
    ]),
    "bulkhead?": .object(["limit": .integer, "inUse": .integer, "queued": .integer, "rejected": .integer]),
    "adaptiveLimit?": .object(["limit": .integer, "inUse": .integer, "rejected": .integer]),
  ])

  static let execution = HTTPSchema.object([
    "id": .integer, "operation": .string, "service?": .string, "strategy": .string,
    "state": .oneOf("running", "succeeded", "failed"), "startedAt": .number.described("Seconds since 1970."),
    "metadata": .dictionary(of: .string), "stop?": .string, "durationMilliseconds?": .number,
    "attempts": .array(
      of: .object(["endedMilliseconds": .number, "error?": .string, "waitMilliseconds?": .number])),
  ])

  static let breaker = HTTPSchema.object([
    "state": .oneOf("CLOSED", "OPEN", "HALF_OPEN", "FORCED_OPEN", "DISABLED"), "failures": .integer,
    "successes": .integer, "lastFailure": .any.described("Seconds since 1970, or null."),
    "rejected": .integer, "opened": .integer, "retryAfterMilliseconds?": .number,
  ])
}
