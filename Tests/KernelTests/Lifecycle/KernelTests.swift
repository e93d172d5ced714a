import MainstayKernel
import MainstayTesting
import Testing

/// The kernel with real tasks. Time is a manual clock wherever a budget is spent.
@Suite struct KernelTests {
  private let journal = Journal()

  @Test func startsInOrderAndStopsInReverse() async throws {
    let host = try makeKernel([
      ProbePlugin.register("c", requires: ["b"], journal: journal),
      ProbePlugin.register("a", journal: journal),
      ProbePlugin.register("b", requires: ["a"], journal: journal),
    ])
    try await host.start()
    #expect(host.status.state == .running)
    #expect(host.status.isReady)
    await host.stop()
    #expect(host.status.state == .stopped)
    #expect(journal.all == ["start a", "start b", "start c", "stop c", "stop b", "stop a"])
  }

  @Test func failedStartRollsBackAndSaysWhy() async throws {
    struct Broken: Error, CustomStringConvertible { var description: String { "no route to the database" } }
    let host = try makeKernel([
      ProbePlugin.register("a", journal: journal),
      ProbePlugin.register("b", requires: ["a"], journal: journal, .init(start: { _ in throw Broken() })),
    ])
    let error = await #expect(throws: KernelError.self) { try await host.start() }
    #expect(error?.code == .startFailed)
    #expect(error?.message == "plugin 'b' could not start: no route to the database")
    #expect(host.status.state == .failed)
    #expect(journal.all == ["start a", "start b", "stop a"])
  }

  @Test func cleanupsOfAFailedStartRun() async throws {
    let journal = journal
    struct Broken: Error {}
    let host = try makeKernel([
      ProbePlugin.register(
        "a", journal: journal,
        .init(start: { context in
          context.onStop { journal.note("first cleanup") }
          context.onStop { journal.note("second cleanup") }
          throw Broken()
        }))
    ])
    await #expect(throws: KernelError.self) { try await host.start() }
    #expect(journal.all == ["start a", "second cleanup", "first cleanup"])
  }

  @Test func startThatHangsIsGivenUpAndNamed() async throws {
    let clock = ManualClock()
    let journal = journal
    let (gate, open) = AsyncStream<Void>.makeStream()
    let host = try makeKernel(
      [
        ProbePlugin.register(
          "slow", journal: journal,
          .init(start: { _ in
            // Deaf to its cancellation.
            await Task { for await _ in gate { break } }.value
          }))
      ], clock: clock)
    let recorder = EventRecorder(host.events)
    host.begin()
    try await eventually { journal.count("start slow") == 1 }
    await clock.waitForSleeper(due: .seconds(10))
    clock.advance(by: .seconds(10))
    await host.wait(for: [.failed])
    #expect(host.status.reason == "plugin 'slow' did not finish init within its budget of 10s")
    // What comes after the budget is released all the same.
    open.yield()
    open.finish()
    try await eventually { journal.count("stop slow") > 0 }
    #expect(recorder.topics.last == "host.stopped")
  }

  @Test func runThatIgnoresItsCancellationIsNamed() async throws {
    let clock = ManualClock()
    let (gate, open) = AsyncStream<Void>.makeStream()
    let host = try makeKernel(
      [
        ProbePlugin.register(
          "deaf", journal: journal, .init(run: { _ in await Task { for await _ in gate { break } }.value }))
      ], clock: clock)
    try await host.start()
    host.requestStop(reason: "test")
    await host.wait(for: [.draining])
    await clock.waitForSleeper(due: .seconds(5))
    clock.advance(by: .seconds(5))
    await host.wait(for: [.failed])
    #expect(host.status.state == .failed)
    #expect(journal.all == ["start deaf", "stop deaf"])
    #expect(host.status.plugins[0].failure == "plugin 'deaf' did not finish run() within its budget of 5s")
    open.finish()
  }

  @Test func stopThatHangsIsAbandonedAndTheRestStops() async throws {
    let clock = ManualClock()
    let (gate, open) = AsyncStream<Void>.makeStream()
    let hanging = Journal()
    let host = try makeKernel(
      [
        ProbePlugin.register("base", journal: journal),
        ProbePlugin.register(
          "stuck", requires: ["base"], journal: journal,
          .init(stop: { _ in
            hanging.note("stopping")
            await Task { for await _ in gate { break } }.value
          })),
      ], clock: clock)
    let recorder = EventRecorder(host.events, "host.*")
    try await host.start()
    host.requestStop(reason: "test")
    try await eventually { !hanging.all.isEmpty }
    clock.advance(by: .seconds(5))
    await host.wait(for: [.failed])
    #expect(journal.all == ["start base", "start stuck", "stop base"])
    #expect(recorder.events(of: HostStopped.self).map(\.abandoned) == [["stuck"]])
    #expect(host.status.reason == "plugin 'stuck' did not finish stop() within its budget of 5s")
    open.finish()
  }

