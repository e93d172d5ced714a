import MainstayKernel
import Synchronization
import Testing

@testable import MainstayTesting

@Suite struct PluginConformanceTests {
  @Test func acceptsPluginsThatKeepTheContract() async throws {
    try await PluginConformance.check(SoundPlugin.self, manifest: "text: hi")
    try await PluginConformance.check(EchoPlugin.self, with: [SoundPlugin.self], sections: ["sound": "{ text: ho }"])
  }

  @Test func listsEveryFaultOfADeclaration() async {
    let violations = await violations(of: CarelessPlugin.self)
    #expect(
      violations == [
        "its manifest has no version",
        "its manifest has no summary",
        "an event has a malformed topic, which became 'invalid-topic.careless-odd'",
        "the key 'mystery' has no line of help",
      ])
  }

  @Test func saysWhyAHostCannotBePlanned() async {
    let violations = await violations(of: EchoPlugin.self)
    #expect(violations.count == 1)
    #expect(violations.first?.hasPrefix("its host cannot be planned:\n") == true)
    #expect(violations.first?.contains("sound") == true)
  }

  @Test func findsAPluginThatDoesNotStart() async {
    let violations = await violations(of: BrokenPlugin.self)
    #expect(
      violations == [
        "it does not start: plugin 'broken' could not start: no such luck"
      ])
  }

  @Test func findsAPluginThatDoesNotStop() async {
    let violations = await violations(of: DeafPlugin.self, manifest: "lifecycle: { stop_timeout: 20ms }")
    #expect(violations.count == 1)
    #expect(violations.first?.hasPrefix("it does not stop as it should: plugin 'deaf'") == true)
  }

  @Test func findsDescriptorsLeftOpen() async {
    let trial = ConformanceTrial(
      subject: PluginRegistration(LeakyPlugin.self), others: [], sections: [:], environment: [:],
      descriptors: { LeakyPlugin.open.load(ordering: .relaxed) })
    let error = await #expect(throws: PluginConformanceError.self) { try await trial.check() }
    #expect(
      error?.violations == [
        "20 starts and stops leave 20 descriptors open; release them in stop() or context.onStop"
      ])
  }

  @Test func countsRealDescriptors() {
    // Standard input, output and error, and the folder that is being read.
    #expect(openDescriptors() >= 4)
  }

  @Test func findsEventsThatAreNotDeclared() async {
    let violations = await violations(of: ChattyPlugin.self)
    #expect(
      violations == [
        "it publishes 'chatty.whispered', which its manifest does not list under `events:`"
      ])
  }

  @Test func findsAPluginThatDoesNotComeBackWithItsProvider() async {
    let violations = await violations(of: OncePlugin.self, with: [SoundPlugin.self])
    #expect(violations.first?.hasPrefix("it does not come back when 'sound' fails and is restarted") == true)
  }

  private func violations<P: Plugin>(
    of plugin: P.Type, manifest: String = "{}", with others: [any Plugin.Type] = []
  ) async -> [String] {
    do {
      try await PluginConformance.check(plugin, manifest: manifest, with: others)
      return []
    } catch let error as PluginConformanceError {
      return error.violations
    } catch {
      return ["\(error)"]
    }
  }
}
