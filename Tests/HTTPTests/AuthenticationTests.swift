import HTTPTypes
import MainstayHTTP
import MainstayHTTPTesting
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayHTTPServer

@Suite struct AuthenticationTests {
  private let clock = ManualClock()
  private let key = "0123456789abcdef0123"

  private func authentication(
    _ change: (inout AuthenticationConfiguration) -> Void = { _ in }, bus: EventBus? = nil
  ) async throws -> Authentication {
    var configuration = AuthenticationConfiguration()
    configuration.apiKeys = [.test("ada", key, roles: ["operator", "editor"])]
    change(&configuration)
    return try await Authentication(
      configuration, environment: .production, contributed: { [] }, bus: bus ?? EventBus(clock: clock), clock: clock,
      logger: .silent)
  }

  @Test func rolesContainLesserOnes() {
    #expect(AuthenticationRoles.expanded(["admin"]) == ["admin", "operator", "viewer"])
    #expect(AuthenticationRoles.expanded(["operator", "editor"]) == ["operator", "viewer", "editor"])
    #expect(AuthenticationRoles.expanded(["viewer"]) == ["viewer"])
    #expect(AuthenticationRoles.expanded(["editor"]) == ["editor"])
    #expect(AuthenticationRoles.expanded([]) == [])
  }

  @Test func knowsAKeyInEitherHeader() async throws {
    let authentication = try await authentication()
    for headers: HTTPFields in [
      .one("X-API-Key", key), .one("Authorization", "Bearer \(key)"), .one("authorization", "bearer \(key)"),
    ] {
      let identity = try await authentication.authenticate(.test("/", headers: headers), .test())
      #expect(identity == Identity(subject: "ada", roles: ["operator", "viewer", "editor"], scheme: "api-key"))
    }
    #expect(try await authentication.authenticate(.test("/"), .test()) == nil)
  }

