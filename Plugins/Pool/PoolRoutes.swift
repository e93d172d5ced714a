import HTTPTypes
import MainstayCapabilities
import MainstayHTTP
import MainstayKernel

/// The routes of the plugin.
struct PoolRoutes: Sendable {
  let targets: PoolTargets
  let healthAccess: RouteAccess
  let statsAccess: RouteAccess
  let adminAccess: RouteAccess

  init(_ targets: PoolTargets, _ configuration: PoolConfiguration) {
    self.targets = targets
    healthAccess = RouteAccess(pool: configuration.healthAccess)
    statsAccess = RouteAccess(pool: configuration.statsAccess)
    adminAccess = RouteAccess(pool: configuration.adminAccess)
  }

  var routes: Routes { Routes([health, stats, optimizeAll, optimize, replace].map { $0.tagged("pool") }) }

  private static let headers: HTTPFields = [.cacheControl: "no-store"]

  private var health: Route {
    Route.get("/health/connections", "Asks every target for a sign of life.", access: healthAccess) {
      [targets] _, _ in
      let all = await targets.performHealthCheck()
      let worst = Self.worst(all.map(\.finding.status))
      return .json(
        .object([
          "status": .string(worst.rawValue), "targets": .object(JSONObject(all.map { ($0.name, .object($0.json)) })),
        ]), status: worst == .unhealthy ? .serviceUnavailable : .ok, headers: Self.headers)
    }
    .described("200 if every target answers, 503 if one does not. A target that is exhausted answers as degraded.")
    .responds(.ok, Self.healthSchema)
    .responds(.serviceUnavailable, Self.healthSchema, "One does not answer.")
    .availableWhileDraining()
  }

  private static func worst(_ all: [HealthFinding.Status]) -> HealthFinding.Status {
    all.contains(.unhealthy) ? .unhealthy : all.contains(.degraded) ? .degraded : .healthy
  }

  private var stats: Route {
    Route.get("/stats/connections", "Tells how connections are used.", access: statsAccess) { [targets] _, _ in
      let all = targets.stats()
      func sum(_ figure: (ConnectionPoolStatus) -> Int) -> JSONValue {
        .integer(Int64(all.reduce(0) { $0 + figure($1) }))
      }
      return .json(
        .object([
          "total": sum(\.total), "active": sum(\.active), "idle": sum(\.idle), "waiting": sum(\.waiting),
          "targets": .object(JSONObject(all.map { ($0.name, .object($0.figures)) })),
        ]), headers: Self.headers)
    }
    .described("Counts are of this moment; created, closed and the like since the start; waits over the last minutes.")
    .responds(
      .ok,
      .object([
        "total": .integer, "active": .integer, "idle": .integer, "waiting": .integer,
        "targets": .dictionary(of: Self.figuresSchema),
      ])
    )
    .availableWhileDraining()
  }

  private var optimizeAll: Route {
    Route.post("/pool/optimize", "Brings every pool to the size that it needs.", access: adminAccess) {
      [targets] _, _ in Self.answer(targets.optimizeConnections(nil))
    }
    .described("Closes connections that the last minutes did not need, and opens what is to be kept open.")
    .responds(.ok, Self.optimizedSchema)
  }

  private var optimize: Route {
    Route.post("/pool/{target}/optimize", "Brings a pool to the size that it needs.", access: adminAccess) {
      [targets] _, context in
      let target = try Self.target(targets, context)
      return Self.answer([target.optimize()])
    }
    .described("Closes connections that the last minutes did not need, and opens what is to be kept open.")
    .responds(.ok, Self.optimizedSchema)
    .responds(.notFound, .string, "There is no such target.")
  }

  private var replace: Route {
    Route.post(
      "/pool/{target}/drain-generation", "Replaces every connection of a pool, without refusing anybody.",
      access: adminAccess
    ) { [targets] _, context in
      let target = try Self.target(targets, context)
      guard target.startGeneration(reason: "asked for over HTTP") else {
        throw HTTPProblem(.conflict, "the connections of '\(target.name)' are not kept in a pool")
      }
      return .json(.object(["target": .string(target.name), "status": "replacing"]), status: .accepted)
    }
    .described("Idle connections are replaced at once, those in use when they come back.")
    .responds(.accepted, .object(["target": .string, "status": .oneOf("replacing")]))
    .responds(.notFound, .string, "There is no such target.")
    .responds(.conflict, .string, "The target keeps no pool.")
  }

  private static func target(
    _ targets: PoolTargets, _ context: MainstayRequestContext
  ) throws -> any PoolTarget {
    let name = try context.parameter("target")
    guard let target = targets.target(name) else {
      throw HTTPProblem(.notFound, "there is no such target; there are: \(targets.names.joined(separator: ", "))")
    }
    return target
  }

  private static func answer(_ all: [ConnectionPoolOptimization]) -> Response {
    let targets = all.map { one in
      (
        one.name,
        JSONValue.object(["closed": .integer(Int64(one.closed)), "opening": .integer(Int64(one.opening))])
      )
    }
    return .json(.object(["targets": .object(JSONObject(targets))]))
  }

  private static let healthSchema = HTTPSchema.object([
    "status": .oneOf("healthy", "degraded", "unhealthy"),
    "targets": .dictionary(
      of: .object([
        "status": .oneOf("healthy", "degraded", "unhealthy"), "message?": .string, "latencyMilliseconds?": .number,
      ])),
  ])

  private static let optimizedSchema = HTTPSchema.object([
    "targets": .dictionary(of: .object(["closed": .integer, "opening": .integer]))
  ])

  private static let figuresSchema = HTTPSchema.object([
    "total": .integer, "active": .integer, "idle": .integer, "waiting": .integer,
    "utilisation": .number.described("0 to 1."), "available": .boolean,
    "waitMilliseconds?": .object([
      "count": .integer, "immediate": .integer, "p50": .number, "p95": .number, "p99": .number, "max": .number,
    ]),
  ])
}

extension RouteAccess {
  /// Reads `open`, `authenticated`, or the name of a role.
  fileprivate init(pool text: String) {
    switch text {
    case "open": self = .open
    case "authenticated": self = .authenticated
    default: self = .role(text)
    }
  }
}
