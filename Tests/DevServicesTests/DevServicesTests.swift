import Foundation
import MainstayCapabilities
import MainstayDevServers
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayDevServices

/// The plugin in a real host, with real servers.
@Suite struct DevServicesTests {
  @Test func keepsTheContractOfPlugins() async throws {
    try await PluginConformance.check(DevServicesPlugin.self)
  }

  @Test func startsWhatIsAskedForAndLeavesNothing() async throws {
    let asked = Asked()
    try await withHost(asked, "dev_services: {}\n  asker: { servers: [postgres, redis] }") { host in
      let recorder = EventRecorder(host.events)
      let postgres = try asked.server("postgres")
      #expect(postgres.name.hasPrefix("PostgreSQL 1") && postgres.port == nil)
      #expect("\(postgres.url)" == "<redacted>")
      #expect(exists(postgres.socket + "/.s.PGSQL.5432"))
      let redis = try asked.server("redis")
      #expect(redis.url.reveal() == "unix://" + redis.socket && exists(redis.socket))
      // The second who asks gets the same.
      #expect(try await asked.servers?.redis() == redis)
      #expect(recorder.events(of: DevServerStarted.self).isEmpty)
    }
    #expect(!exists(try asked.server("postgres").socket))
    #expect(!exists(try asked.server("redis").socket))
    // Nobody gets a server of a host that has stopped.
    await #expect(throws: CancellationError.self) { try await asked.servers?.redis() }
  }

  @Test func startsNothingThatNobodyAsksFor() async throws {
    let asked = Asked()
    try await withHost(asked, "dev_services: {}\n  asker: { servers: [redis] }") { _ in
      let running = try #require(asked.servers as? RunningServers)
      let finding = running.finding()
      #expect(finding.status == .healthy && finding.message == "Redis")
      #expect(finding.details["redis"] != nil && finding.details["postgresql"] == nil)
    }
    try await withHost(asked, "dev_services: {}\n  asker: {}") { _ in
      #expect((asked.servers as? RunningServers)?.finding().message == "nobody has asked for a server")
    }
  }

  @Test func twoWhoAskAtTheSameTimeGetOneServer() async throws {
    let asked = Asked()
    try await withHost(asked, "dev_services: {}\n  asker: {}") { host in
      let recorder = EventRecorder(host.events, "dev-services.*")
      let servers = try #require(asked.servers)
      async let first = servers.redis()
      async let second = servers.redis()
      #expect(try await first == second)
      #expect(recorder.events(of: DevServerStarted.self).map(\.server) == ["Redis"])
    }
  }

  @Test func aStartThatEverybodyHasGivenUpIsGivenUp() async throws {
    let asked = Asked()
    try await withHost(asked, "dev_services: {}\n  asker: {}") { host in
      let servers = try #require(asked.servers)
      let impatient = Task { try await servers.postgres() }
      impatient.cancel()
      await #expect(throws: CancellationError.self) { try await impatient.value }
      // The next who asks is served all the same.
      #expect(exists(try await servers.postgres().socket))
    }
  }

  @Test func aServerThatDiesComesBackAtTheSamePlace() async throws {
    let asked = Asked()
    let clock = ManualClock()
    try await withHost(asked, "dev_services: {}\n  asker: { servers: [redis] }", clock: clock) { host in
      let recorder = EventRecorder(host.events, "dev-services.*")
      let redis = try asked.server("redis")
      let running = try #require(asked.servers as? RunningServers)
      try await killServer(of: running, "redis")
      #expect(running.finding().status == .degraded)
      await clock.waitForSleeper(due: .milliseconds(500))
      clock.advance(by: .milliseconds(500))
      let started = try await recorder.next(DevServerStarted.self)
      #expect(started.server == "Redis" && started.restarts == 1)
      #expect(recorder.events(of: DevServerDied.self).map(\.server) == ["Redis"])
      #expect(running.finding().status == .healthy && exists(redis.socket))
      #expect(running.finding().details["redis"]?["restarts"] == 1)
    }
  }

  @Test func aServerThatKeepsDyingIsGivenUp() async throws {
    let asked = Asked()
    let clock = ManualClock()
    let manifest = """
      dev_services: { lifecycle: { on_failure: degrade } }
        asker: { servers: [redis] }
      """
    try await withHost(asked, manifest, clock: clock) { host in
      let recorder = EventRecorder(host.events)
      let running = try #require(asked.servers as? RunningServers)
      for death in 1...RunningServers.mostDeaths + 1 {
        try await killServer(of: running, "redis")
        await clock.waitForSleeper(due: .milliseconds(500))
        clock.advance(by: .milliseconds(500))
        guard death <= RunningServers.mostDeaths else { break }
        _ = try await recorder.next(DevServerStarted.self) { $0.restarts == death }
      }
      let failed = try await recorder.next {
        $0.as(PluginStateChanged.self).map { $0.plugin == "dev_services" && $0.to == .failed } ?? false
      }
      #expect(failed.as(PluginStateChanged.self)?.failure?.contains("Redis has died 6 times") == true)
    }
    #expect(!exists(try asked.server("redis").socket))
  }

