import MainstayKernel
import Testing

@Suite("Configuration: decoding")
struct ConfigurationDecodingTests {
  @Test func everyKindOfFieldIsRead() {
    let sample = Sample(
      pool: """
        min: 0x10
        acquire_timeout: 1m30s
        url: postgres://localhost
        replicas: [a, "b"]
        ssl: true
        memory: 1.5MiB
        mode: careful
        share: 0.25
        port: 6432
        application_name: clinic
        weights: { a: 1, b: 2 }
        tls: { verify: true, ca_file: ca.pem }
        databases:
          - { host: x, port: 1 }
          - {}
        named: { main: { host: m } }
        window: 2d
        """)
    #expect(sample.lines.isEmpty)
    let value = sample.value
    #expect(value.min == 16)
    #expect(value.acquireTimeout == .seconds(90))
    #expect(value.url?.reveal() == "postgres://localhost")
    #expect(value.replicas == ["a", "b"])
    #expect(value.ssl)
    #expect(value.memory == .bytes(1_572_864))
    #expect(value.mode == .careful)
    #expect(value.share == 0.25)
    #expect(value.port == 6432)
    #expect(value.weights == ["a": 1, "b": 2])
    #expect(value.tls.verify)
    #expect(value.tls.caFile == "ca.pem")
    #expect(value.databases.map(\.host) == ["x", "localhost"])
    #expect(value.named["main"]?.host == "m")
    #expect(value.window == .seconds(172_800))
    #expect(value.max == 50)
  }

  @Test(
    arguments: [
      ("max: 0", "3:10", "max: must be between 1 and 10000, is 0", ""),
      ("max: many", "3:10", "max: must be a whole number, is many", ""),
      ("max: \"5\"", "3:10", "max: must be a whole number, is \"5\"", "take the quotes away"),
      ("max: 1_000", "3:10", "max: must be a whole number, is 1_000", "write 1000"),
      ("max: 1.5", "3:10", "max: must be a whole number, is 1.5", ""),
      ("max: [1]", "3:10", "max: must be a whole number, is a list", ""),
      ("max: { a: 1 }", "3:10", "max: must be a whole number, is a map", ""),
      ("port: 70000", "3:11", "port: must be between 0 and 65535, is 70000", ""),
      (
        "even: 99999999999999999999", "3:11",
        "even: must be between -9223372036854775808 and 9223372036854775807, is 99999999999999999999", ""
      ),
      ("even: 3", "3:11", "even: must be even, is 3", ""),
      ("ssl: yes", "3:10", "ssl: must be true or false, is yes", "write true"),
      ("ssl: Off", "3:10", "ssl: must be true or false, is Off", "write false"),
      ("ssl: maybe", "3:10", "ssl: must be true or false, is maybe", ""),
      ("ssl: \"true\"", "3:10", "ssl: must be true or false, is \"true\"", "take the quotes away"),
      ("share: a lot", "3:12", "share: must be a number, is a lot", ""),
      ("share: 1.5", "3:12", "share: must be between 0.0 and 1.0, is 1.5", ""),
      ("share: .nan", "3:12", "share: must be a number, is .nan", ""),
      (
        "acquire_timeout: 30", "3:22", "acquire_timeout: must be a duration such as 30s, 250ms or 1h30m, is 30",
        "give it a unit: 30s or 30ms"
      ),
      ("acquire_timeout: -1s", "3:22", "acquire_timeout: must be a duration such as 30s, 250ms or 1h30m, is -1s", ""),
      ("window: 10ms", "3:13", "window: must be at least 1s, is 10ms", ""),
      ("memory: 64 megs", "3:13", "memory: must be a size such as 64MiB, 1MB or 512, is 64 megs", ""),
      ("memory: 1B", "3:13", "memory: must be between 1KiB and 1GiB, is 1B", ""),
      ("mode: carefull", "3:11", "mode: must be one of fast, careful, is carefull", "did you mean 'careful'?"),
      ("mode: slow", "3:11", "mode: must be one of fast, careful, is slow", ""),
      ("application_name: A1", "3:23", "application_name: must match [a-z-]+", ""),
      ("application_name: a", "3:23", "application_name: must have at least 2 characters, has 1", ""),
      ("replicas: a", "3:15", "replicas: must be a list, is a", "write [a]"),
      ("replicas: [a, {}]", "3:19", "replicas[1]: must be text, is a map", ""),
      ("replicas: [a, ~]", "3:19", "replicas[1]: must be text, is nothing", ""),
      ("weights: { a: x }", "3:19", "weights.a: must be a whole number, is x", ""),
      ("tls: on", "3:10", "tls: must be a map, is text", ""),
      ("tls: { verfy: true }", "3:12", "tls.verfy: unknown key", "did you mean 'verify'?"),
      ("tls: { foo: 1 }", "3:12", "tls.foo: unknown key", "known keys: ca_file, verify"),
      ("databases: [{ prot: 1 }]", "3:19", "databases[0].prot: unknown key", "did you mean 'port'?"),
      ("named: { a: { port: 0 } }", "3:25", "named.a.port: must be between 1 and 65535, is 0", ""),
      ("maxx: 1", "3:5", "maxx: unknown key", "did you mean 'max'?"),
      ("acquireTimeout: 1s", "3:5", "acquireTimeout: unknown key", "did you mean 'acquire_timeout'?"),
      ("enabled: 1", "3:14", "enabled: must be true or false, is 1", "write true"),
      (
        "lifecycle: { on_failure: stop }", "3:30",
        "lifecycle.on_failure: must be one of stop_host, restart, degrade, is stop", ""
      ),
      ("{ min: 9, max: 5 }", "3:20", "max: must be at least min (9), is 5", "raise max or lower min"),
      ("min: 60", "3:5", "max: must be at least min (60), is 50", "raise max or lower min"),
    ])
  func mistakesAreExplained(body: String, place: String, message: String, remedy: String) {
    let sample = Sample(pool: body)
    #expect(sample.lines == ["host.yaml:\(place): error: plugins.pool.\(message)"])
    #expect(sample.remedies == [remedy])
  }

