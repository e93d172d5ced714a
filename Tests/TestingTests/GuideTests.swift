import MainstayKernel
import MainstayTesting
import Testing

/// What docs/plugins.md shows does what it says.
@Suite struct GuideTests {
  @Test func capabilitiesConnectPlugins() async throws {
    let manifest = "plugins: { greeter: { salutation: Welcome }, door: {} }"
    try await withHost([DoorPlugin.self, GreeterPlugin.self], manifest: manifest) { host in
      let recorder = EventRecorder(host.events, "door.*")
      host.events.publish(DoorKnocked(name: "Ada"))
      let opened = try await recorder.next(DoorOpened.self)
      #expect(opened.greeting == "Welcome, Ada!")
    }
  }

  @Test func contributionsReachTheirCollector() async throws {
    let manifest = "plugins: { phrase_book: {}, french: {}, reader: {} }"
    try await withHost([PhraseBookPlugin.self, FrenchPlugin.self, ReaderPlugin.self], manifest: manifest) { host in
      let recorder = EventRecorder(host.events, "reader.*")
      // Contributions come as plugins start; the collector reads them live.
      host.events.publish(ReaderPlugin.Asked(language: "fr"))
      host.events.publish(ReaderPlugin.Asked(language: "de"))
      #expect(recorder.events(of: ReaderPlugin.Answered.self).map(\.text) == ["Bonjour", nil])
    }
  }

  @Test func severalFieldsAreCheckedTogether() async throws {
    let error = await #expect(throws: KernelError.self) {
      try await withHost([ThermostatPlugin.self], manifest: "plugins: { thermostat: { low: 25 } }") { _ in }
    }
    #expect(error?.message.contains("must be above low (25), is 21") == true)
    #expect(error?.message.contains("leave at least one degree between them") == true)
  }

  @Test func failureFollowsThePolicy() async throws {
    let clock = ManualClock()
    let manifest = "plugins: { mailbox: { strength: 0, lifecycle: { on_failure: restart } } }"
    try await withHost([MailboxPlugin.self], manifest: manifest, clock: clock) { host in
      let recorder = EventRecorder(host.events, "plugin.*")
      host.events.publish(LetterSent())
      _ = try await recorder.next(PluginStateChanged.self) { $0.to == .failed }
      await clock.waitForSleeper(due: .milliseconds(200))
      clock.advance(by: .milliseconds(200))
      _ = try await recorder.next(PluginStateChanged.self) { $0.to == .running }
      #expect(host.status.plugins.first?.restarts == 1)
    }
  }

  @Test func everyPluginOfTheGuideKeepsTheContract() async throws {
    try await PluginConformance.check(DoorPlugin.self, with: [GreeterPlugin.self])
    try await PluginConformance.check(PhraseBookPlugin.self, with: [FrenchPlugin.self])
    try await PluginConformance.check(ThermostatPlugin.self)
    try await PluginConformance.check(MailboxPlugin.self)
  }
}

/// Looks things up in the phrase book.
private struct ReaderPlugin: Plugin {
  struct Asked: Event {
    static let topic: Topic = "reader.asked"
    let language: String
  }

  struct Answered: Event {
    static let topic: Topic = "reader.answered"
    let text: String?
  }

  static let manifest = PluginManifest(
    name: "reader", version: "1.0.0", summary: "Reads.", requires: [.capability(.phraseBook)], events: [Answered.self])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let book = try context.require(.phraseBook)
    context.bus.observe(Asked.self) { context.bus.publish(Answered(text: book.lookUp($0.language))) }
  }
}
