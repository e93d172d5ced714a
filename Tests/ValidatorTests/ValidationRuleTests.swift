import MainstayKernel
import MainstayTesting
import Testing

@testable import MainstayValidator

/// What the rules find, in configurations as hosts have them.
struct ValidationRuleTests {
  /// The findings as `rule severity path`.
  private func findings(_ manifest: String, environment: [String: String] = [:]) throws -> [ValidationFinding] {
    let planner = Planner(
      plugins: [
        PluginRegistration(HTTPLike.self), PluginRegistration(PoolLike.self), PluginRegistration(RetryLike.self),
      ],
      source: .inline(manifest, environment: environment))
    let plan = try #require(planner.plan().plan)
    return ValidationRule.findings(ConfigurationFacts(plan.values, environment: plan.host.environment))
  }

  private func lines(_ findings: [ValidationFinding]) -> [String] {
    findings.map { "\($0.rule) \($0.severity.rawValue) \($0.path ?? "-")" }.sorted()
  }

  private static let sound = """
    host: { environment: production }
    plugins:
      http:
        host: 127.0.0.1
        limits: { request_timeout: 5s }
        auth: { api_keys: [{ key: 7Hs9dkQ2mXw4Lp8Zr5Tb }], jwt: { secret: "q8J3vN6xW2kR9tY4uB7mE1cZ5aS0dF3gH" } }
        rate_limits: { rules: [all] }
      pool:
        postgres: { url: "postgres://app:n8Wq3Zt7Lk2@db.clinic.test/main?sslmode=verify-full", max: 50, acquire_timeout: 2s }
        redis: { url: "rediss://:n8Wq3Zt7Lk2@cache.clinic.test" }
    """

  @Test func aSoundConfigurationPasses() throws {
    let found = lines(try findings(Self.sound))
    #expect(found == [])
  }

