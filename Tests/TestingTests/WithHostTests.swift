import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

@Suite struct WithHostTests {
  @Test func runsAHostForTheLengthOfABody() async throws {
    let host = try await withHost([SoundPlugin.self], manifest: "plugins: { sound: { text: hello } }") { host in
      #expect(host.status.isReady)
      return host
    }
    #expect(host.status.state == .stopped)
  }

  @Test func stopsTheHostWhenTheBodyThrows() async throws {
    struct Broken: Error {}
    let stopped = HostBox()
    await #expect(throws: Broken.self) {
      try await withHost([SoundPlugin.self], manifest: "plugins: { sound: {} }") { host in
        stopped.set(host)
        throw Broken()
      }
    }
    #expect(stopped.host?.status.state == .stopped)
  }

  @Test func throwsWhatIsWrongWithTheManifest() async throws {
    let error = await #expect(throws: KernelError.self) {
      try await withHost([SoundPlugin.self], manifest: "plugins: { sound: { txet: hello } }") { _ in }
    }
    #expect(error?.code == .configuration)
    #expect(error?.message.contains("txet") == true)
  }

  @Test func seesOnlyTheEnvironmentItIsGiven() async throws {
    let manifest = "plugins: { sound: { text: \"${PATH:-nothing}\" } }"
    try await withHost([SoundPlugin.self], manifest: manifest) { host in
      let said = EventRecorder(host.events)
      host.events.publish(SoundPlugin.Ask())
      let answer = try await said.next(SoundPlugin.Said.self)
      #expect(answer.text == "nothing")
    }
  }

  @Test func nothingOutlivesAHostThatHasStopped() async throws {
    var host: Kernel? = try await withHost([HoarderPlugin.self], manifest: "plugins: { hoarder: {} }") { $0 }
    // Whatever holds its context holds the host, so it must go while the host is still there.
    try await eventually {
      HoarderPlugin.made.withLock { made in !made.isEmpty && made.allSatisfy { $0.hoard == nil } }
    }
    weak let former = host
    host = nil
    try await eventually { former == nil }
  }
}
