import HTTPTypes
import Logging
import MainstayCapabilities
import MainstayHTTP
import MainstayHTTPTesting
import MainstayInstruments
import MainstayKernel
import MainstayTesting
import Synchronization
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
    let port = listener.port
    listener.close()
    let manifest = """
      plugins:
        collector: {}
        validator: {}
        pool: { redis: { url: "redis://127.0.0.1:\(port)" } }
      """
    try await withHost(Self.plugins, manifest: manifest) { host in
      let routes = try TestRoutes(RouteCollector.routes(of: host), caller: Self.viewer)
      let json = try await routes.get("/validate/config?mode=connections").json
      guard case .array(let connections)? = json["connections"], let only = connections.first else {
        Issue.record("\(json)")
        return
      }
      #expect(only["path"] == "plugins.pool.redis.url" && only["reachable"] == false)
      #expect(only["failure"] == "connection refused" && only["target"] == .string("127.0.0.1:\(port)"))
      let text = await routes.get("/validate/config?mode=connections&format=text").text
      #expect(text.contains("unreachable 127.0.0.1:\(port) (plugins.pool.redis.url): connection refused"))
      #expect(await routes.get("/validate/config?format=pdf").status == .badRequest)
      // The same for plugins.
      let validation = try #require(host.events.last(RouteCollector.Ready.self)).found.validation
      let report = await validation.validate(.connections)
      #expect(report.unreachable == ["127.0.0.1:\(port): connection refused"] && report.isValid)
      #expect(await validation.validate(.quick).findings.isEmpty)
    }
  }

  /// Who, when, from what to what: of every change, and across a change of this plugin's own section.
  @Test func tellsWhoChangedWhat() async throws {
    let manifest = """
      plugins:
        collector: {}
        validator: { cache: 1s }
        http: {}
        pool: { postgres: { max: 50, url: "postgres://a:CANARY1@127.0.0.1/x" } }
      """
    let file = ChangingFile(manifest)
    let planner = Planner(
      plugins: Self.plugins.map { PluginRegistration($0) }, source: ConfigSource(file: "host.yaml", files: file))
    let clock = ManualClock()
    let host = try Kernel(planner: planner, settings: KernelSettings(clock: clock, logger: .silent))
    try await host.start()
    let recorder = EventRecorder(host.events, "validator.*")
    let routes = try TestRoutes(RouteCollector.routes(of: host), caller: Self.viewer)
    #expect(try await routes.get("/config/changes").json["changes"] == [])
    file.text = manifest.replacing("max: 50", with: "max: 80").replacing("CANARY1", with: "CANARY2")
    try await host.reload(by: "SIGHUP")
    let told = try await recorder.next(ConfigurationChanged.self)
    #expect(told.by == "SIGHUP" && told.generation == 2)
    #expect(told.changes.first == "plugins.pool.postgres.max: 50 → 80 (host.yaml:5:28)")
    file.text = manifest.replacing("cache: 1s", with: "cache: 2s")
    try await host.reload(by: "ada")
    file.text = "plugins: { colector: {} }"
    await #expect(throws: KernelError.self) { try await host.reload() }
    let answer = await routes.get("/config/changes")
    #expect(!answer.text.contains("CANARY"))
    guard case .array(let changes)? = try answer.json["changes"] else {
      Issue.record("\(answer.text)")
      return
    }
    #expect(changes.map { $0["by"] } == ["the program", "ada", "SIGHUP"])
    #expect(changes.map { $0["applied"] } == [false, true, true])
    #expect(changes.first?["refusal"]?.stringValue?.contains("colector") == true)
    #expect(changes.last?["at"] == 1_735_689_600.0 && changes.last?["generation"] == 2)
    guard case .array(let values)? = changes.last?["changes"] else { return }
    #expect(
      values.first == [
        "path": "plugins.pool.postgres.max", "old": "50", "new": "80", "origin": "host.yaml:5:28",
      ])
    #expect(values.last?["path"] == "plugins.pool.postgres.url" && values.last?["new"] == "<redacted>")
    #expect(try await routes.get("/config/metrics").json["changes"] == 3)
    await host.stop()
  }

  @Test func exportsWhatItFinds() async throws {
    let manifest = """
      host: { environment: production }
      plugins: { collector: {}, validator: {}, http: { auth: { jwt: { secret: short } } } }
      """
    try await withHost(Self.plugins, manifest: manifest) { host in
      let found = try #require(host.events.last(RouteCollector.Ready.self)).found
      _ = await found.validation.validate(.quick)
      let series = MetricsScrape(found.metrics().map { ("validator", $0) }).snapshots { $0.name.hasPrefix("config_") }
        .flatMap { snapshot in snapshot.series.map { (snapshot.descriptor.name, $0.labelValues, $0.numbers[0]) } }
        .map { "\($0.0) \($0.1.joined()) \($0.2)" }
      #expect(series.contains("config_findings error 1.0"))
      #expect(series.contains("config_validations invalid 2.0"))
      #expect(series.contains("config_changes  0.0"))
    }
  }

  @Test func theVariablesOfTheSourcesWork() throws {
    let environment = ["CONFIG_VALIDATION_ON_STARTUP": "false", "CONFIG_EXIT_ON_ERROR": "true"]
    let planner = Planner(
      plugins: [PluginRegistration(ValidatorPlugin.self)],
      source: .inline("plugins: { validator: {} }", environment: environment))
    let plan = try #require(planner.plan().plan)
    let configuration = try #require(plan["validator"]?.configuration as? ValidatorConfiguration)
    #expect(!configuration.onStartup && configuration.exitOnError)
    let origins = plan.values.filter { $0.path.description.hasPrefix("plugins.validator.") }.map(\.origin.description)
    #expect(environment.keys.allSatisfy { origins.contains($0) })
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
      try values(80, "postgres://a:CANARY2@h/x"), generation: 2, at: .seconds(5), by: "request r-1")
    #expect(change.changes.map(\.path.description) == ["plugins.pool.postgres.max", "plugins.pool.postgres.url"])
    #expect(change.changes.first?.old == "50" && change.changes.first?.new == "80")
    audit.refused("no", at: .seconds(6), by: "SIGHUP")
    #expect(audit.changes.map(\.generation) == [nil, 2] && audit.total == 2)
    let json = audit.changes.map { $0.json.compact }.joined()
    #expect(!json.contains("CANARY") && json.contains("request r-1") && json.contains("SIGHUP"))
    for n in 0..<600 { audit.refused("\(n)", at: .zero, by: "SIGHUP") }
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

