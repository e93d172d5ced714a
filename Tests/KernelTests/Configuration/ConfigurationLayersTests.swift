import MainstayKernel
import Testing

@Suite("Configuration: layers")
struct ConfigurationLayersTests {
  private func text(_ load: ConfigLoad, _ path: String) -> String? {
    ConfigPath(parsing: path).flatMap { load.tree.value(at: $0)?.scalar?.text }
  }

  @Test func laterLayersWin() throws {
    let yaml = """
      include: [more.yaml]
      plugins:
        pool: { min: 1, max: 1, port: 1, even: 2, share: 0.1 }
      profiles:
        production:
          plugins: { pool: { max: 3, port: 3, even: 6 } }
      """
    let sample = Sample(
      SampleConfiguration.self,
      .inline(
        yaml, profile: "production", overrides: ["pool.even=10"], environment: ["DB_POOL_MAX": "5"],
        files: [
          "more.yaml": "plugins: { pool: { max: 2, port: 2, share: 0.2, even: 4 } }\n",
          "host.production.yaml": "plugins: { pool: { even: 8, mode: careful } }\n",
        ]))
    #expect(sample.lines.isEmpty)
    #expect(sample.value("min")?.origin.description == "host.yaml:3:16")
    #expect(sample.value("share")?.origin.description == "more.yaml:1:44")
    #expect(sample.value("port")?.origin.description == "host.yaml:6:38")
    #expect(sample.value("mode")?.origin.description == "host.production.yaml:1:35")
    #expect(sample.value("max")?.origin == .environment("DB_POOL_MAX"))
    #expect(sample.value("even")?.origin == .commandLine("pool.even"))
    #expect(sample.value("ssl")?.origin == .standard)
    #expect(sample.value("ssl")?.isDefault == true)
    #expect(sample.value.max == 5)
    #expect(sample.value.even == 10)
    #expect(sample.load.watchedFiles == ["/host.yaml", "/more.yaml", "/host.production.yaml"])
  }

  @Test func theCommandLineOutranksTheEnvironment() {
    let sample = Sample(pool: "max: 3", overrides: ["plugins.pool.max=7"], environment: ["DB_POOL_MAX": "5"])
    #expect(sample.value.max == 7)
    let reset = Sample(pool: "max: 3", overrides: ["pool.max="], environment: ["DB_POOL_MAX": "5"])
    #expect(reset.value.max == 50)
  }

  @Test func listsAreReplacedWithAWarning() {
    let load = ConfigSource.inline(
      "include: b.yaml\nplugins:\n  pool: { replicas: [a, b] }\n",
      files: ["b.yaml": "plugins: { pool: { replicas: [c] } }\n"]
    ).load()
    #expect(
      load.issues.map(\.description) == [
        "b.yaml:1:30: warning: plugins.pool.replicas: replaces the list at host.yaml:3:21"
      ])
    #expect(load.tree.value(at: "plugins.pool.replicas")?.list?.count == 1)
  }

  @Test func nullTakesAKeyAwayAndNothingLeavesAMapAlone() {
    let load = ConfigSource.inline(
      """
      plugins:
        pool: { max: 3 }
        http: { port: 1 }
        health:
      profiles:
        p:
          plugins:
            pool: ~
            http:
            new: null
      """, profile: "p"
    ).load()
    #expect(load.plugins.map(\.key) == ["http", "health"])
    #expect(text(load, "plugins.http.port") == "1")
    let reset = Sample(
      SampleConfiguration.self,
      .inline("plugins: { pool: { max: 3 } }\nprofiles: { p: { plugins: { pool: { max: ~ } } } }", profile: "p"))
    #expect(reset.value.max == 50)
  }

  @Test func includesMustExistAndMustNotGoInCircles() {
    let load = ConfigSource.inline(
      "include: [gone.yaml, sub/a.yaml]\n",
      files: ["sub/a.yaml": "include: [b.yaml]\n", "sub/b.yaml": "include: ../host.yaml\n"]
    ).load()
    #expect(
      load.issues.map { "\($0.description) | \($0.remedy ?? "")" } == [
        "host.yaml:1:11: error: the file gone.yaml does not exist | "
          + "create the file, or correct the path; relative paths start at the including file",
        "sub/b.yaml:1:10: error: include: the file includes itself: host.yaml → a.yaml → b.yaml → host.yaml | "
          + "remove one of the includes",
      ])
    #expect(load.watchedFiles == ["/host.yaml", "/gone.yaml", "/sub/a.yaml", "/sub/b.yaml"])
  }

  @Test func theManifestMustExist() {
    let load = ConfigSource(file: "host.yaml", files: InMemoryFiles([:])).load()
    #expect(load.issues.map(\.description) == ["host.yaml:1:1: error: the file host.yaml does not exist"])
    let disk = ConfigSource(file: "/").load()
    #expect(disk.issues.map(\.description) == ["/:1:1: error: the file / is not a regular file"])
  }

  @Test func unknownProfilesAreRefused() {
    let load = ConfigSource.inline("profiles: { production: {} }\n", profile: "prodction").load()
    #expect(load.issues.map(\.description) == ["host.yaml:1:1: error: profiles: there is no profile 'prodction'"])
    #expect(load.issues.first?.remedy == "did you mean 'production'?")
    let bad = ConfigSource.inline("host: {}\n", profile: "../x").load()
    #expect(bad.issues.first?.message == "'../x' cannot be the name of a profile")
  }

  @Test(
    arguments: [
      ("pool.max", "--set pool.max: error: is not of the form path=value", "write --set http.port=18080"),
      ("=1", "--set : error: is not of the form path=value", "write --set http.port=18080"),
      ("pol.max=1", "--set pol.max: error: pol.max: unknown path: there is no 'pol'", "did you mean 'pool'?"),
      (
        "pool.max.x=1",
        "--set pool.max.x: error: plugins.pool.max.x: unknown path: plugins.pool.max is a single value (host.yaml:3:10)",
        "name a key of a map, or an item that a list has"
      ),
      (
        "pool.max=[1",
        "--set pool.max: error: plugins.pool.max: the value cannot be read: "
          + "did not find expected ',' or ']' (a flow sequence, which begins on line 1)",
        "close the bracket, or put a comma between the values"
      ),
      ("pool.maxx=1", "--set pool.maxx: error: plugins.pool.maxx: unknown key", "did you mean 'max'?"),
    ])
  func brokenOverridesAreExplained(argument: String, issue: String, remedy: String) {
    let sample = Sample(pool: "max: 3", overrides: [argument])
    #expect(sample.lines == [issue])
    #expect(sample.remedies == [remedy])
  }

  @Test func overridesReachIntoListsAndTakeYAML() {
    let sample = Sample(
      pool: "databases: [{ host: a }, { host: b }]",
      overrides: ["pool.databases[1].port=6000", "pool.weights={ a: 1 }", "pool.weights.\"b.c\"=2"])
    #expect(sample.lines.isEmpty)
    #expect(sample.value.databases.map(\.port) == [5432, 6000])
    #expect(sample.value.weights == ["a": 1, "b.c": 2])
    #expect(sample.value("databases[1].port")?.origin == .commandLine("pool.databases[1].port"))
  }
}
