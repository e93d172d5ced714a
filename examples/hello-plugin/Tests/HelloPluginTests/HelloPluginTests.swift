import HelloPlugin
import MainstayHTTPTesting
import MainstayKernel
import MainstayTesting
import Testing

@Suite struct HelloPluginTests {
  @Test func greetsOnATimer() async throws {
    let clock = ManualClock()
    let manifest = "plugins: { hello: { name: Ada, interval: 7s } }"
    try await withHost([HelloPlugin.self], manifest: manifest, clock: clock) { host in
      let recorder = EventRecorder(host.events, "hello.*")
      await clock.waitForSleeper(due: .seconds(7))
      clock.advance(by: .seconds(7))
      let said = try await recorder.next(HelloSaid.self)
      #expect(said.name == "Ada")
    }
  }

  @Test func greetsOverHTTP() async throws {
    let bus = EventBus()
    let recorder = EventRecorder(bus)
    let routes = try TestRoutes(HelloPlugin.routes(HelloConfiguration(), bus))
    #expect(try await routes.get("/hello?name=Grace%20H.").json == ["greeting": "Hello, Grace H.!"])
    #expect(try await routes.get("/hello").json == ["greeting": "Hello, world!"])
    #expect(recorder.events(of: HelloSaid.self).map(\.name) == ["Grace H.", "world"])
  }

  @Test func refusesAnEmptyName() async {
    await #expect(throws: KernelError.self) {
      try await withHost([HelloPlugin.self], manifest: "plugins: { hello: { name: '' } }") { _ in }
    }
  }

  @Test func keepsTheContractOfPlugins() async throws {
    try await PluginConformance.check(HelloPlugin.self, manifest: "interval: 10ms")
  }
}
