import MainstayHTTP
import MainstayKernel

/// The routes of the plugin. They answer also while the host drains: that state is what they tell.
struct HealthRoutes: Sendable {
  let board: HealthBoard
  let access: RouteAccess
  let detailAccess: RouteAccess

  var routes: Routes {
    Routes([live, ready, health, comprehensive, report].map { $0.tagged("health").availableWhileDraining() })
  }

  private var live: Route {
    let body = ByteBuffer(string: "{\"status\":\"live\"}")
    return Route.get("/live", "Says that the process serves requests.", access: .open) { _, _ in
      .bytes(body, contentType: "application/json", headers: [.cacheControl: "no-store"])
    }
    .responds(.ok, .object(["status": .oneOf("live")]))
  }

  private var ready: Route {
    Route.get("/ready", "Says whether the host takes work.", access: .open) { [board] _, _ in board.answer(.ready) }
      .described("503 while the host starts or stops, with the reasons: which plugins are waited for.")
      .responds(.ok, .object(["status": .oneOf("ready")]))
      .responds(
        .serviceUnavailable, .object(["status": .oneOf("not_ready"), "reasons": .array(of: .string)]),
        "It does not, and why.")
  }

  private var health: Route {
    Route.get("/health", "Tells how the host is, in short.", access: access) { [board] _, _ in board.answer(.summary) }
      .described("200 if it is healthy or degraded, 503 if it is unhealthy.")
      .responds(.ok, Self.summary)
      .responds(.serviceUnavailable, Self.summary, "It is unhealthy.")
  }

  private var comprehensive: Route {
    Route.get("/health/comprehensive", "Tells how the host is, in full.", access: detailAccess) { [board] _, _ in
      board.answer(.comprehensive)
    }
    .described("Plugins with their state and start time, memory (bytes), cpu (percent of one core), load, reloads.")
    .responds(.ok, Self.full)
    .responds(.serviceUnavailable, Self.full, "It is unhealthy.")
  }

  private var report: Route {
    Route.get("/health/report", "Tells how the host is, for people.", access: detailAccess) { [board] _, _ in
      board.answer(.report)
    }
    .responds(.ok, .string, contentType: "text/plain")
    .responds(.serviceUnavailable, .string, contentType: "text/plain", "It is unhealthy.")
  }

  private static let summary = HTTPSchema.object([
    "status": .oneOf("healthy", "degraded", "unhealthy"), "version": .string,
    "uptime": .number.described("Seconds."), "uptimeHuman": .string, "reasons?": .array(of: .string),
  ])

  private static let full = HTTPSchema.object([
    "status": .oneOf("healthy", "degraded", "unhealthy"), "version": .string,
    "uptime": .number.described("Seconds."), "uptimeHuman": .string, "reasons?": .array(of: .string),
    "name": .string, "environment": .string, "state": .string,
    "memory?": .object(["resident?": .integer.described("Bytes."), "limit?": .integer.described("Bytes.")]),
    "cpu?": .object(["percent": .number.described("100 is one core."), "interval": .number.described("Seconds.")]),
    "system?": .object(["load?": .array(of: .number), "cores?": .integer]),
    "features": .array(of: .string).described("The plugins that are enabled."),
    "services": .dictionary(
      of: .object([
        "status": .oneOf("healthy", "degraded", "unhealthy"), "state": .string, "version": .string,
        "restarts": .integer, "startMilliseconds?": .number, "failure?": .string, "waitsFor?": .array(of: .string),
      ])),
    "start": .object(["milliseconds?": .number, "plugins": .dictionary(of: .number)]),
    "configuration": .object(["generation": .integer, "rejectedReloads": .integer]),
  ])
}
