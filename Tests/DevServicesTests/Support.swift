import Foundation
import MainstayCapabilities
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayDevServices

/// What a plugin was given.
final class Asked: Sendable {
  private let state = Mutex<(servers: (any DevelopmentServers)?, given: [String: DevelopmentServer])>((nil, [:]))

  var servers: (any DevelopmentServers)? { state.withLock { $0.servers } }

  func server(_ name: String) throws -> DevelopmentServer { try #require(state.withLock { $0.given[name] }) }
  func note(_ servers: any DevelopmentServers) { state.withLock { $0.servers = servers } }
  func note(_ name: String, _ server: DevelopmentServer) { state.withLock { $0.given[name] = server } }
}

/// Uses servers for development as the pool does: where its own configuration names none.
struct AskerPlugin: Plugin {
  struct Configuration: PluginConfiguration {
    @Field("What to ask for.") var servers: [String] = []
  }

  static let manifest = PluginManifest(
    name: "asker", version: "1.0.0", summary: "Asks for servers.", uses: [.capability(.developmentServers)])

  init(configuration: Configuration, context: PluginContext) async throws {
    guard let servers = try context.optional(.developmentServers) else { return }
    Askers.shared.asked(context.host.name)?.note(servers)
    for name in configuration.servers {
      let server = try await name == "redis" ? servers.redis() : servers.postgres()
      Askers.shared.asked(context.host.name)?.note(name, server)
    }
  }
}

/// A machine without servers.
struct BareMachinePlugin: Plugin {
  static let manifest = PluginManifest(
    name: "bare_machine", version: "1.0.0", summary: "Has nothing.", provides: [.capability(.developmentServers)],
    events: DevServicesPlugin.manifest.events)

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let making = ServerMaking(DevServicesConfiguration(), hostName: "bare", programs: "/nowhere")
    try context.provide(RunningServers(making, context: context), as: .developmentServers)
  }
}

/// Finds what a host's plugin was given by the host's name: plugins are made by the host.
final class Askers: Sendable {
  static let shared = Askers()
  private let all = Mutex<[String: Asked]>([:])

  func asked(_ host: String) -> Asked? { all.withLock { $0[host] } }
  func set(_ asked: Asked, _ host: String) { all.withLock { $0[host] = asked } }
}

func withHost(
  _ asked: Asked, _ plugins: String, clock: any HostClock = SystemClock(), body: (Kernel) async throws -> Void
) async throws {
  try await withMainstay([DevServicesPlugin.self, AskerPlugin.self], asked, plugins, clock: clock) { host, _ in
    try await body(host)
  }
}

func withMainstay(
  _ types: [any Plugin.Type], _ asked: Asked, _ plugins: String, clock: any HostClock = SystemClock(),
  body: (Kernel, Asked) async throws -> Void
) async throws {
  let name = UUID().uuidString
  Askers.shared.set(asked, name)
  let manifest = "host: { name: \(name), start_timeout: 60s, shutdown: { grace: 10s } }\nplugins:\n  \(plugins)\n"
  try await withHost(types, manifest: manifest, clock: clock) { try await body($0, asked) }
}

/// Kills a server behind the plugin's back, and waits until it is gone.
func killServer(of servers: RunningServers, _ name: String) async throws {
  let id = try #require(servers.finding().details[name]?["processID"]?.integerValue)
  kill(pid_t(id), SIGKILL)
  try await eventually { servers.finding().status == .degraded }
}

func run(_ words: String...) throws -> String {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = words
  let output = Pipe()
  process.standardOutput = output
  process.standardInput = FileHandle.nullDevice
  try process.run()
  let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
  process.waitUntilExit()
  return text.hasSuffix("\n") ? String(text.dropLast()) : text
}

func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

/// An empty folder with a short path that every user may enter.
func scratch() -> String {
  var name = Array("/tmp/devtest-XXXXXX".utf8CString)
  mkdtemp(&name)
  let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  chmod(path, 0o755)
  return path
}