  @Test func keptDataAreThereInTheNextRun() async throws {
    let state = scratch()
    defer { try? FileManager.default.removeItem(atPath: state) }
    let manifest = "dev_services: { keep: true, state: \(state) }\n  asker: { servers: [redis, postgres] }"
    let asked = Asked()
    try await withHost(asked, manifest) { _ in
      #expect(try run("redis-cli", "-s", asked.server("redis").socket, "SET", "a", "1") == "OK")
      _ = try run("psql", "-qd", asked.server("postgres").url.reveal(), "-c", "CREATE TABLE kept AS SELECT 5 AS n")
    }
    try await withHost(asked, manifest) { _ in
      let kept = try run("redis-cli", "-s", asked.server("redis").socket, "GET", "a")
      #expect(kept == "1")
      let rows = try run("psql", "-qAtd", asked.server("postgres").url.reveal(), "-c", "SELECT n FROM kept")
      #expect(rows == "5")
    }
  }

  @Test func portsAndSettingsOnlyWhenAskedFor() async throws {
    let manifest = """
      dev_services:
          postgres: { port: 0, settings: { max_connections: 17 } }
          redis: { settings: { maxmemory: 10mb } }
        asker: { servers: [redis, postgres] }
      """
    let asked = Asked()
    try await withHost(asked, manifest) { _ in
      let postgres = try asked.server("postgres")
      #expect(postgres.port != nil)
      #expect(try run("psql", "-qAtd", postgres.url.reveal(), "-c", "SHOW max_connections") == "17")
      let redis = try asked.server("redis")
      #expect(redis.port == nil)
      #expect(try run("redis-cli", "-s", redis.socket, "CONFIG", "GET", "maxmemory") == "maxmemory\n10485760")
    }
  }

  // MARK: - Where there are none

  @Test func productionIsRefusedAndStagingWarned() {
    func issues(_ environment: String, _ section: String = "{}") -> [String] {
      Planner(
        plugins: [PluginRegistration(DevServicesPlugin.self)],
        source: .inline("host: { environment: \(environment) }\nplugins: { dev_services: \(section) }")
      ).plan().issues.map { "\($0.severity) \($0.path): \($0.message)" }
    }
    #expect(issues("development").isEmpty && issues("test").isEmpty)
    #expect(
      issues("staging") == [
        "warning plugins.dev_services: a server without an address gets an empty one for development, in a staging host"
      ])
    #expect(
      issues("production") == ["error plugins.dev_services: servers for development are not for production"])
    #expect(issues("production", "{ enabled: false }").isEmpty)
  }

  @Test func aMissingProgramSaysWhatToInstallAndTheHostGoesOn() async throws {
    try await withMainstay([BareMachinePlugin.self, AskerPlugin.self], Asked(), "bare_machine: {}\n  asker: {}") {
      host, asked in
      let recorder = EventRecorder(host.events, "dev-services.*")
      let error = await #expect(throws: DevelopmentServerUnavailable.self) { try await asked.servers?.postgres() }
      #expect(error?.isMissing == true)
      #expect(error?.message.contains("apt-get install postgresql") == true)
      #expect(recorder.events(of: DevServerUnavailable.self).map(\.server) == ["PostgreSQL"])
      #expect(host.status.isReady)
    }
  }

  @Test func aServerThatIsSwitchedOffIsNotStarted() async throws {
    let asked = Asked()
    try await withHost(asked, "dev_services: { redis: { enabled: false } }\n  asker: {}") { _ in
      let error = await #expect(throws: DevelopmentServerUnavailable.self) { try await asked.servers?.redis() }
      #expect(error?.isMissing == false)
    }
  }

  @Test func doctorLooks() async {
    var configuration = DevServicesConfiguration()
    let findings = await DevServicesPlugin.diagnose(configuration)
    #expect(findings.map(\.severity) == [.fine, .fine])
    #expect(findings.first?.message.hasPrefix("PostgreSQL 1") == true)
    configuration.redis.enabled = false
    #expect(await DevServicesPlugin.diagnose(configuration).count == 1)
    let missing = DevServicesDiagnosis(
      configuration, making: ServerMaking(configuration, hostName: "h", programs: "/nowhere"))
    #expect(missing.findings.map(\.severity) == [.notice])
    #expect(missing.findings.first?.message.contains("apt-get install postgresql") == true)
  }

  @Test(arguments: [
    (StateFolder(user: 5, home: "/people/a", stateHome: nil), "/people/a/.local/state/mainstay/my-host"),
    (StateFolder(user: 5, home: "/people/a", stateHome: "/s"), "/s/mainstay/my-host"),
    (StateFolder(user: 0, home: "/root", stateHome: nil), "/var/lib/mainstay/my-host"),
    (StateFolder(user: 5, home: nil, stateHome: "relative"), nil),
  ])
  func keptDataHaveAPlace(folder: StateFolder, path: String?) {
    #expect((try? folder.for(hostName: "my/host", configured: nil).path()) == path)
    #expect((try? folder.for(hostName: "my/host", configured: "/x").path()) == "/x")
  }
}