  @Test func deprecatedKeysAndWarningsLetTheValueThrough() {
    let sample = Sample(pool: "limit: 3\ntls: { verify: true }")
    #expect(
      sample.lines == [
        "host.yaml:3:12: warning: plugins.pool.limit: is deprecated: use max",
        "host.yaml:4:20: warning: plugins.pool.tls.verify: has no effect without ca_file",
      ])
    #expect(sample.entry.isValid)
    #expect(sample.value.limit == 3)
  }

  @Test func allMistakesOfAllPluginsAreReportedInOneRun() {
    let load = ConfigSource.inline(
      """
      plugins:
        b: { mode: fats }
        a:
          max: 0
          maxx: 1
          ssl: yes
          tls: { verify: 3 }
      host: { name: "" }
      """
    ).load()
    let decoder = ConfigDecoder(load)
    var report = ConfigReport(load)
    report.add(decoder.decodeEntry(of: SampleConfiguration.self, plugin: "a"))
    report.add(decoder.decodeEntry(of: SampleConfiguration.self, plugin: "b"))
    report.add(decoder.decode(HostConfiguration.self, at: "host"))
    #expect(
      report.issues.map(\.description) == [
        "host.yaml:2:14: error: plugins.b.mode: must be one of fast, careful, is fats",
        "host.yaml:4:10: error: plugins.a.max: must be between 1 and 10000, is 0",
        "host.yaml:5:5: error: plugins.a.maxx: unknown key",
        "host.yaml:6:10: error: plugins.a.ssl: must be true or false, is yes",
        "host.yaml:7:20: error: plugins.a.tls.verify: must be true or false, is 3",
        "host.yaml:8:15: error: host.name: must have at least 1 characters, has 0",
      ])
    #expect(report.summary == "6 errors")
  }

  @Test func entriesHaveTheHostsOwnKeys() {
    let sample = Sample(pool: "enabled: false\nlifecycle: { start_timeout: 3s, restart: { limit: 2 } }\nmax: 4")
    #expect(sample.lines.isEmpty)
    #expect(!sample.entry.value.isEnabled)
    #expect(sample.entry.value.lifecycle.startTimeout == .seconds(3))
    #expect(sample.entry.value.lifecycle.restart.limit == 2)
    #expect(sample.value("lifecycle.restart.limit")?.origin.description == "host.yaml:4:55")
    #expect(sample.value.max == 4)
  }

  @Test func sectionsOfTheHostCheckThemselves() {
    let load = ConfigSource.inline("host: { shutdown: { grace: 40s } }\n").load()
    let host = ConfigDecoder(load).decode(HostConfiguration.self, at: "host")
    #expect(
      host.issues.map(\.description) == [
        "host.yaml:1:19: error: host.shutdown.force_after: must be at least lame_duck + 2 × grace (1m20s), is 30s"
      ])
  }

  @Test func listsOfSections() {
    let load = ConfigSource.inline("rules: [{ host: a }, { hots: b }]\n").load()
    let rules = ConfigDecoder(load).decodeList(of: Database.self, at: "rules")
    #expect(rules.issues.map(\.description) == ["host.yaml:1:24: error: rules[1].hots: unknown key"])
    #expect(ConfigDecoder(load).decodeList(of: Database.self, at: "absent").value.isEmpty)
  }

  @Test func freeFormPartsBecomeJSON() {
    struct Free: PluginConfiguration {
      @Field("Anything.") var any: JSONValue = .null
    }
    let load = ConfigSource.inline("x: 1\nplugins: { f: { any: { a: [1, 2.5, yes, true, \"3\", ~] } } }\n").load()
    let value = ConfigDecoder(load).decode(Free.self, at: "plugins.f").value.any
    #expect(value == ["a": [1, 2.5, "yes", true, "3", nil]])
  }

  @Test func aPropertyThatIsNoFieldIsReportedToItsAuthor() {
    struct Broken: PluginConfiguration {
      @Field("Good.") var good = 1
      var bad = 2
    }
    let sample = Sample(Broken.self, .inline("plugins:\n  pool:\n    good: 2\n"))
    #expect(sample.lines == ["host.yaml:3:5: error: plugins.pool: property 'bad' of Broken is not a @Field"])
    #expect(sample.remedies == ["declare it as @Field(\"What it is for.\") var bad"])
  }

  @Test func aKeyThatTheHostKeepsForItselfIsReportedToItsAuthor() {
    struct Broken: PluginConfiguration {
      @Field("Clash.") var enabled = 1
    }
    let sample = Sample(Broken.self, .inline("plugins: { pool: {} }\n"))
    #expect(
      sample.lines == [
        "host.yaml:1:18: error: plugins.pool.enabled: property 'enabled' of Broken has a key that the host keeps for "
          + "itself"
      ])
  }

  @Test func typesKnownOnlyAtRunTime() {
    let type: any PluginConfiguration.Type = Database.self
    let load = ConfigSource.inline("plugins: { a: { host: x } }\n").load()
    let section = ConfigDecoder(load).decodeAny(type, at: "plugins.a")
    #expect((section.value as? Database)?.host == "x")
  }
}