  @Test(arguments: [
    "X-API-Key: wrong", "X-API-Key:", "Authorization: Bearer wrong", "Authorization: Bearer",
    "Authorization: Bearer a b",
    "Authorization: Basic YTpi", "Authorization:", "Authorization: 0123456789abcdef0123",
    "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
  ])
  func refusesEverythingElse(field: String) async throws {
    let parts = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let headers = HTTPFields.one(String(parts[0]), parts[1].trimmingPrefix(" ").description)
    let authentication = try await authentication()
    let problem = try await #require(throws: HTTPProblem.self) {
      try await authentication.authenticate(.test("/", headers: headers), .test())
    }
    #expect(problem.status == .unauthorized)
    #expect(problem.headers[.wwwAuthenticate] == "Bearer realm=\"mainstay\", error=\"invalid_token\"")
    #expect(problem.detail?.contains(key) == false)
  }

  @Test func refusesCredentialsThatAreThereTwice() async throws {
    let authentication = try await authentication()
    var headers = HTTPFields.one("X-API-Key", key)
    headers.append(HTTPField(name: try #require(HTTPField.Name("X-API-Key")), value: key))
    await #expect(throws: HTTPProblem.self) {
      try await authentication.authenticate(.test("/", headers: headers), .test())
    }
  }

  @Test func slowsDownWhoeverGuesses() async throws {
    let bus = EventBus(clock: clock)
    let recorder = EventRecorder(bus)
    let authentication = try await authentication({ ($0.failures, $0.failurePeriod) = (3, .seconds(30)) }, bus: bus)
    func attempt(_ key: String, from address: String = "192.0.2.1") async -> String {
      do {
        let identity = try await authentication.authenticate(
          .test("/", headers: .one("X-API-Key", key)), .test(address))
        return identity?.subject ?? "nobody"
      } catch {
        let problem = error as? HTTPProblem
        return "\(problem?.status.code ?? 0) \(problem?.headers[.retryAfter] ?? "-")"
      }
    }
    #expect(await attempt("guess") == "401 -")
    #expect(await attempt("guess") == "401 -")
    #expect(await attempt(key) == "ada")
    #expect(await attempt("guess") == "401 -")
    #expect(await attempt("guess") == "429 10")
    // The right key does not help now: else guessing would go on under another name.
    #expect(await attempt(key) == "429 10")
    #expect(await attempt(key, from: "192.0.2.2") == "ada")
    clock.advance(by: .seconds(10))
    #expect(await attempt(key) == "ada")
    let events = recorder.events(of: HTTPAuthenticationFailed.self)
    #expect(events.map(\.reason) == ["unknown-key", "unknown-key", "unknown-key"])
    #expect(events.map(\.isBlocked) == [false, false, true])
    #expect(events.map(\.address) == ["192.0.2.1", "192.0.2.1", "192.0.2.1"])
    #expect(!recorder.events.contains { $0.json.compact.contains("guess") })
  }

  @Test func failsClosedWhereNobodyIsKnown() async throws {
    let authentication = try await authentication { $0.apiKeys = [] }
    #expect(authentication.authenticators.isEmpty)
    #expect(Authentication.remedy.contains("plugins.http.auth.api_keys"))
  }

  @Test func makesAKeyForOneRunInDevelopment() async throws {
    let said = Mutex<[String]>([])
    let authentication = try await Authentication(
      AuthenticationConfiguration(), environment: .development, contributed: { [] }, bus: EventBus(clock: clock),
      clock: clock, logger: .silent, announce: { line in said.withLock { $0.append(line) } })
    let line = try #require(said.withLock { $0 }.first)
    #expect(said.withLock { $0 }.count == 1)
    let key = try #require(line.split(separator: " ").last)
    #expect(key.utf8.count >= 24)
    let identity = try await authentication.authenticate(.test("/", headers: .one("X-API-Key", String(key))), .test())
    #expect(identity?.roles == ["admin", "operator", "viewer"])
  }

  @Test func asksContributedAuthenticators() async throws {
    struct Session: HTTPAuthenticator {
      var challenge: String { "Session" }
      func authenticate(_ request: Request, _ context: MainstayRequestContext) async throws -> Identity? {
        request.headers[.cookie] == "ada" ? Identity(subject: "ada", roles: ["admin"], scheme: "session") : nil
      }
    }
    let authentication = Authentication(
      own: [], contributed: { [Session()] },
      guesses: AuthenticationGuesses(AuthenticationConfiguration(), clock: clock),
      bus: EventBus(clock: clock))
    let identity = try await authentication.authenticate(.test("/", headers: [.cookie: "ada"]), .test())
    #expect(identity?.roles == ["admin", "operator", "viewer"])
    #expect(authentication.challenge == "Session")
    #expect(authentication.authenticators.count == 1)
  }

  @Test func accessRulesOverrideRoutes() {
    let rules = AuthenticationAccessRules([
      "/health": "operator", "/templates/**": "admin", "/templates/{name}": "open",
    ])
    func access(_ path: RoutePath) -> RouteAccess {
      rules.access(for: .get(path, "", access: .open) { _, _ in .noContent })
    }
    #expect(access("/health") == .role("operator"))
    #expect(access("/health/report") == .open)
    #expect(access("/templates/{name}") == .open)
    #expect(access("/templates/{name}/versions") == .role("admin"))
    #expect(access("/templates") == .role("admin"))
    #expect(access("/templatesX") == .open)
  }

  @Test func unauthenticatedUnauthorisedAndAdmitted() async throws {
    let authentication = try await authentication()
    let routes: Routes = [
      .get("/open", "", access: .open) { _, _ in .text("open") },
      .get("/known", "") { _, context in .text(context.identity?.subject ?? "nobody") },
      .get("/operator", "", access: .role("operator")) { _, _ in .text("operator") },
      .get("/admin", "", access: .role("admin")) { _, _ in .text("admin") },
    ]
    let host = try TestRoutes(routes, authenticators: authentication.authenticators)
    let headers = HTTPFields.one("X-API-Key", key)
    #expect(await host.get("/open").status == .ok)
    #expect(await host.get("/open", headers: .one("X-API-Key", "wrong")).status == .ok)
    #expect(await host.get("/known").status == .unauthorized)
    #expect(await host.get("/known").headers[.wwwAuthenticate] == "Bearer realm=\"mainstay\"")
    #expect(await host.get("/known", headers: headers).text == "ada")
    #expect(await host.get("/operator", headers: headers).status == .ok)
    #expect(await host.get("/admin", headers: headers).status == .forbidden)
    #expect(await host.get("/admin", headers: .one("X-API-Key", "wrong")).status == .unauthorized)
  }

  @Test func noHeaderOutOfTenThousandIsTakenForAKey() async throws {
    let authentication = try await authentication { ($0.failures, $0.failurePeriod) = (10_000, .milliseconds(1000)) }
    var random = SeededGenerator(seed: 42)
    var refused = 0
    for round in 0..<10_000 {
      var header = Array("Bearer \(key)")
      for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&header, &random) }
      let text = String(header)
      // Where only what stands before the key was changed, the key may still be whole.
      guard !text.contains(key) else { continue }
      clock.advance(by: .seconds(1))
      let headers = HTTPFields.one(round.isMultiple(of: 2) ? "Authorization" : "X-API-Key", text)
      do {
        let identity = try await authentication.authenticate(.test("/", headers: headers), .test())
        #expect(identity == nil, "\(text)")
      } catch {
        #expect((error as? HTTPProblem)?.status == .unauthorized, "\(text)")
        refused += 1
      }
    }
    #expect(refused > 5000)
  }

  private func mutate(_ text: inout [Character], _ random: inout SeededGenerator) {
    let characters: [Character] = ["\u{0}", "\r", "\n", " ", "ü", "A", "0", ".", "=", "\"", "💥", "\u{7F}", ","]
    let at = Int.random(in: 0...text.count, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: text.insert(characters.randomElement(using: &random) ?? "x", at: at)
    case 1: if at < text.count { text.remove(at: at) }
    case 2: if at < text.count { text[at] = characters.randomElement(using: &random) ?? "x" }
    default: text.append(contentsOf: text.prefix(at))
    }
  }
}

