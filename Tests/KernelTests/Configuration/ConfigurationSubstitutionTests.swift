import MainstayKernel
import Testing

@Suite("Configuration: substitution")
struct ConfigurationSubstitutionTests {
  @Test func variablesDefaultsAndDollars() {
    let sample = Sample(
      pool: """
        max: ${MAX}
        min: "${MIN:-7}"
        application_name: a${X:-b}c
        replicas: ["p$$w$d", "$${NO}", "${EMPTY}", "${EMPTY:-x}"]
        """, environment: ["MAX": "9", "EMPTY": ""])
    #expect(sample.lines.isEmpty)
    #expect(sample.value.max == 9)
    #expect(sample.value.min == 7)
    #expect(sample.value.applicationName == "abc")
    #expect(sample.value.replicas == ["p$w$d", "${NO}", "", "x"])
  }

  @Test func whatIsPutInIsNotLookedThroughAgain() {
    let sample = Sample(pool: "replicas: [\"${A}\"]", environment: ["A": "${B}", "B": "no"])
    #expect(sample.value.replicas == ["${B}"])
  }

  @Test func anEmptySubstitutionLeavesAnOptionalFieldAbsent() {
    let sample = Sample(pool: "url: \"${DATABASE_URL:-}\"")
    #expect(sample.lines.isEmpty)
    #expect(sample.value.url == nil)
  }

  @Test(
    arguments: [
      ("${NOPE}", "the environment variable NOPE is not set", "set NOPE, or give a default: ${NOPE:-value}"),
      ("${NOPE", "a ${ is never closed", "write ${NAME}, or $$ for a dollar sign"),
      ("${1A}", "this ${…} is none of ${NAME}, ${NAME:-default} and ${file:path}", "write $$ for a dollar sign"),
      ("${A:-${B}}", "a default cannot hold another ${…}", "write the default as plain text"),
      ("${file:}", "${file:} names no file", "write ${file:/run/secrets/name}"),
      (
        "${file:gone}", "the file gone does not exist",
        "create the file, or correct the path; relative paths start at the manifest"
      ),
      (
        "${file:big}", "the file big is larger than 64KiB",
        "create the file, or correct the path; relative paths start at the manifest"
      ),
    ])
  func whatCannotBeResolvedIsAnErrorOnce(text: String, message: String, remedy: String) {
    let sample = Sample(pool: "max: \"\(text)\"", files: ["big": String(repeating: "x", count: 70_000)])
    #expect(sample.lines == ["host.yaml:3:10: error: plugins.pool.max: \(message)"])
    #expect(sample.remedies == [remedy])
  }

  @Test func filesAreReadBesideTheirManifestAndWatched() {
    let source = ConfigSource(
      file: "conf/host.yaml",
      files: InMemoryFiles([
        "conf/host.yaml": "plugins: { pool: { url: \"${file:db.txt}\", max: \"${file:/max}\" } }\n",
        "conf/db.txt": "postgres://u:p@h/d\n", "max": "12\r\n",
      ]))
    let sample = Sample(SampleConfiguration.self, source)
    #expect(sample.lines.isEmpty)
    #expect(sample.value.url?.reveal() == "postgres://u:p@h/d")
    #expect(sample.value.max == 12)
    #expect(sample.value("max")?.rendered == "<redacted>")
    #expect(sample.load.watchedFiles == ["/conf/host.yaml", "/conf/db.txt", "/max"])
  }

  @Test func profilesThatAreNotChosenNeedNoVariables() {
    let load = ConfigSource.inline("profiles: { p: { host: { name: \"${NOPE}\" } } }\n").load()
    #expect(load.issues.isEmpty)
  }
}