  @Test func runThatThrowsStopsTheHost() async throws {
    struct Broken: Error, CustomStringConvertible { var description: String { "lost its connection" } }
    let host = try makeKernel([
      ProbePlugin.register("a", journal: journal, .init(run: { _ in throw Broken() })),
      ProbePlugin.register("b", requires: ["a"], journal: journal),
    ])
    let error = await #expect(throws: KernelError.self) { try await host.run() }
    #expect(error?.message == "plugin 'a' failed while running: lost its connection")
    #expect(journal.count("stop a") == journal.count("start a"))
    #expect(journal.count("stop b") == journal.count("start b"))
  }

  @Test func runThatReturnsIsNoFailure() async throws {
    let host = try makeKernel([ProbePlugin.register("a", journal: journal)])
    try await host.start()
    #expect(host.status.plugins.map(\.state) == [.running])
    await host.stop()
  }

  @Test func restartPolicyStartsItAgainWithItsDependents() async throws {
    let clock = ManualClock()
    let journal = journal
    struct Broken: Error {}
    let host = try makeKernel(
      [
        ProbePlugin.register(
          "a", journal: journal,
          .init(run: { context in
            if journal.count("start a") == 1 {
              try await eventually { journal.count("start b") > 0 }
              throw Broken()
            }
          })),
        ProbePlugin.register("b", requires: ["a"], journal: journal),
      ], manifest: "plugins: { a: { lifecycle: { on_failure: restart } }, b: {} }", clock: clock)
    try await host.start()
    await clock.waitForSleeper(due: .milliseconds(200))
    clock.advance(by: .milliseconds(200))
    try await eventually { journal.count("start b") == 2 && host.status.isReady }
    #expect(journal.all == ["start a", "start b", "stop b", "stop a", "start a", "start b"])
    #expect(host.status.plugins.map(\.restarts) == [1, 0])
    await host.stop()
  }

  @Test func degradeLetsTheHostRun() async throws {
    struct Broken: Error {}
    let host = try makeKernel(
      [
        ProbePlugin.register("a", journal: journal, .init(start: { _ in throw Broken() })),
        ProbePlugin.register("b", journal: journal),
      ], manifest: "plugins: { a: { lifecycle: { on_failure: degrade } }, b: {} }")
    try await host.start()
    #expect(host.status.isReady)
    #expect(host.status.plugins.map(\.state) == [.failed, .running])
    #expect(host.status.plugins[0].isTolerated)
    await host.stop()
    #expect(host.status.state == .stopped)
  }

  @Test func declaredCapabilityThatIsNotProvidedIsNamed() async throws {
    let manifest = PluginManifest(
      name: "a", version: "1", summary: "", provides: [.capability(.probe("sql"))])
    let registration = PluginRegistration(manifest: manifest, configuration: NoConfiguration.self) { _, _ in Forgetful()
    }
    let host = try makeKernel([registration])
    let error = await #expect(throws: KernelError.self) { try await host.start() }
    #expect(error?.code == .missingCapability)
    #expect(error?.message.contains("declares that it provides 'sql' but its init did not") == true)
  }

  @Test func undeclaredUseIsRefused() async throws {
    let host = try makeKernel([
      ProbePlugin.register("a", journal: journal, .init(start: { _ = try $0.require(.probe("other")) }))
    ])
    let error = await #expect(throws: KernelError.self) { try await host.start() }
    #expect(error?.code == .undeclared)
  }

  @Test func contributionsAreLiveAndWithdrawn() async throws {
    let point = ContributionPoint<Int>("numbers")
    let seen = Journal()
    let host = try makeKernel([
      ProbePlugin.register(
        "collector", collects: [.point(point)], journal: journal,
        .init(start: { context in
          try context.contributions(to: point).observe { seen.note("\($0.map(\.value))") }
        })),
      ProbePlugin.register(
        "one", requires: ["collector"], contributes: [.point(point)], journal: journal,
        .init(start: { try $0.contribute(1, to: point) })),
    ])
    try await host.start()
    #expect(seen.all == ["[]", "[1]"])
    await host.stop()
    #expect(seen.all == ["[]", "[1]", "[]"])
  }

