import Foundation
import Testing

/// The program itself, as a process: what it prints, how it ends.
@Suite struct HostTests {
  @Test func fiveMistakesAreReportedInOneRun() throws {
    let folder = try Folder(
      manifest: """
        host:
          environment: prodution
          shutdown: { grace: 5 }
        plugins:
          http:
            prot: 8080
            limits: { connections: -4 }
          healt: {}
        """)
    let result = try folder.run("validate", "host.yaml")
    #expect(result.status == 1)
    for line in [
      "host.yaml:2:16: error: host.environment: must be one of development, test, staging, production, is prodution",
      "host.yaml:3:22: error: host.shutdown.grace: must be a duration such as 30s, 250ms or 1h30m, is 5",
      "host.yaml:6:5: error: plugins.http.prot: unknown key",
      "host.yaml:7:28: error: plugins.http.limits.connections: must be between 1 and 1000000, is -4",
      "host.yaml:8:3: error: plugins.healt: no plugin of this name is linked into this program",
      "help: did you mean 'port'?", "5 errors",
    ] {
      #expect(result.errors.contains(line))
    }
  }

  @Test(arguments: [
    ["frobnicate"], ["run", "--no-such-option"], ["graph", "--format", "xml"], ["validate", "--set", "port"],
  ])
  func wrongUsageExitsWith64(arguments: [String]) throws {
    let folder = try Folder(manifest: "plugins: {}\n")
    #expect(try folder.run(arguments).status == 64)
  }

  @Test func missingManifestIsNamed() throws {
    let folder = try Folder(manifest: "plugins: {}\n")
    let result = try folder.run("run", "nowhere.yaml")
    #expect(result.status == 1)
    #expect(result.errors.contains("nowhere.yaml"))
    #expect(result.errors.contains("does not exist"))
  }

  @Test(arguments: ["text", "mermaid", "dot", "json"])
  func graphIsPrinted(format: String) throws {
    let folder = try Folder(manifest: "plugins: { http: { port: 0 }, health: {} }\n")
    let result = try folder.run("graph", "--format", format)
    #expect(result.status == 0)
    #expect(result.output.contains("health") && result.output.contains("http"))
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func signalStopsTheHostCleanly(signal: Int32) throws {
    let folder = try Folder(manifest: "plugins: { http: { port: 0 }, health: {} }\n")
    let host = try folder.start("run")
    try host.wait(for: "ready in")
    kill(host.process.processIdentifier, signal)
    host.process.waitUntilExit()
    #expect(host.process.terminationStatus == 0)
    #expect(host.errors.contains("host stopped"))
  }

  @Test func hangupReloadsAndABadFileChangesNothing() throws {
    let folder = try Folder(manifest: "host: { reload: { watch: false } }\nplugins: { health: {} }\n")
    let host = try folder.start("run")
    try host.wait(for: "ready in")
    try folder.write("host: { reload: { watch: false } }\nplugins: { health: { cach: 2s } }\n")
    kill(host.process.processIdentifier, SIGHUP)
    try host.wait(for: "reload refused")
    #expect(host.errors.contains("did you mean 'cache'?"))
    try folder.write("host: { reload: { watch: false } }\nplugins: { health: { cache: 2s } }\n")
    kill(host.process.processIdentifier, SIGHUP)
    try host.wait(for: "reloaded, generation 2: plugins.health.cache")
    kill(host.process.processIdentifier, SIGTERM)
    host.process.waitUntilExit()
    #expect(host.process.terminationStatus == 0)
  }

  @Test func portInUseIsAClearStartFailure() throws {
    let folder = try Folder(manifest: "plugins: { http: { port: 0 }, health: {} }\n")
    let first = try folder.start("run")
    try first.wait(for: "listening on http://127.0.0.1:")
    let port = try #require(first.errors.split(separator: "http://127.0.0.1:").last?.prefix { $0.isNumber })
    let result = try folder.run("run", "--set", "http.port=\(port)")
    #expect(result.status == 1)
    #expect(result.errors.contains("127.0.0.1:\(port): another program, or another host of this kind, listens there"))
    kill(first.process.processIdentifier, SIGTERM)
    first.process.waitUntilExit()
  }

  @Test func doctorFindsTheMachine() throws {
    let folder = try Folder(manifest: "plugins: { health: {} }\n")
    let result = try folder.run("doctor", "--json")
    #expect(result.status == 0)
    #expect(result.output.contains("\"open files\""))
  }
}
