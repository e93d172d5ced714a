import Glibc
import HTTPTypes
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import MainstayResilience
import MainstayTesting
import Testing

@testable import MainstayValidator

/// The plugin in a host.
struct ValidatorPluginTests {
  private static let viewer = Identity(subject: "ada", roles: ["viewer"], scheme: "test")
  private static let plugins: [any Plugin.Type] = [
    RouteCollector.self, ValidatorPlugin.self, HTTPLike.self, PoolLike.self,
  ]

  @Test func answersAndTells() async throws {
    let manifest = """
      host: { environment: production }
      plugins: { collector: {}, validator: {}, http: { auth: { jwt: { secret: short } } } }
      """
    try await withHost(Self.plugins, manifest: manifest) { host in
      let recorder = EventRecorder(host.events, "validator.*")
      let routes = try TestRoutes(RouteCollector.routes(of: host), caller: Self.viewer)
      let health = await routes.get("/health/config")
      #expect(health.status == .serviceUnavailable)
      #expect(try health.json["status"] == "invalid" && health.json["errors"] == 1)
      let full = try await routes.get("/validate/config").json
      guard case .array(let findings)? = full["findings"], let first = findings.first else {
        Issue.record("\(full)")
        return
      }
      #expect(first["rule"] == "SEC001" && first["severity"] == "error")
      #expect(first["path"] == "plugins.http.auth.jwt.secret")
      #expect(
        await routes.get("/validate/config?format=text").text.contains("error SEC001 plugins.http.auth.jwt.secret"))
      #expect(await routes.get("/validate/config?mode=some").status == .badRequest)
      let failed = try await recorder.next(ValidationFailed.self)
      #expect(failed.rules == ["SEC001"])
      #expect(try await routes.get("/config/metrics").json["failedValidations"] == 2)
      #expect(await (try TestRoutes(RouteCollector.routes(of: host))).get("/validate/config").status == .unauthorized)
    }
  }

  @Test func errorsKeepTheHostFromStartingIfTheyShall() async throws {
    let manifest = """
      host: { environment: production }
      plugins: { validator: { exit_on_error: true }, http: { auth: { jwt: { secret: short } } } }
      """
    let error = await #expect(throws: (any Error).self) {
      try await withHost(Self.plugins, manifest: manifest) { _ in }
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("SEC001"))
    let fine = manifest.replacing("exit_on_error: true", with: "exit_on_error: true, ignore: [SEC001]")
    try await withHost(Self.plugins, manifest: fine) { _ in }
  }

  @Test func looksWhetherWhatIsNamedCanBeReached() async throws {
    let listener = try Listener()
    let closed = try Listener()
    let closedPort = closed.port
    closed.close()
    let planner = Planner(
      plugins: [PluginRegistration(PoolLike.self)],
      source: .inline(
        """
        plugins:
          pool:
            postgres: { url: "postgres://u:p@127.0.0.1:\(listener.port)/x" }
            redis: { url: "redis://127.0.0.1:\(closedPort)" }
            spare: { url: "postgres:///socket" }
        """, environment: [:]))
    let plan = try #require(planner.plan().plan)
    let probe = ConnectionProbe(timer: DeadlineTimer(clock: SystemClock()), timeout: .seconds(20))
    let results = await probe.results(ConfigurationFacts(plan.values, environment: .test))
    #expect(results.map(\.path) == ["plugins.pool.postgres.url", "plugins.pool.redis.url"])
    #expect(results.map(\.failure) == [nil, "connection refused"])
    listener.close()
  }

  @Test func keepsAccountOfChanges() throws {
    func values(_ max: Int, _ url: String) throws -> [ConfigValueReport] {
      let manifest = "plugins: { pool: { postgres: { max: \(max), url: \"\(url)\" } } }"
      let planner = Planner(
        plugins: [PluginRegistration(PoolLike.self)], source: .inline(manifest, environment: [:]))
      return try #require(planner.plan().plan).values
    }
    let audit = ConfigurationAudit(try values(50, "postgres://a:CANARY1@h/x"))
    let change = audit.applied(
      try values(80, "postgres://a:CANARY2@h/x"), generation: 2, at: .seconds(5), requestID: "r-1")
    #expect(change.changes.map(\.path.description) == ["plugins.pool.postgres.max", "plugins.pool.postgres.url"])
    #expect(change.changes.first?.old == "50" && change.changes.first?.new == "80")
    audit.refused("no", at: .seconds(6), requestID: nil)
    #expect(audit.changes.map(\.generation) == [nil, 2] && audit.total == 2)
    let json = audit.changes.map { $0.json.compact }.joined()
    #expect(!json.contains("CANARY") && json.contains("request r-1") && json.contains("signal or file"))
    for n in 0..<600 { audit.refused("\(n)", at: .zero, requestID: nil) }
    #expect(audit.changes.count == ConfigurationAudit.capacity && audit.total == 602)
  }

  @Test func theDoctorAsksItToo() async throws {
    let planner = Planner(
      plugins: [PluginRegistration(ValidatorPlugin.self), PluginRegistration(HTTPLike.self)],
      source: .inline(
        "host: { environment: production }\nplugins: { validator: {}, http: { auth: { jwt: { secret: short } } } }",
        environment: [:]))
    let plan = try #require(planner.plan().plan)
    let findings = await plan["validator"]?.diagnose(in: plan) ?? []
    #expect(findings.contains { $0.severity == .problem && $0.subject == "plugins.http.auth.jwt.secret" })
  }

  @Test func refusesToIgnoreWhatIsNoRule() {
    let planner = Planner(
      plugins: [PluginRegistration(ValidatorPlugin.self)],
      source: .inline("plugins: { validator: { ignore: [SEC999] } }", environment: [:]))
    #expect(planner.plan().report(colored: false).contains("there is no rule 'SEC999'"))
  }

  @Test func keepsTheContractOfPlugins() async throws {
    try await PluginConformance.check(ValidatorPlugin.self, manifest: "{}")
  }
}

/// A port that somebody listens on.
private final class Listener: Sendable {
  struct Failed: Error {}
  let port: Int
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(descriptor, raw, size) != 0 || listen(descriptor, 8) != 0 || getsockname(descriptor, raw, &size) != 0
      }
    }
    guard !failed else { throw Failed() }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  func close() { Glibc.close(descriptor) }
}

/// Stands for a server: collects routes, so that a test can call them.
private struct RouteCollector: Plugin {
  static let manifest = PluginManifest(
    name: "collector", version: "1.0.0", summary: "Collects routes.", collects: [.point(.httpRoutes)])

  struct Ready: Event {
    static let topic: Topic = "collector.ready"
    static let isSticky = true
    let found: Found
  }

  struct Found: Encodable, Sendable {
    let routes: @Sendable () -> Routes
    func encode(to encoder: any Encoder) throws {}
  }

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let contributions = try context.contributions(to: .httpRoutes)
    context.bus.publish(Ready(found: Found { Routes(contributions.current.flatMap(\.value.routes)) }))
  }

  static func routes(of host: Kernel) throws -> Routes {
    try #require(host.events.last(Ready.self)).found.routes()
  }
}
