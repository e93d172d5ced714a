import MainstayKernel
import Testing

@Suite("Configuration: YAML")
struct ConfigurationYAMLTests {
  private func issues(_ yaml: String) -> [String] {
    ConfigSource.inline(yaml).load().issues.map { "\($0.description) | \($0.remedy ?? "")" }
  }

  private func issues(bytes: [UInt8]) -> [String] {
    ConfigSource(file: "host.yaml", files: InMemoryFiles(bytes: ["host.yaml": bytes])).load().issues.map(\.description)
  }

  @Test func everyNodeAndKeyKnowsItsPlace() throws {
    let tree = ConfigSource.inline("host:\n  name: \"a b\"\nrules:\n  - { on: x }\n").load().tree
    #expect(tree.entry("host")?.keyOrigin.description == "host.yaml:1:1")
    let name = try #require(tree.value(at: "host.name"))
    #expect(name.origin == .file(SourceMark(file: "host.yaml", line: 2, column: 9, endLine: 2, endColumn: 14)))
    #expect(name.scalar?.text == "a b")
    #expect(tree.value(at: "rules[0].on")?.origin.description == "host.yaml:4:11")
    #expect(tree.value(at: "rules[1]") == nil)
  }

  @Test func duplicateKeysAreRefusedWithBothPlaces() {
    #expect(
      issues("host:\n  name: a\n  name: b\n") == [
        "host.yaml:3:3: error: the key 'name' occurs twice; the first is at host.yaml:2:3 | remove one of the two"
      ])
  }

  @Test func aliasesShareTheAnchorsValue() {
    let load = ConfigSource.inline("plugins:\n  a: &x { n: [1, 2] }\n  b: *x\n  c: { <<: *x, m: 3 }\n").load()
    #expect(load.issues.isEmpty)
    #expect(load.tree.value(at: "plugins.b.n[1]")?.scalar?.text == "2")
    #expect(load.tree.value(at: "plugins.c.n[0]")?.scalar?.text == "1")
    #expect(load.tree.value(at: "plugins.c.m")?.scalar?.text == "3")
    #expect(load.tree.value(at: "plugins.b.n[1]")?.origin.description == "host.yaml:2:18")
  }

  @Test func aMapsOwnKeysOutrankItsMergeKey() {
    let load = ConfigSource.inline("plugins:\n  a: &x { n: 1 }\n  c: { n: 2, <<: [*x] }\n").load()
    #expect(load.tree.value(at: "plugins.c.n")?.scalar?.text == "2")
    #expect(
      issues("plugins:\n  a: { <<: 3 }\n") == [
        "host.yaml:2:12: error: the merge key << takes a map or a list of maps, not a single value | "
          + "write <<: *anchor with the anchor of a map"
      ])
  }

  @Test func aliasBombsAreRefused() {
    var yaml = "plugins:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      yaml += "  a\(level): &a\(level) [\(items)]\n"
    }
    let issues = issues(yaml)
    #expect(issues.count == 1)
    #expect(issues[0].contains("error: the file has more than 100000 values, aliases counted each time they are used"))
  }

  @Test func depthIsLimitedAlsoThroughAliases() {
    let deep = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
    #expect(issues("rules: \(deep)\n")[0].contains("more than 64 maps and lists are inside one another"))
    var yaml = "plugins:\n  a0: &a0 [x]\n"
    for level in 1...70 { yaml += "  a\(level): &a\(level) [*a\(level - 1)]\n" }
    #expect(issues(yaml)[0].contains("more than 64 maps and lists are inside one another"))
  }

  @Test func theSizeOfAFileIsLimited() {
    #expect(
      issues(String(repeating: "# comment\n", count: 200_000)) == [
        "host.yaml:1:1: error: the file host.yaml is larger than 1MiB | split the file with include:"
      ])
  }

  @Test(
    arguments: [
      (
        "host: &a\n  x: *a\n",
        "host.yaml:2:6: error: the alias *a stands inside its own anchor | remove the alias"
      ),
      (
        "host: *b\n",
        "host.yaml:1:7: error: the alias *b has no anchor before it | "
          + "write &b before the value it stands for, or quote the text"
      ),
      (
        "host: {}\n---\nhost: {}\n",
        "host.yaml:2:1: error: a second document begins here | remove the --- or use one file for each"
      ),
      (
        "host: !secret x\n",
        "host.yaml:1:7: error: the tag !secret is not supported | remove the tag; the field decides what the value is"
      ),
      ("host:\n\tname: x\n", "host.yaml:2:1: error: a tab cannot indent YAML | indent with spaces"),
      (
        "host:\n  name: \"x\n",
        "host.yaml:2:11: error: the quote that begins on line 2 is never closed | close the quote"
      ),
      (
        "host: a: b\n",
        "host.yaml:1:8: error: a ': ' makes no sense here | "
          + "quote the text, or check the indentation of this line and the one before"
      ),
      (
        "host: { name: x\n",
        "host.yaml:1:16: error: did not find expected ',' or '}' (a flow mapping, which begins on line 1) | "
          + "close the bracket, or put a comma between the values"
      ),
      ("host: @x\n", "host.yaml:1:7: error: this character cannot begin a value | put the value in quotes"),
      (
        "host:\n  {{ name }}: x\n",
        "host.yaml:2:3: error: a map or list cannot be a key | "
          + "if this is text, quote it; {{ }} of a template must be quoted too"
      ),
      ("host: { \"\": x }\n", "host.yaml:1:9: error: a key is empty | write a name before the colon"),
      (
        "- a\n",
        "host.yaml:1:1: error: the file must be a map with the keys host, logging, plugins, rules, is a list | "
          + "begin with plugins:"
      ),
    ])
  func brokenTextIsExplained(yaml: String, expected: String) {
    #expect(issues(yaml).first == expected)
  }

  @Test(
    arguments: [
      ([0x68, 0x3A, 0x20, 0xC3, 0x28], "host.yaml:1:4: error: is not valid UTF-8 here"),
      ([0x68, 0x3A, 0x20, 0x00], "host.yaml:1:4: error: has a NUL character"),
      ([0xFF, 0xFE, 0x68, 0x00], "host.yaml:1:1: error: is UTF-16"),
      ([0x68, 0x3A, 0x0A, 0x20, 0x07], "host.yaml:2:2: error: has the control character U+0007"),
      ([0x22, 0x5C, 0x30, 0x22, 0x3A, 0x20, 0x31], "host.yaml:1:1: error: has a NUL character"),
    ] as [([UInt8], String)])
  func brokenBytesAreExplained(bytes: [UInt8], expected: String) {
    #expect(issues(bytes: bytes).first == expected)
  }

  @Test func aByteOrderMarkAndAnEmptyFileAreFine() {
    #expect(issues(bytes: [0xEF, 0xBB, 0xBF] + Array("host: {}\n".utf8)).isEmpty)
    #expect(issues("").isEmpty)
    #expect(issues("# nothing\n").isEmpty)
  }

  @Test func unknownTopLevelKeysAreRefused() {
    #expect(
      issues("plugin:\n  pool: {}\n") == ["host.yaml:1:1: error: plugin: unknown key | did you mean 'plugins'?"])
    #expect(issues("plugins: []\n") == ["host.yaml:1:10: error: plugins: must be a map, is a list | "])
  }
}
