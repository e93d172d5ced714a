import HTTPTypes
import MainstayHTTP
import MainstayKernel

/// The routes of the plugin.
struct ValidatorRoutes: Sendable {
  let validation: Validation
  let audit: ConfigurationAudit
  let access: RouteAccess

  var routes: Routes { Routes([health, validate, metrics, changes].map { $0.tagged("configuration") }) }

  private var health: Route {
    Route.get("/health/config", "Says whether the configuration is one to run with.", access: access) {
      [validation] _, _ in
      let report = await validation.report(.quick)
      return .json(.object(report.summary), status: report.isValid ? .ok : .serviceUnavailable)
    }
    .described("200 without errors, 503 with; only errors are looked for.")
    .responds(.ok, Self.summary)
    .responds(.serviceUnavailable, Self.summary, "There are errors.")
  }

  private var validate: Route {
    Route.get("/validate/config", "Validates the running configuration.", access: access) {
      [validation] request, _ in
      let parameters = request.uri.queryParameters
      guard let mode = ValidationReport.Mode(rawValue: parameters.get("mode") ?? "full") else {
        throw HTTPProblem(.badRequest, "'mode' must be one of quick, full, connections.")
      }
      let format = parameters.get("format")
      guard [nil, "text", "json"].contains(format) else {
        throw HTTPProblem(.badRequest, "'format' must be json or text.")
      }
      let report = await validation.report(mode)
      let wantsText = format == "text" || format == nil && request.headers[.accept]?.hasPrefix("text/plain") == true
      return wantsText ? .text(report.text) : .json(report.json)
    }
    .described("Also an invalid configuration is answered with 200: it is the report that was asked for.")
    .query("mode", "quick (errors), full, or connections (also whether databases and services can be reached).")
    .query("format", "json, or text for people; without it, `Accept: text/plain` does the same.")
    .responds(.badRequest, "There is no such mode or format.")
    .responds(.ok, Self.report)
  }

  private var metrics: Route {
    Route.get("/config/metrics", "Counts validations and changes of the configuration.", access: access) {
      [validation, audit] _, _ in
      let counts = validation.counts
      var object: JSONObject = [
        "validations": .integer(Int64(counts.runs)), "failedValidations": .integer(Int64(counts.failed)),
        "changes": .integer(Int64(audit.total)), "rules": .integer(Int64(ValidationRule.all.count)),
        "lastDurationMilliseconds": .number((counts.lastDuration / .microseconds(1)).rounded() / 1000),
      ]
      object["last"] = validation.last.map { .object($0.summary) }
      return .json(.object(object))
    }
    .responds(
      .ok,
      .object([
        "validations": .integer, "failedValidations": .integer, "changes": .integer, "rules": .integer,
        "lastDurationMilliseconds": .number, "last?": Self.summary,
      ]))
  }

  private var changes: Route {
    Route.get("/config/changes", "Lists the last changes of the running configuration.", access: access) {
      [audit] _, _ in .json(.object(["changes": .array(audit.changes.map(\.json))]))
    }
    .described(
      "Who asked (a signal, a changed file, a request), when, from what to what; the newest first; secrets are redacted. The "
        + "last 500 since the host started."
    )
    .responds(
      .ok,
      .object([
        "changes": .array(
          of: .object([
            "at": .number.described("Seconds since 1970."), "by": .string, "applied": .boolean,
            "generation?": .integer, "refusal?": .string,
            "changes": .array(
              of: .object(["path": .string, "old": .any, "new": .any, "origin": .string])),
          ]))
      ]))
  }

  private static let summary = HTTPSchema.object([
    "status": .oneOf("valid", "warnings", "invalid"), "environment": .string, "generation": .integer,
    "errors": .integer, "warnings": .integer, "infos": .integer,
    "checkedAt": .number.described("Seconds since 1970."), "durationMilliseconds": .number,
  ])

  private static let report = HTTPSchema.object([
    "status": .oneOf("valid", "warnings", "invalid"), "environment": .string, "generation": .integer,
    "errors": .integer, "warnings": .integer, "infos": .integer, "checkedAt": .number, "durationMilliseconds": .number,
    "mode": .oneOf("quick", "full", "connections"), "rules": .integer,
    "findings": .array(
      of: .object([
        "rule": .string, "category": .oneOf("database", "redis", "security", "environment"),
        "severity": .oneOf("error", "warning", "info"), "path?": .string, "origin?": .string, "message": .string,
        "remedy": .string,
      ])),
    "connections?": .array(
      of: .object([
        "path": .string, "target": .string, "reachable": .boolean, "latencyMilliseconds": .number, "failure?": .string,
      ])),
  ])
}
