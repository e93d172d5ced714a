import MainstayKernel
import Testing

@Suite("Configuration: secrets")
struct ConfigurationSecretTests {
  private static let secret = "hunter2-s3cr3t"

  private func everything(_ sample: Sample<SampleConfiguration>) -> String {
    var dumped = ""
    dump(sample.value, to: &dumped)
    dump(sample.entry.values, to: &dumped)
    return [
      sample.report.text(), sample.report.text(colored: true), sample.report.json.compact, dumped,
      "\(sample.value) \(String(reflecting: sample.value)) \(sample.entry.values) \(sample.report.issues)",
      sample.entry.values.map(\.json.compact).joined(),
    ].joined(separator: "\n")
  }

  @Test(
    arguments: [
      // A good value beside a mistake on the same line, in every style.
      "{ url: hunter2-s3cr3t, max: 0 }", "{ url: \"hunter2-s3cr3t\", max: 0 }", "{ url: 'hunter2-s3cr3t', max: 0 }",
      // A mistake about the secret itself.
      "url: [hunter2-s3cr3t]", "url: { a: hunter2-s3cr3t }",
      // A key nobody knows, a key twice, a layer nobody knows.
      "urll: hunter2-s3cr3t", "url: a\nurl: hunter2-s3cr3t", "urll: { a: [{ b: hunter2-s3cr3t }] }",
      "{ databases: [{ password: hunter2-s3cr3t, prot: 1 }] }",
      // One level too high: text where a section, a list or a map of them is expected.
      "databases: [hunter2-s3cr3t]", "databases: hunter2-s3cr3t", "named: hunter2-s3cr3t",
      "named: { a: hunter2-s3cr3t }",
      "tls: hunter2-s3cr3t",
      // A secret of several lines, one of them not indented enough.
      "url: |\n        first\n   hunter2-s3cr3t", "url: \"first\n hunter2-s3cr3t",
      "named: { a: { passwort: hunter2-s3cr3t } }",
      // Text that is not YAML.
      "password: \"hunter2-s3cr3t", "api_key: hunter2-s3cr3t: b", "url: postgres://u:hunter2-s3cr3t@h: x",
      // Substitutions.
      "max: \"${file:secret}\"", "mode: \"${file:secret}\"", "application_name: \"1${file:secret}\"",
      "replicas: \"${file:secret}\"", "acquire_timeout: \"${file:secret}\"", "weights: { a: \"${file:secret}\" }",
      "ssl: \"${file:secret}\"", "port: \"${file:secret}\"", "url: \"${file:secret}\"", "tls: \"${file:secret}\"",
    ])
  func aSecretAppearsNowhere(body: String) {
    let sample = Sample(pool: body, files: ["secret": "hunter2-s3cr3t\n"])
    #expect(!everything(sample).contains(Self.secret))
  }

  @Test func norOneFromTheEnvironmentOrTheCommandLine() {
    let sample = Sample(
      pool: "max: 0", overrides: ["pool.url=hunter2-s3cr3t"], environment: ["DATABASE_URL": "hunter2-s3cr3t"])
    #expect(sample.value.url?.reveal() == Self.secret)
    #expect(!everything(sample).contains(Self.secret))
    let wrong = Sample(pool: "max: 0", overrides: ["pool.url=[hunter2-s3cr3t"])
    #expect(!everything(wrong).contains(Self.secret))
  }

  @Test func norOneThatDoesNotCount() {
    let body = "{ url: hunter2-s3cr3t, max: 0 }"
    #expect(!everything(Sample(pool: body, environment: ["DATABASE_URL": "x"])).contains(Self.secret))
    #expect(!everything(Sample(pool: body, overrides: ["pool.url=x"])).contains(Self.secret))
    let profiles = "{ a: { plugins: { pool: { url: x } } }, b: { plugins: { pool: { url: hunter2-s3cr3t } } } }"
    let yaml = "{ plugins: { pool: { url: hunter2-s3cr3t, max: 0 } }, profiles: \(profiles) }\n"
    let layered = Sample(SampleConfiguration.self, .inline(yaml, profile: "a"))
    #expect(layered.lines.count == 1)
    #expect(!everything(layered).contains(Self.secret))
  }

  @Test func norOneThatARuleQuotes() {
    struct Quoting: PluginConfiguration {
      @Field("Code.", check: { "must not be \($0)" }) var code = "a"
      @Field("Key.") var key: Secret<String>?
      func validate(into issues: inout ConfigurationChecks) {
        issues.error("key", "must not be \(key?.reveal() ?? "")")
      }
    }
    let checked = Sample(
      Quoting.self, .inline("plugins: { pool: { code: \"${file:s}\" } }\n", files: ["s": Self.secret]))
    #expect(checked.lines == ["host.yaml:1:26: error: plugins.pool.code: must not be <redacted>"])
    let validated = Sample(Quoting.self, .inline("plugins: { pool: { key: hunter2-s3cr3t } }\n"))
    #expect(validated.lines == ["host.yaml:1:25: error: plugins.pool.key: must not be <redacted>"])
  }

  @Test func theValueRedactsItself() throws {
    let secret = Secret(Self.secret)
    var dumped = ""
    dump(secret, to: &dumped)
    #expect("\(secret)" == "<redacted>")
    #expect(String(reflecting: secret) == "<redacted>")
    #expect(!dumped.contains(Self.secret))
    #expect(Mirror(reflecting: secret).children.isEmpty)
    #expect(try JSONValue(encoding: ["a": secret]) == ["a": "<redacted>"])
    #expect(secret.reveal() == Self.secret)
    #expect(secret == Secret(Self.secret))
  }

  @Test func changesAreSeenButNotShown() {
    let old = Sample(pool: "url: one-secret\nmax: 3\nmin: 1")
    let new = Sample(pool: "url: two-secret\nmax: 4\nmin: 1")
    #expect(
      ConfigChange.changes(from: old.entry.values, to: new.entry.values).map(\.description) == [
        "plugins.pool.max: 3 → 4 (host.yaml:4:10)", "plugins.pool.url: <redacted> → <redacted> (host.yaml:3:10)",
      ])
    let same = Sample(pool: "max: 3\nmin: 1\nurl: one-secret")
    #expect(ConfigChange.changes(from: old.entry.values, to: same.entry.values).isEmpty)
  }
}