@Suite("Configuration: environment")
struct ConfigurationEnvironmentTests {
  @Test func unitsListsAndSwitches() {
    let sample = Sample(
      pool: "max: 3",
      environment: [
        "DB_POOL_MIN": "1", "DB_POOL_ACQUIRE_TIMEOUT": "1500", "READ_REPLICA_URLS": " a, b,,c ", "DATABASE_SSL": "1",
        "DB_MEMORY_MB": "128", "DATABASE_CA": "ca.pem", "DATABASE_URL": "postgres://x", "DB_POOL_MAX": "",
      ])
    #expect(sample.lines.isEmpty)
    #expect(sample.value.min == 1)
    #expect(sample.value.max == 3)
    #expect(sample.value.acquireTimeout == .milliseconds(1500))
    #expect(sample.value.replicas == ["a", "b", "c"])
    #expect(sample.value.ssl)
    #expect(sample.value.memory == .mebibytes(128))
    #expect(sample.value.tls.caFile == "ca.pem")
    #expect(sample.value("tls.ca_file")?.origin == .environment("DATABASE_CA"))
    #expect(sample.value("url")?.rendered == "<redacted>")
  }

  @Test func aUnitMayBeWrittenOut() {
    let sample = Sample(pool: "{}", environment: ["DB_POOL_ACQUIRE_TIMEOUT": "2s"])
    #expect(sample.value.acquireTimeout == .seconds(2))
  }

  @Test func theFirstOfSeveralNamesCountsAndAConflictIsSaid() {
    let sample = Sample(pool: "{}", environment: ["DB_POOL_MAX": "10", "DATABASE_CONNECTION_LIMIT": "20"])
    #expect(sample.value.max == 10)
    #expect(
      sample.lines == [
        "DATABASE_CONNECTION_LIMIT: warning: plugins.pool.max: is ignored: DB_POOL_MAX is set too, to something else, "
          + "and counts first"
      ])
    let second = Sample(pool: "{}", environment: ["DATABASE_CONNECTION_LIMIT": "20"])
    #expect(second.value.max == 20)
    #expect(Sample(pool: "{}", environment: ["DB_POOL_MAX": "10", "DATABASE_CONNECTION_LIMIT": "10"]).lines.isEmpty)
  }

  @Test func mistakesNameTheVariable() {
    let sample = Sample(pool: "{}", environment: ["DB_POOL_MAX": "many", "DB_POOL_ACQUIRE_TIMEOUT": "soon"])
    #expect(
      sample.lines == [
        "DB_POOL_MAX: error: plugins.pool.max: must be a whole number, is many",
        "DB_POOL_ACQUIRE_TIMEOUT: error: plugins.pool.acquire_timeout: "
          + "must be a duration such as 30s, 250ms or 1h30m, is soon",
      ])
  }

  @Test func itemsOfListsHaveNoVariables() {
    let sample = Sample(pool: "databases: [{}]\nnamed: { a: {} }", environment: ["DATABASE_PASSWORD": "hunter2"])
    #expect(sample.value.databases.first?.password == nil)
    #expect(sample.value.named["a"]?.password == nil)
  }

  @Test func theHostsEnvironment() {
    let load = ConfigSource.inline("host: { environment: test }\n", environment: ["MAINSTAY_ENVIRONMENT": "production"])
      .load()
    #expect(ConfigDecoder(load).decode(HostConfiguration.self, at: "host").value.environment == .production)
  }
}
