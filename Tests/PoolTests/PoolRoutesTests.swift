import HTTPTypes
import MainstayCapabilities
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import Testing

@testable import MainstayPool

/// The routes, over targets of no server.
@Suite struct PoolRoutesTests {
  private func routes(
    _ targets: [StillTarget], roles: Set<String> = ["admin", "operator", "viewer"]
  ) throws -> TestRoutes {
    let all = PoolTargets(targets, healthTimeout: .seconds(1))
    return try TestRoutes(
      PoolRoutes(all, PoolConfiguration()).routes, caller: Identity(subject: "ada", roles: roles, scheme: "test"))
  }

  @Test func healthTellsOfEveryTarget() async throws {
    let well = try routes([StillTarget("postgres"), StillTarget("redis")])
    for path in ["/health/connections", "/api/health/connections"] {
      let response = await well.get(path)
      #expect(response.status == .ok)
      #expect(response.text.contains(#""status":"healthy""#) && response.text.contains(#""redis":{"#))
      #expect(response.text.contains(#""latencyMilliseconds":2"#))
    }
    let ill = try routes([StillTarget("postgres"), StillTarget("redis", failure: "no answer")])
    let response = await ill.get("/health/connections")
    #expect(response.status == .serviceUnavailable)
    #expect(response.text.contains("no answer"))
  }

  @Test func statsShowFiguresAndSums() async throws {
    let response = await (try routes([StillTarget("postgres"), StillTarget("archive")])).get("/stats/connections")
    #expect(response.status == .ok)
    #expect(response.text.contains(#""total":10,"active":6,"idle":4,"waiting":2"#), "\(response.text)")
    #expect(response.text.contains(#""archive":{"total":5"#))
  }

  @Test func actionsAreForOperators() async throws {
    let targets = [StillTarget("postgres"), StillTarget("redis", replaces: false)]
    let operators = try routes(targets, roles: ["operator", "viewer"])
    let optimized = await operators.send(.post, "/pool/postgres/optimize")
    #expect(optimized.status == .ok && optimized.text == #"{"targets":{"postgres":{"closed":2,"opening":1}}}"#)
    #expect(await operators.send(.post, "/pool/optimize").text.contains(#""redis":{"#))
    #expect(await operators.send(.post, "/pool/postgres/drain-generation").status == .accepted)
    #expect(await operators.send(.post, "/pool/redis/drain-generation").status == .conflict)
    let unknown = await operators.send(.post, "/pool/other/optimize")
    #expect(unknown.status == .notFound && unknown.text.contains("postgres, redis"))
    let viewers = try routes(targets, roles: ["viewer"])
    #expect(await viewers.send(.post, "/pool/postgres/optimize").status == .forbidden)
    #expect(await viewers.get("/stats/connections").status == .ok)
  }
}

/// A target that stands still.
private struct StillTarget: PoolTarget {
  let name: String
  let watch: TargetWatch
  private let failure: String?
  private let replaces: Bool

  init(_ name: String, failure: String? = nil, replaces: Bool = true) {
    self.name = name
    self.failure = failure
    self.replaces = replaces
    watch = TargetWatch(name)
  }

  var status: ConnectionPoolStatus {
    ConnectionPoolStatus(
      name: name, kind: "postgres", total: 5, active: 3, idle: 2, waiting: 1, utilisation: 0.3, isAvailable: true,
      figures: ["total": 5])
  }
  var condition: HealthFinding { .healthy("as it should be") }

  func ping(deadline: ContinuousClock.Instant) async throws -> Duration {
    if let failure { throw StillError(description: failure) }
    return .milliseconds(2)
  }

  func optimize() -> ConnectionPoolOptimization { ConnectionPoolOptimization(name: name, closed: 2, opening: 1) }
  func scale(processor: Double?) {}
  func startGeneration(reason: String) -> Bool { replaces }
  func close(by deadline: ContinuousClock.Instant) async {}
}

private struct StillError: Error, CustomStringConvertible {
  let description: String
}