/// Stands for a server: collects routes, so that a test can call them.
private struct RouteCollector: Plugin {
  static let manifest = PluginManifest(
    name: "collector", version: "1.0.0", summary: "Collects routes.",
    requires: [.capability(.configurationValidation)], collects: [.point(.httpRoutes), .point(.metrics)])

  struct Ready: Event {
    static let topic: Topic = "collector.ready"
    static let isSticky = true
    let found: Found
  }

  struct Found: Encodable, Sendable {
    let routes: @Sendable () -> Routes
    let metrics: @Sendable () -> [MetricsRegistry]
    let validation: any ConfigurationValidation
    func encode(to encoder: any Encoder) throws {}
  }

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let contributions = try context.contributions(to: .httpRoutes)
    let metrics = try context.contributions(to: .metrics)
    context.bus.publish(
      Ready(
        found: Found(
          routes: { Routes(contributions.current.flatMap(\.value.routes)) },
          metrics: { metrics.current.map(\.value) }, validation: try context.require(.configurationValidation))))
  }

  static func routes(of host: Kernel) throws -> Routes {
    try #require(host.events.last(Ready.self)).found.routes()
  }
}

/// A manifest that the test changes.
private final class ChangingFile: ConfigFileReader {
  private let content: Mutex<String>

  init(_ text: String) { content = Mutex(text) }

  var text: String {
    get { content.withLock { $0 } }
    set { content.withLock { $0 = newValue } }
  }

  var workingDirectory: String { "/test" }

  func read(_ path: String, limit: Int) throws(ConfigFileError) -> [UInt8] {
    guard path.hasSuffix("host.yaml") else { throw .notFound }
    return Array(text.utf8)
  }
}
