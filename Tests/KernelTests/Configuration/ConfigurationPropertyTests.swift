import Glibc
import MainstayKernel
import MainstayTesting
import Testing

/// Feeds the parser with damaged manifests, and the decoder and the report with some of them: 100,000 and 1,000, or as
/// many for all three as `MAINSTAY_CONFIG_INPUTS` says.
@Suite("Configuration: properties")
struct ConfigurationPropertyTests {
  private static let shards = 8

  /// How many inputs are read, and of how many one is also decoded.
  private static let (inputs, decodedOneOf): (Int, Int) =
    getenv("MAINSTAY_CONFIG_INPUTS").flatMap { Int(String(cString: $0)) }.map { ($0, 1) } ?? (100_000, 100)

  private static let seeds = [
    "plugins:\n  pool:\n    max: 10\n    url: \"${DATABASE_URL:-x}\"\n    tls: { verify: true }\n",
    "include: a.yaml\nplugins: { pool: { databases: [{ host: a, port: 1 }, {}], named: { a: { host: b } } } }\n",
    "host: &h\n  name: 'a b'\n  reload: { watch: true }\nprofiles: { p: { host: { <<: *h } } }\nrules: [{ on: x }]\n",
    "plugins:\r\n  pool: # comment\r\n    application_name: >-\r\n      a\r\n      b\r\n    weights: { a: 1 }\r\n",
    "logging: {level: info, levels: {pool: debug}}\n---\n...\n%YAML 1.2\n? a\n: !!str \"\\u0041\\x00\"\n",
    "plugins:\n  pool: { acquire_timeout: 1h30m, memory: 64MiB, mode: fast, share: 0.5, ssl: ${A}, min: ${file:s} }\n",
  ].map { Array($0.utf8) }

  private static let pieces = [
    "&a ", "*a", "<<: ", "{", "}", "[", "]", ": ", "- ", "\n", "\t", "\"", "'", "|", ">", "#", "!x ", "${", "$$", "~",
    "\u{2028}", "\u{FEFF}", "é", "99999999999999999999", "0x", "? ", "---\n", "...\n", "%TAG ! x\n", "\\u0000", ",",
  ].map { Array($0.utf8) }

  @Test(arguments: 0..<shards)
  func damagedManifestsAreRefusedInTheirPlace(shard: Int) throws {
    var random = SeededGenerator(seed: UInt64(shard) &* 0x9E37_79B9 &+ 1)
    for number in 0..<(Self.inputs / Self.shards) {
      let bytes = Self.input(&random)
      if let complaint = Self.complaint(about: bytes, decodes: number.isMultiple(of: Self.decodedOneOf)) {
        Issue.record("\(complaint) for \(bytes)")
        return
      }
    }
  }

  private static func input(_ random: inout SeededGenerator) -> [UInt8] {
    if random.next() % 10 == 0 {
      return (0..<Int(random.next() % 60)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
    var bytes = seeds[Int(random.next() % UInt64(seeds.count))]
    for _ in 0...(random.next() % 4) { mutate(&bytes, &random) }
    return bytes
  }

  private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    let place = Int(random.next() % UInt64(bytes.count + 1))
    let other = Int(random.next() % UInt64(bytes.count + 1))
    switch random.next() % 6 {
    case 0: bytes.insert(contentsOf: pieces[Int(random.next() % UInt64(pieces.count))], at: place)
    case 1: bytes.removeSubrange(min(place, other)..<min(max(place, other), min(place, other) + 8))
    case 2: bytes.removeSubrange(place...)
    case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
    case 4: bytes.insert(contentsOf: bytes[min(place, other)..<max(place, other)], at: place)
    default: if place < bytes.count { bytes[place] ^= UInt8(1 << (random.next() % 8)) }
    }
  }

  /// What is wrong with how an input is treated; nil if all is well.
  private static func complaint(about bytes: [UInt8], decodes: Bool) -> String? {
    let source = ConfigSource(
      file: "host.yaml", environment: ["A": "true"],
      files: InMemoryFiles(bytes: ["host.yaml": bytes, "a.yaml": [], "s": [0x31]]))
    let load = source.load()
    var issues = load.issues
    if decodes {
      let decoder = ConfigDecoder(load)
      var report = ConfigReport(load)
      report.add(decoder.decodeEntry(of: SampleConfiguration.self, plugin: "pool"))
      report.add(decoder.decode(HostConfiguration.self, at: "host"))
      report.add(decoder.decode(LoggingConfiguration.self, at: "logging"))
      issues = report.issues
      if report.text().isEmpty != issues.isEmpty { return "no text" }
    }
    // Unreadable text must have been refused.
    if issues.isEmpty { return String(validating: bytes, as: UTF8.self) == nil ? "not UTF-8" : nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) {
      $0 == "\n" || $0 == "\r\n" || $0 == "\r"
    }
    for issue in issues {
      guard let mark = issue.origin.mark else { return "no position: \(issue)" }
      guard mark.file == "host.yaml" else { continue }
      guard (1...lines.count).contains(mark.line),
        (1...(lines[mark.line - 1].unicodeScalars.count + 1)).contains(mark.column)
      else { return "outside: \(issue)" }
    }
    return nil
  }
}
