import HTTPTypes
import MainstayHTTP
import MainstayHTTPServer
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

/// The plugin in a host: when it answers, what it serves, how it ends.
@Suite(.timeLimit(.minutes(1)))
struct HTTPPluginTests {
  private static let manifest = "plugins: { http: { port: 0, limits: { farewell: 20ms } }"

  /// Contributes a route when its init has come to its end, which the test decides.
  struct LatePlugin: Plugin {
    static let manifest = PluginManifest(
      name: "late", version: "1.0.0", summary: "Comes late.", contributes: [.point(.httpRoutes)])
    static let gate = Mutex(DrainSignal())

    init(configuration: NoConfiguration, context: PluginContext) async throws {
      await Self.gate.withLock { $0 }.wait()
      try context.contribute([.get("/late", "Comes late.", access: .open) { _, _ in .text("at last") }])
    }
  }

  struct WrongPlugin: Plugin {
    static let manifest = PluginManifest(
      name: "wrong", version: "1.0.0", summary: "Declares its routes wrongly.", contributes: [.point(.httpRoutes)])

    init(configuration: NoConfiguration, context: PluginContext) throws {
      try context.contribute([.get("late/:name", "", access: .open) { _, _ in .noContent }])
    }
  }

  private func get(_ path: String, port: Int) async throws -> String {
    let client = try await RawClient.connect(port: port)
    try await client.send(request("GET \(path) HTTP/1.1", "Connection: close"))
    let text = try await client.receiveAll()
    await client.close()
    return text
  }

  @Test("It answers while other plugins still start; their routes appear as they contribute them")
  func startsFirst() async throws {
    let gate = DrainSignal()
    LatePlugin.gate.withLock { $0 = gate }
    let planner = Planner(
      plugins: [PluginRegistration(HTTPPlugin.self), PluginRegistration(LatePlugin.self)],
      source: .inline(Self.manifest + ", late: {} }", environment: [:]))
    let host = try Kernel(planner: planner)
    let recorder = EventRecorder(host.events)
    let start = Task { try await host.start() }
    let port = try #require(try await recorder.next(HTTPListening.self).port)
    #expect(try await get("/late", port: port).hasPrefix("HTTP/1.1 503"))
    gate.give()
    try await start.value
    #expect(try await get("/late", port: port).hasSuffix("at last"))
    #expect(try await get("/api/late", port: port).hasSuffix("at last"))
    #expect(try await get("/nothing", port: port).hasPrefix("HTTP/1.1 404"))
    await host.stop(reason: "the test is over")
    #expect(recorder.events(of: HTTPDrained.self).count == 1)
    await #expect(throws: (any Error).self) { _ = try await RawClient.connect(port: port) }
  }

  @Test("An address in use is a failed start that names the plugin, the address and the remedy")
  func addressInUse() async throws {
    try await TestServer.run(.sample) { server in
      let port = try #require(server.port)
      let error = await #expect(throws: KernelError.self) {
        try await withHost([HTTPPlugin.self], manifest: "plugins: { http: { port: \(port) } }") { _ in }
      }
      let text = String(describing: error)
      #expect(text.contains("127.0.0.1:\(port)") && text.contains("plugins.http.port") && text.contains("http"))
    }
  }

  @Test("Routes declared wrongly fail the start of the plugin that declares them")
  func wrongRoutes() async throws {
    let error = await #expect(throws: KernelError.self) {
      try await withHost([HTTPPlugin.self, WrongPlugin.self], manifest: Self.manifest + ", wrong: {} }") { _ in }
    }
    let text = String(describing: error)
    #expect(text.contains("'wrong'") && text.contains("{name}"))
  }
}
