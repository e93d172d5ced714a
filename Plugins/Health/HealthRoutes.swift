import HTTPTypes
import MainstayHTTP
import MainstayKernel

/// The routes of the plugin. They answer also while the host drains: that state is what they tell.
struct HealthRoutes: Sendable {
  let board: HealthBoard
  let access: RouteAccess
  let detailAccess: RouteAccess

  var routes: Routes {
    Routes([live, ready, startup, health, comprehensive, report].map { $0.tagged("health").availableWhileDraining() })
  }

  private var live: Route {
    Route.get("/live", "Says that the process serves requests.", access: .open) { [board] _, _ in
      await board.answer(.live)
    }
    .described("503 only if restarting the process is what helps: never because of something outside it.")
    .responds(.ok, .object(["status": .oneOf("live")]))
    .responds(.serviceUnavailable, Self.refusal("not_live"), "It should be restarted, and why.")
  }

  private var ready: Route {
    Route.get("/ready", "Says whether the host takes work.", access: .open) { [board] _, _ in
      await board.answer(.ready)
    }
    .described("503 while the host starts or stops or a readiness check fails, with the reasons.")
    .responds(.ok, .object(["status": .oneOf("ready")]))
    .responds(.serviceUnavailable, Self.refusal("not_ready"), "It does not, and why.")
  }

  private var startup: Route {
    Route.get("/startup", "Says whether the host has come up.", access: .open) { [board] _, _ in
      await board.answer(.startup)
    }
    .described("503 until every plugin has started and the startup checks have passed; from then on always 200.")
    .responds(.ok, .object(["status": .oneOf("started")]))
    .responds(.serviceUnavailable, Self.refusal("not_started"), "Not yet, and why.")
    .aliased("/health/startup")
  }

  private var health: Route {
    Route.get("/health", "Tells how the host is, in short.", access: access) { [board] request, _ in
      await board.answer(request.wantsDraft ? .draftSummary : .summary)
    }
    .described(
      "200 if it is healthy or degraded, 503 if it is unhealthy. `Accept: application/health+json` gives the shape of that "
        + "media type."
    )
    .responds(.ok, Self.summary)
    .responds(.serviceUnavailable, Self.summary, "It is unhealthy.")
  }

  private var comprehensive: Route {
    Route.get("/health/comprehensive", "Tells how the host is, in full.", access: detailAccess) { [board] request, _ in
      await board.answer(request.wantsDraft ? .draft : .comprehensive)
    }
    .described(
      "Plugins with their state, start time and checks, memory (bytes), cpu (percent of one core), load, pressure, "
        + "thresholds, reloads. `Accept: application/health+json` gives the shape of that media type."
    )
    .responds(.ok, Self.full)
    .responds(.serviceUnavailable, Self.full, "It is unhealthy.")
  }

  private var report: Route {
    Route.get("/health/report", "Tells how the host is, for people.", access: detailAccess) { [board] _, _ in
      await board.answer(.report)
    }
    .responds(.ok, .string, contentType: "text/plain")
    .responds(.serviceUnavailable, .string, contentType: "text/plain", "It is unhealthy.")
  }

  private static func refusal(_ word: String) -> HTTPSchema {
    .object(["status": .oneOf(word), "reasons": .array(of: .string)])
  }

  private static let summary = HTTPSchema.object([
    "status": .oneOf("healthy", "degraded", "unhealthy"), "version": .string,
    "uptime": .number.described("Seconds."), "uptimeHuman": .string, "reasons?": .array(of: .string),
  ])

  private static let full = HTTPSchema.object([
    "status": .oneOf("healthy", "degraded", "unhealthy"), "version": .string,
    "uptime": .number.described("Seconds."), "uptimeHuman": .string, "reasons?": .array(of: .string),
    "name": .string, "environment": .string, "state": .string,
    "warnings?": .array(of: .string),
    "memory?": .object([
      "resident?": .integer.described("Bytes, of the process."),
      "workingSet?": .integer.described("Bytes, of the control group."), "limit?": .integer.described("Bytes."),
      "machine?": .integer.described("Bytes."), "available?": .integer.described("Bytes, of the machine."),
      "usedPercent?": .number.described("Of the limit, else of the machine."),
    ]),
    "cpu?": .object([
      "percent": .number.described("100 is one core."), "interval": .number.described("Seconds."),
      "usedPercent?": .number.described("Of what the process may use."),
    ]),
    "system?": .object([
      "load?": .array(of: .number), "cores?": .integer, "quota?": .number.described("Cores."),
      "diskUsedPercent?": .number, "threadPoolLagMilliseconds": .number,
      "pressure?": .dictionary(of: .number).described("Percent of the last ten seconds."),
    ]),
    "thresholds": .dictionary(of: .oneOf("normal", "warning", "critical")),
    "features": .array(of: .string).described("The plugins that are enabled."),
    "services": .dictionary(
      of: .object([
        "status": .oneOf("healthy", "degraded", "unhealthy"), "state": .string, "version": .string,
        "restarts": .integer, "startMilliseconds?": .number, "failure?": .string, "waitsFor?": .array(of: .string),
        "latencyMilliseconds?": .number.described("Of its slowest check."), "checks?": .dictionary(of: check),
      ])),
    "start": .object(["milliseconds?": .number, "plugins": .dictionary(of: .number)]),
    "configuration": .object(["generation": .integer, "rejectedReloads": .integer]),
  ])

  private static let check = HTTPSchema.object([
    "status": .oneOf("healthy", "degraded", "unhealthy"), "about": .oneOf("component", "dependency"),
    "critical": .boolean, "groups": .array(of: .oneOf("liveness", "readiness", "startup")),
    "latencyMilliseconds?": .number, "ageSeconds?": .number, "message?": .string, "details?": .any, "stale?": .boolean,
  ])
}

extension Request {
  /// Whether the caller asks for `application/health+json`.
  fileprivate var wantsDraft: Bool { headers[.accept]?.contains("application/health+json") ?? false }
}