  /// Twelve faults in one configuration are twelve findings in one run.
  @Test func findsEveryFaultAtOnce() throws {
    let manifest = """
      host: { environment: production }
      logging: { level: debug }
      plugins:
        http:
          host: 0.0.0.0
          port: 443
          events_access: open
          auth: { jwt: { secret: short } }
        pool:
          port: 443
          postgres: { url: "postgres://app@db.test/main", max: 500, acquire_timeout: 60s }
          redis: { url: "redis://cache.test" }
          spare: { url: "postgres://root:password@spare.test/x?sslmode=require" }
      """
    let found = lines(try findings(manifest))
    #expect(
      found == [
        "DB002 warning plugins.pool.postgres.url", "DB003 error plugins.pool.postgres.url",
        "DB004 info plugins.pool.postgres.acquire_timeout", "DB005 warning plugins.pool.postgres.max",
        "ENV001 warning plugins.http.port", "ENV001 warning plugins.pool.port", "ENV002 error plugins.pool.port",
        "ENV003 warning logging.level", "ENV005 info plugins.http.limits.request_timeout",
        "RED002 error plugins.pool.redis.url", "RED003 warning plugins.pool.redis.url",
        "SEC001 error plugins.http.auth.jwt.secret", "SEC002 error plugins.pool.spare.url",
        "SEC003 warning plugins.http.host", "SEC005 warning -", "SEC006 warning plugins.http.events_access",
      ])
  }

  @Test func developmentIsTreatedMildly() throws {
    let manifest = """
      host: { environment: development }
      logging: { level: debug }
      plugins:
        http: { host: 0.0.0.0, auth: { jwt: { secret: short } } }
        pool: { postgres: { url: "postgres://app@db.test/main" } }
      """
    let found = try findings(manifest)
    #expect(!found.contains { $0.severity == .error })
    #expect(found.contains { $0.rule == "SEC001" && $0.severity == .warning })
    #expect(found.contains { $0.rule == "SEC003" && $0.severity == .info })
  }

  @Test func addressesOfTheWrongKindAreFound() throws {
    let manifest = """
      plugins: { pool: { postgres: { url: "mysql://db/x" }, redis: { url: "http://cache" } } }
      """
    let found = lines(try findings(manifest))
    #expect(found.contains("DB001 error plugins.pool.postgres.url"))
    #expect(found.contains("RED001 error plugins.pool.redis.url"))
    let pairs = "plugins: { pool: { postgres: { url: \"host=/run/postgresql dbname=x\" } } }"
    #expect(!lines(try findings(pairs)).contains { $0.hasPrefix("DB") })
  }

  @Test func noFindingTellsASecret() throws {
    let canary = "CANARY7x"
    let manifest = """
      host: { environment: production }
      plugins:
        http: { auth: { jwt: { secret: \(canary) } } }
        pool: { postgres: { url: "postgres://app:\(canary)@db.test/main" }, redis: { url: "redis://:password@h" } }
      """
    let found = try findings(manifest)
    #expect(found.count > 3)
    let report = ValidationReport(
      mode: .full, environment: .production, generation: 1, at: .zero, duration: .zero, findings: found,
      connections: [])
    #expect(!report.text.contains(canary) && !report.json.compact.contains(canary))
    #expect(report.word == "invalid")
  }

  /// A host that others reach and that does not say what it is for is treated mildly by mistake.
  @Test func theModeOfAReachableHostIsStated() throws {
    func mode(_ manifest: String) throws -> [String] { lines(try findings(manifest)).filter { $0.hasPrefix("ENV006") } }
    #expect(try mode("plugins: { http: { host: 0.0.0.0 } }") == ["ENV006 warning host.environment"])
    #expect(
      try mode("host: { environment: development }\nplugins: { http: { host: 0.0.0.0 } }")
        == ["ENV006 info host.environment"])
    #expect(try mode("plugins: { http: { host: 127.0.0.1 } }") == [])
    #expect(try mode("host: { environment: staging }\nplugins: { http: { host: 0.0.0.0 } }") == [])
  }

  /// Retries that would go on after the request has been given up.
  @Test func retriesFitIntoTheirRequests() throws {
    func late(_ timeout: String, _ retry: String) throws -> [String] {
      let manifest = "plugins: { http: { limits: { request_timeout: \(timeout) } }, retry: \(retry) }"
      return lines(try findings(manifest)).filter { $0.hasPrefix("ENV007") }
    }
    #expect(try late("30s", "{}") == [])
    #expect(try late("3s", "{}") == ["ENV007 warning plugins.retry.default_strategy"])
    #expect(try late("3s", "{ default_strategy: quick }") == [])
    #expect(try late("3s", "{ request_deadline: 10s }") == [], "that has been thought of")
    #expect(
      try late("30s", "{ breakers: { stripe: { strategy: critical }, twilio: { strategy: quick } } }")
        == ["ENV007 warning plugins.retry.breakers.stripe.strategy"])
    let own = "{ default_strategy: own, strategies: { own: { attempts: 4, delay: 1s, factor: 3, max_delay: 1m } } }"
    #expect(try late("14s", own) == [] && late("13s", own).count == 1)
  }

  @Test func everyRuleHasItsOwnIdAndCategory() {
    let rules = ValidationRule.all
    #expect(Set(rules.map(\.id)).count == rules.count)
    #expect(Set(rules.map(\.category)) == Set(ValidationFinding.Category.allCases))
  }

  @Test func readsAddresses() {
    let full = ServiceURL("postgres://u:p%40@db.test:5433,other:1/x?sslmode=require&a=b")
    #expect(full?.host == "db.test" && full?.port == 5433 && full?.password == "p@" && full?.isEncrypted == true)
    #expect(full?.places == [.host("db.test", port: 5433), .host("other", port: 1)] && full?.user == "u")
    #expect(
      ServiceURL("postgresql:///x?host=/run/a,/run/b&port=7")?.places
        == [.socket("/run/a/.s.PGSQL.7"), .socket("/run/b/.s.PGSQL.7")])
    #expect(ServiceURL("postgres://%2Frun%2Fa:7/x")?.places == [.socket("/run/a/.s.PGSQL.7")])
    #expect(ServiceURL("unix://:p@/run/r.sock")?.places == [.socket("/run/r.sock")])
    #expect(ServiceURL("unix://:p@/run/r.sock")?.password == "p")
    #expect(ServiceURL("postgres://h/x?host=ignored")?.places == [.host("h", port: nil)])
    #expect(ServiceURL("redis://[::1]:7000")?.host == "::1" && ServiceURL("redis://[::1]:7000")?.isLocal == true)
    #expect(ServiceURL("postgres:///x")?.host == nil && ServiceURL("postgres://%2Frun/x")?.isLocal == true)
    #expect(ServiceURL("rediss://h")?.usualPort == 6379 && ServiceURL("https://h")?.usualPort == 443)
    for text in ["", "://", "no address", "host=db dbname=x", "1a://x", "redis://"] where text != "redis://" {
      #expect(ServiceURL(text) == nil)
    }
    #expect(ServiceURL("redis://")?.host == nil)
    #expect(ServiceURL("redis://h:99999999999999999999")?.port == nil)
  }
}