  @Test func lameDuckTimeComesBeforeTheFirstStop() async throws {
    let clock = ManualClock()
    let host = try makeKernel(
      [ProbePlugin.register("a", journal: journal)],
      manifest: "host: { shutdown: { lame_duck: 3s } }\nplugins: { a: {} }", clock: clock)
    try await host.start()
    host.requestStop(reason: "SIGTERM")
    await host.wait(for: [.draining])
    #expect(!host.status.isReady)
    #expect(journal.all == ["start a"])
    await clock.waitForSleeper(due: .seconds(3))
    clock.advance(by: .milliseconds(2_999))
    #expect(journal.all == ["start a"])
    clock.advance(by: .milliseconds(1))
    await host.wait(for: [.stopped])
    #expect(journal.all == ["start a", "stop a"])
  }

  @Test func stopThatOverrunsIsCancelled() async throws {
    let clock = ManualClock()
    let journal = journal
    let host = try makeKernel(
      [
        ProbePlugin.register(
          "slow", journal: journal,
          .init(stop: { _ in
            journal.note("stopping")
            while !Task.isCancelled { await Task.yield() }
            journal.note("cut off")
          }))
      ], clock: clock)
    try await host.start()
    host.requestStop(reason: "test")
    try await eventually { journal.count("stopping") == 1 }
    clock.advance(by: .seconds(5))
    try await eventually { journal.count("cut off") == 1 }
    await host.wait(for: [.failed])
  }

  @Test func whatComesLateDoesNotReplaceWhatItsSuccessorProvides() async throws {
    let clock = ManualClock()
    let journal = journal
    let (gate, open) = AsyncStream<Void>.makeStream()
    let manifest = PluginManifest(
      name: "late", version: "1", summary: "", provides: [.capability(.probe("late"))])
    let registration = PluginRegistration(manifest: manifest, configuration: NoConfiguration.self) {
      (_: NoConfiguration, context: PluginContext) async throws -> Forgetful in
      journal.note("start")
      let isFirst = journal.count("start") == 1
      if isFirst { await Task { for await _ in gate { break } }.value }
      do { try context.provide(isFirst ? "first" : "second", as: .probe("late")) } catch { journal.note("\(error)") }
      return Forgetful()
    }
    let host = try makeKernel(
      [registration, ProbePlugin.register("user", requires: ["late"], journal: journal)],
      manifest: "plugins: { late: { lifecycle: { on_failure: restart } }, user: {} }", clock: clock)
    host.begin()
    try await eventually { journal.count("start") == 1 }
    await clock.waitForSleeper(due: .seconds(10))
    clock.advance(by: .seconds(10))
    await clock.waitForSleeper(due: .milliseconds(200))
    clock.advance(by: .milliseconds(200))
    await host.wait(for: [.running])
    open.yield()
    try await eventually { journal.all.contains { $0.contains("has been given up") } }
    await host.stop()
    #expect(host.status.state == .stopped)
  }

  @Test func hostThatNeverBeganStops() async throws {
    let host = try makeKernel([ProbePlugin.register("a", journal: journal)])
    await #expect(throws: KernelError.self) { try await host.reload() }
    await host.stop()
    #expect(host.status.state == .stopped)
    #expect(journal.all.isEmpty)
  }

  @Test func everyTransitionIsAnEvent() async throws {
    let host = try makeKernel([ProbePlugin.register("a", journal: journal)])
    let recorder = EventRecorder(host.events)
    try await host.start()
    await host.stop()
    let changes = recorder.events(of: PluginStateChanged.self).map { "\($0.from.rawValue)→\($0.to.rawValue)" }
    #expect(changes == ["created→starting", "starting→running", "running→draining", "draining→stopped"])
    #expect(recorder.topics.filter { $0.hasPrefix("host.") } == ["host.ready", "host.draining", "host.stopped"])
  }

  @Test func stopBeforeReadyIsRemembered() async throws {
    let host = try makeKernel([ProbePlugin.register("a", journal: journal)])
    host.requestStop(reason: "early")
    await #expect(throws: KernelError.self) { try await host.start() }
    #expect(journal.count("start a") == journal.count("stop a"))
  }
}

/// Declares what it never provides.
private struct Forgetful: Plugin {
  static let manifest = PluginManifest(name: "forgetful", version: "1", summary: "")

  init() {}
  init(configuration: NoConfiguration, context: PluginContext) async throws {}
}
