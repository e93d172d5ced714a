import Foundation
import Testing

/// What ends a process in which nothing moves any more: no task of it runs, so that only the watchdog's thread can.
@Suite struct WatchdogTests {
  @Test(arguments: ["run", "stop"])
  func aShutdownThatOverrunsIsForced(blocks: String) throws {
    let folder = try stuckHost(blocks: blocks, forceAfter: "1s")
    let host = try folder.start("run")
    if blocks == "run" { try host.wait(for: "nothing gets through any more") } else { try host.wait(for: "ready in") }
    kill(host.process.processIdentifier, SIGTERM)
    #expect(try host.end() == 1)
    let words = try #require(host.lastWords)
    #expect(words.hasPrefix("the shutdown took longer than host.shutdown.force_after, 1s"))
    // A plugin that blocks in `stop()` may have been left behind by the time the process is ended.
    guard blocks == "run" else { return }
    #expect(words.contains("blocker (running)"))
    #expect(words.contains("the request to stop was never taken"))
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func aSecondSignalEndsTheProcessAtOnce(second: Int32) throws {
    let folder = try stuckHost(blocks: "run", forceAfter: "2h")
    let host = try folder.start("run")
    try host.wait(for: "nothing gets through any more")
    // Two that are the same could be one to the system.
    kill(host.process.processIdentifier, second == SIGTERM ? SIGINT : SIGTERM)
    kill(host.process.processIdentifier, second)
    #expect(try host.end() == 1)
    let words = try #require(host.lastWords)
    #expect(words.hasPrefix("a second signal asked for it"))
    #expect(words.contains("blocker (running)"))
  }

  /// The stock program: a second signal does not wait for the lame-duck time either.
  @Test func aSecondSignalEndsTheRealProgram() throws {
    let folder = try Folder(
      manifest: "host: { shutdown: { lame_duck: 1h, force_after: 2h } }\nplugins: { http: { port: 0 }, health: {} }\n")
    let host = try folder.start("run")
    try host.wait(for: "ready in")
    kill(host.process.processIdentifier, SIGTERM)
    try host.wait(for: "host stopping")
    kill(host.process.processIdentifier, SIGTERM)
    #expect(try host.end() == 1)
    let words = try #require(host.lastWords)
    #expect(words.hasPrefix("a second signal asked for it; still alive: "))
    #expect(words.contains("http (running)"))
    #expect(words.contains("health (running)"))
  }

  private func stuckHost(blocks: String, forceAfter: String) throws -> Folder {
    try Folder(
      manifest: """
        host: { shutdown: { grace: 100ms, force_after: \(forceAfter) } }
        plugins: { blocker: { blocks: \(blocks) }, bystander: {} }
        """, program: "stuck-host")
  }
}

extension Running {
  /// What the watchdog has said.
  fileprivate var lastWords: Substring? {
    errors.split(separator: "\n").last { $0.hasPrefix("mainstay: forced exit: ") }?.dropFirst(23)
  }
}