/// A plugin with keys as the HTTP server has them.
struct HTTPLike: Plugin {
  struct Configuration: PluginConfiguration {
    struct Key: PluginConfiguration {
      @Field("Key.") var key: Secret<String>?
    }
    struct JWT: PluginConfiguration {
      @Field("Secret.") var secret: Secret<String>?
    }
    struct Auth: PluginConfiguration {
      @Field("Keys.") var apiKeys: [Key] = []
      @Field("Tokens.") var jwt: JWT?
    }
    struct Limits: PluginConfiguration {
      @Field("Time.") var requestTimeout: Duration = .seconds(30)
    }
    struct Rates: PluginConfiguration {
      @Field("Rules.") var rules: [String] = []
    }

    @Field("Host.") var host = "127.0.0.1"
    @Field("Port.") var port = 8080
    @Field("TLS.") var tls: String?
    @Field("Access.") var eventsAccess = "viewer"
    @Field("Auth.") var auth = Auth()
    @Field("Limits.") var limits = Limits()
    @Field("Rates.") var rateLimits = Rates()
  }

  static let manifest = PluginManifest(name: "http", version: "1.0.0", summary: "Looks like the server.")
  init(configuration: Configuration, context: PluginContext) async throws {}
}

/// A plugin with keys as the pool has them.
struct PoolLike: Plugin {
  struct Configuration: PluginConfiguration {
    struct Target: PluginConfiguration {
      @Field("Address.") var url: Secret<String>?
      @Field("TLS.") var ssl: String?
      @Field("Most.") var max = 50
      @Field("Wait.") var acquireTimeout: Duration = .seconds(60)
    }

    @Field("Port.") var port: Int?
    @Field("Database.") var postgres = Target()
    @Field("Cache.") var redis = Target()
    @Field("Spare.") var spare: Target?
  }

  static let manifest = PluginManifest(name: "pool", version: "1.0.0", summary: "Looks like the pool.")
  init(configuration: Configuration, context: PluginContext) async throws {}
}

/// A plugin with keys as the retry plugin has them.
struct RetryLike: Plugin {
  struct Configuration: PluginConfiguration {
    struct Strategy: PluginConfiguration {
      @Field("Attempts.") var attempts = 3
      @Field("Wait.") var delay: Duration = .seconds(1)
      @Field("Growth.") var factor = 2.0
      @Field("Longest wait.") var maxDelay: Duration = .seconds(10)
    }
    struct Service: PluginConfiguration {
      @Field("Strategy.") var strategy: String?
    }

    @Field("Strategy.") var defaultStrategy = "standard"
    @Field("Time.") var requestDeadline: Duration?
    @Field("Strategies.") var strategies: [String: Strategy] = [:]
    @Field("Services.") var breakers: [String: Service] = [:]
  }

  static let manifest = PluginManifest(name: "retry", version: "1.0.0", summary: "Looks like the retry plugin.")
  init(configuration: Configuration, context: PluginContext) async throws {}
}