@Suite struct AuthenticationConfigurationTests {
  private func report(_ section: String) -> String {
    let planned = Planner(
      plugins: [PluginRegistration(HTTPPlugin.self)], source: .inline("plugins:\n  http:\n" + section, environment: [:])
    ).plan()
    return planned.report(colored: false)
  }

  @Test func refusesShortAndDoubleKeys() {
    let report = report(
      """
          auth:
            api_keys:
              - { name: a, key: short }
              - { name: b, key: 0123456789abcdef }
              - { name: b, key: 0123456789abcdef }
              - { name: c }
              - { name: d, sha256: xyz }
      """)
    #expect(report.contains("has fewer than 16 bytes"))
    #expect(report.contains("api_keys[3].key"))
    #expect(report.contains("must be 64 hexadecimal digits"))
    #expect(!report.contains("short }"))
  }

  @Test func acceptsWhatIsRight() {
    let report = report(
      """
          trusted_proxies: [10.0.0.0/8, unix]
          auth:
            api_keys: [{ name: b, key: 0123456789abcdef, roles: [admin] }]
            jwt: { algorithm: HS256, secret: 0123456789abcdef0123456789abcdef, issuer: me }
            access: { /health: viewer, /: open, /**: viewer, "/templates/{name}": admin, /templates/**: admin }
          rate_limits: { rules: [{ path: /templates, requests: 5, per: 1s }] }
      """)
    #expect(report == "")
  }

  @Test func withoutAliasesTheirPathsArePathsLikeOthers() {
    #expect(report("    aliases: false\n    auth: { access: { /api/x: viewer } }") == "")
  }

  @Test func aRuleForAllBelowAPathHoldsForThePathToo() {
    let rules = AuthenticationAccessRules(["/x/**": "admin", "/x/y": "open", "/gone": "admin", "/gone/**": "admin"])
    let routes = ["/x", "/x/", "/x/y", "/x/{z}", "/xy"].map { Route.get("\($0)", "") { _, _ in .noContent } }
    #expect(
      routes.map { rules.access(for: $0) }
        == [.role("admin"), .role("admin"), .open, .role("admin"), .authenticated])
    #expect(rules.unmatched(by: routes) == ["/gone", "/gone/**"])
    #expect(AuthenticationAccessRules(["/**": "open"]).access(for: routes[0]) == .open)
  }

  @Test func aRuleThatHoldsForNoRouteIsToldWhenTheHostIsReady() async throws {
    let log = LogLines()
    let manifest = "plugins: { http: { port: 0, auth: { access: { /event: admin, /events: admin } } } }"
    try await withHost([HTTPPlugin.self], manifest: manifest, logger: log.logger) { _ in
      try await eventually("the warning") { log.lines.contains { $0.contains("access.\"/event\"") } }
      #expect(!log.lines.contains { $0.contains("access.\"/events\"") })
    }
  }

  @Test(arguments: [
    ("trusted_proxies: [example.com]", "must be an address"),
    ("auth: { access: { health: viewer } }", "must begin with '/'"),
    ("auth: { access: { /health/: viewer } }", "write /health"),
    ("auth: { access: { //health/./x/../y: viewer } }", "write /health/y"),
    ("auth: { access: { /he%61lth: viewer } }", "write /health"),
    ("auth: { access: { /templates/*: viewer } }", "write /templates/**"),
    ("auth: { access: { /templates/**/x: viewer } }", "may have '*' only as '/**' at its end"),
    ("auth: { access: { /api/x: viewer } }", "write /x"),
    ("auth: { access: { /health/liveness: viewer } }", "write /live"),
    ("auth: { access: { /health/liveness/**: viewer } }", "write /live/**"),
    ("auth: { jwt: { algorithm: HS256, secret: short } }", "fewer than 32 bytes"),
    ("auth: { jwt: { algorithm: RS256, secret: 0123456789abcdef0123456789abcdef } }", "is one with public keys"),
    ("auth: { jwt: { algorithm: HS256, public_key_file: key.pem } }", "is one with a shared secret"),
    ("auth: { jwt: {} }", "set one of secret, public_key_file, jwks_file"),
    ("rate_limits: { rules: [{ path: templates }] }", "must begin with '/'"),
    ("rate_limits: { rules: [{ methods: [get] }] }", "write GET"),
  ])
  func saysWhatIsWrong(section: String, message: String) {
    let report = report("    " + section)
    #expect(report.contains(message), "\(report)")
  }
}
