import Glibc
import Instrumentation
import MainstayKernel
import MainstayTesting
import Synchronization
import Testing

/// Reloads of a running host. The manifest is text that the test changes.
@Suite struct ReloadTests {
  private let journal = Journal()

  /// A host of three: b requires a, other stands alone.
  private func makeHost(
    _ text: String, a: ProbePlugin.Behaviour = .init(), b: ProbePlugin.Behaviour = .init()
  ) throws -> (Kernel, ChangingFile) {
    let file = ChangingFile(text)
    let plugins = [
      ProbePlugin.register("a", journal: journal, a),
      ProbePlugin.register("b", requires: ["a"], journal: journal, b),
      ProbePlugin.register("other", journal: journal),
    ]
    let source = ConfigSource(file: "host.yaml", files: file)
    let settings = KernelSettings(clock: ManualClock(), logger: .silent)
    return (try Kernel(planner: Planner(plugins: plugins, source: source), settings: settings), file)
  }

  private let start = "plugins:\n  a: { text: one }\n  b: {}\n  other: {}\n"

  @Test func nothingChangedDoesNothing() async throws {
    let (host, _) = try makeHost(start)
    try await host.start()
    let report = try await host.reload()
    #expect(report.generation == 1)
    #expect(report.changes.isEmpty)
    #expect(journal.all.count == 3)
    await host.stop()
  }

  @Test func changedPluginRestartsWithItsDependentsOnly() async throws {
    let (host, file) = try makeHost(start)
    try await host.start()
    file.text = "plugins:\n  a: { text: two }\n  b: {}\n  other: {}\n"
    let report = try await host.reload()
    #expect(report.changes.map(\.description) == ["plugins.a.text: one → two (host.yaml:2:14)"])
    #expect(report.restarted == ["a", "b"])
    #expect(report.generation == 2)
    #expect(journal.all.suffix(4) == ["stop b", "stop a", "start a two", "start b"])
    #expect(journal.count("start other") == 1)
    await host.stop()
    #expect(journal.count("stop other") == 1)
  }

  @Test func pluginThatCanReconfiguresWithoutRestart() async throws {
    let (host, file) = try makeHost(start, a: .init(reconfigure: { _ in .applied }))
    try await host.start()
    file.text = "plugins:\n  a: { text: two }\n  b: {}\n  other: {}\n"
    let report = try await host.reload()
    #expect(report.reconfigured == ["a"])
    #expect(report.restarted.isEmpty)
    #expect(journal.all.last == "reconfigure a two")
    await host.stop()
  }

  @Test func tellsWhoAskedForIt() async throws {
    let (host, file) = try makeHost(start)
    let recorder = EventRecorder(host.events, "host.*")
    try await host.start()
    file.text = "plugins:\n  a: { text: two }\n  b: {}\n  other: {}\n"
    try await host.reload(by: "ada")
    file.text = start
    var context = ServiceContext.topLevel
    context.requestID = "r-7"
    try await ServiceContext.withValue(context) { _ = try await host.reload() }
    #expect(recorder.events(of: HostReloaded.self).map(\.by) == ["ada", "request r-7"])
    await host.stop()
  }

  @Test func badManifestChangesNothingAndSaysWhy() async throws {
    let (host, file) = try makeHost(start)
    let recorder = EventRecorder(host.events, "host.*")
    try await host.start()
    file.text = "plugins:\n  a: { txt: two }\n  b: {}\n  other: {}\n"
    let error = await #expect(throws: KernelError.self) { try await host.reload() }
    #expect(error?.code == .reloadRejected)
    #expect(error?.message.contains("host.yaml:2:8: error: plugins.a.txt: unknown key") == true)
    #expect(journal.all.count == 3)
    #expect(host.status.isReady)
    #expect(host.status.rejectedReloads == 1)
    #expect(recorder.events(of: HostReloadRejected.self).map(\.by) == ["the program"])
    await host.stop()
  }

  @Test func pluginThatRefusesLeavesEverythingAsItWas() async throws {
    struct Refused: Error, CustomStringConvertible { var description: String { "too small" } }
    let (host, file) = try makeHost(
      start, a: .init(reconfigure: { _ in .applied }), b: .init(reconfigure: { _ in throw Refused() }))
    try await host.start()
    file.text = "plugins:\n  a: { text: two }\n  b: { text: two }\n  other: {}\n"
    let error = await #expect(throws: KernelError.self) { try await host.reload() }
    #expect(error?.description == "plugin 'b' refused its new configuration: too small")
    #expect(journal.all.suffix(2) == ["reconfigure a two", "reconfigure a one"])
    #expect(host.status.isReady)
    await host.stop()
  }

  @Test func pluginThatDoesNotComeUpGetsItsOldConfigurationBack() async throws {
    struct Broken: Error, CustomStringConvertible { var description: String { "port in use" } }
    let journal = journal
    let (host, file) = try makeHost(
      start,
      a: .init(start: { _ in
        if journal.all.last == "start a two" { throw Broken() }
      }))
    try await host.start()
    file.text = "plugins:\n  a: { text: two }\n  b: {}\n  other: {}\n"
    let error = await #expect(throws: KernelError.self) { try await host.reload() }
    #expect(error?.message.contains("the old one was put back: plugin 'a' could not start: port in use") == true)
    #expect(host.status.isReady)
    #expect(host.status.generation == 1)
    #expect(journal.all.suffix(3) == ["start a two", "start a one", "start b"])
    #expect(journal.count("start other") == 1)
    await host.stop()
  }

  @Test func pluginsComeAndGo() async throws {
    let (host, file) = try makeHost("plugins:\n  a: {}\n  other: {}\n")
    try await host.start()
    file.text = "plugins:\n  a: {}\n  b: {}\n"
    let report = try await host.reload()
    #expect(report.started == ["b"])
    #expect(report.stopped == ["other"])
    #expect(host.status.plugins.map(\.name) == ["a", "b"])
    #expect(journal.count("stop other") == 1)
    #expect(journal.count("start a") == 1)
    await host.stop()
    #expect(journal.count("stop other") == 1)
  }

  @Test func degradedPluginDoesNotStandInTheWay() async throws {
    struct Broken: Error {}
    let (host, file) = try makeHost(
      "plugins:\n  b: { lifecycle: { on_failure: degrade } }\n  a: {}\n  other: { text: one }\n",
      b: .init(start: { _ in throw Broken() }))
    try await host.start()
    file.text = "plugins:\n  b: { lifecycle: { on_failure: degrade } }\n  a: {}\n  other: { text: two }\n"
    let report = try await host.reload()
    #expect(report.restarted == ["other"])
    #expect(host.status.isReady)
    #expect(journal.count("start b") == 1)
    await host.stop()
  }

  @Test func newProviderReachesThoseThatUseIt() async throws {
    let journal = journal
    let file = ChangingFile("plugins: { user: {} }\n")
    let plugins = [
      ProbePlugin.register("cache", journal: journal), ProbePlugin.register("user", uses: ["cache"], journal: journal),
    ]
    let host = try Kernel(
      planner: Planner(plugins: plugins, source: ConfigSource(file: "host.yaml", files: file)),
      settings: KernelSettings(clock: ManualClock(), logger: .silent))
    try await host.start()
    file.text = "plugins: { user: {}, cache: {} }\n"
    let report = try await host.reload()
    #expect(report.started == ["cache"])
    #expect(report.restarted == ["user"])
    #expect(journal.all == ["start user", "stop user", "start cache", "start user"])
    await host.stop()
  }

  @Test func rulesAloneAreAChange() async throws {
    let (host, file) = try makeHost(start)
    let recorder = EventRecorder(host.events, "clinic.*")
    try await host.start()
    file.text = start + "rules: [{ on: host.ready, publish: { topic: clinic.open } }]\n"
    #expect(try await host.reload().changes.map(\.description) == ["rules: 0 rules → 1 rule (default)"])
    _ = try await recorder.next { $0.topic == "clinic.open" }
    // A rule that stays is not told again of what is past.
    file.text = "logging: { level: error }\n" + file.text
    #expect(try await host.reload().generation == 3)
    await host.stop()
    #expect(recorder.topics == ["clinic.open"])
  }

  @Test func rulesThatFeedEachOtherAreRefused() async throws {
    let (host, file) = try makeHost(start)
    try await host.start()
    file.text =
      start + """
        rules:
          - { on: clinic.open, publish: { topic: clinic.busy } }
          - { on: clinic.busy, publish: { topic: clinic.open } }
        """
    let error = await #expect(throws: KernelError.self) { try await host.reload() }
    #expect(error?.message.contains("rules[0]: publishes what leads, through rule 2, to itself again") == true)
    await host.stop()
  }

  @Test func reloadsAskedForTogetherAreAllAnswered() async throws {
    let (host, file) = try makeHost(start)
    try await host.start()
    file.text = "plugins:\n  a: { text: two }\n  b: {}\n  other: {}\n"
    let generations = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<8 { group.addTask { try await host.reload().generation } }
      var all: [Int] = []
      for try await generation in group { all.append(generation) }
      return all
    }
    #expect(generations == Array(repeating: 2, count: 8))
    #expect(journal.count("start a two") == 1)
    await host.stop()
  }

  @Test func reloadOfAStoppedHostIsRefused() async throws {
    let (host, _) = try makeHost(start)
    try await host.start()
    await host.stop()
    await #expect(throws: KernelError.self) { try await host.reload() }
  }

  @Test func fixedValuesAskForARestartOfTheHost() async throws {
    let (host, file) = try makeHost(start)
    try await host.start()
    file.text = "host: { name: other }\n" + start
    let error = await #expect(throws: KernelError.self) { try await host.reload() }
    #expect(error?.message == "host.name cannot change while the host runs; restart the host")
    await host.stop()
  }

  @Test func changeOfAFileIsNoticed() async throws {
    let clock = ManualClock()
    let path = "/tmp/mainstay-watch-\(getpid()).yaml"
    defer { unlink(path) }
    try write("plugins:\n  a: { text: one }\n", to: path)
    let planner = Planner(
      plugins: [ProbePlugin.register("a", journal: journal)], source: ConfigSource(file: path))
    let host = try Kernel(planner: planner, settings: KernelSettings(clock: clock, logger: .silent))
    let recorder = EventRecorder(host.events, "host.reloaded")
    try await host.start()
    try write("plugins:\n  a: { text: changed }\n", to: path)
    await clock.waitForSleeper(due: .milliseconds(500))
    clock.advance(by: .milliseconds(500))
    await clock.waitForSleeper(due: .milliseconds(200))
    clock.advance(by: .milliseconds(200))
    let reloaded = try await recorder.next(HostReloaded.self)
    #expect(reloaded.changed == ["plugins.a.text"] && reloaded.by == "a change of \(path)")
    await host.stop()
  }

  /// An edit and the signal that follows it are one change, also where it is refused.
  @Test func anEditThatASignalHasReadIsNotReadAgainByTheWatcher() async throws {
    let clock = ManualClock()
    let path = "/tmp/mainstay-watch-\(getpid())-once.yaml"
    defer { unlink(path) }
    try write("plugins:\n  a: { text: one }\n", to: path)
    let planner = Planner(
      plugins: [ProbePlugin.register("a", journal: journal)], source: ConfigSource(file: path))
    let host = try Kernel(planner: planner, settings: KernelSettings(clock: clock, logger: .silent))
    try await host.start()
    func look() async {
      await clock.waitForSleeper(due: .milliseconds(500))
      clock.advance(by: .milliseconds(500))
      await clock.waitForSleeper(due: .milliseconds(500))
    }
    try write("plugins:\n  a: { text: changed }\n", to: path)
    _ = try await host.reload()
    await look()
    try write("plugins:\n  a: { txet: wrong }\n", to: path)
    await #expect(throws: KernelError.self) { try await host.reload() }
    await look()
    await look()
    #expect(host.status.generation == 2 && host.status.rejectedReloads == 1)
    #expect(journal.count("start a changed") == 1)
    // Asked for once more, it is tried once more: what it failed for may be gone.
    await #expect(throws: KernelError.self) { try await host.reload() }
    #expect(host.status.rejectedReloads == 2)
    await host.stop()
  }

  /// A signal and the watcher may see an edit at the same moment: what does not come up is tried once.
  @Test func reloadsAtTheSameTimeOfTheSameFilesAreOne() async throws {
    let (starts, isOpen) = (Counter(), Counter())
    let (host, file) = try makeHost(
      start,
      a: .init(start: { _ in
        starts.up()
        // The second is that of the new configuration, the third puts the old one back.
        guard starts.value == 2 else { return }
        try await eventually { isOpen.value > 0 }
        throw Refusal()
      }))
    try await host.start()
    file.text = start.replacing("one", with: "two")
    let before = file.reads
    let first = Task { try await host.reload() }
    try await eventually { host.status.plugins.contains { $0.name == "a" && $0.state == .starting } }
    let second = Task { try await host.reload() }
    let third = Task { try await host.reload() }
    try await eventually { file.reads == before + 3 }
    isOpen.up()
    await #expect(throws: KernelError.self) { try await first.value }
    await #expect(throws: KernelError.self) { try await second.value }
    await #expect(throws: KernelError.self) { try await third.value }
    #expect(host.status.rejectedReloads == 1)
    #expect(journal.count("start a two") == 1)
    await host.stop()
  }

  @Test func hundredReloadsLeakNothing() async throws {
    let alive = Counter()
    let (host, file) = try makeHost(
      start,
      a: .init(start: { context in
        alive.up()
        context.onStop { alive.down() }
        context.bus.observe(HostReady.self) { _ in }
        context.bus.subscribe("**") { _ in }
      }))
    try await host.start()
    func reload(_ round: Int) async throws {
      file.text = "plugins:\n  a: { text: round\(round) }\n  b: {}\n  other: {}\n"
      _ = try await host.reload()
    }
    for round in 0..<20 { try await reload(round) }
    let descriptors = openDescriptors()
    let subscriptions = host.events.statistics.subscriptions.count
    for round in 20..<120 { try await reload(round) }
    #expect(openDescriptors() <= descriptors)
    #expect(host.events.statistics.subscriptions.count == subscriptions)
    #expect(alive.value == 1)
    await host.stop()
    #expect(alive.value == 0)
    #expect(host.events.statistics.subscriptions.isEmpty)
  }
}

/// A file in memory whose text a test changes.
private final class ChangingFile: ConfigFileReader {
  private let content: Mutex<String>
  private let count = Mutex(0)

  init(_ text: String) { content = Mutex(text) }

  /// How often it was read.
  var reads: Int { count.withLock { $0 } }

  var text: String {
    get { content.withLock { $0 } }
    set { content.withLock { $0 = newValue } }
  }

  var workingDirectory: String { "/test" }

  func read(_ path: String, limit: Int) throws(ConfigFileError) -> [UInt8] {
    guard path.hasSuffix("host.yaml") else { throw .notFound }
    count.withLock { $0 += 1 }
    return Array(text.utf8)
  }
}

private struct Refusal: Error {}

private final class Counter: Sendable {
  private let count = Mutex(0)
  var value: Int { count.withLock { $0 } }
  func up() { count.withLock { $0 += 1 } }
  func down() { count.withLock { $0 -= 1 } }
}

private func write(_ text: String, to path: String) throws {
  let file = try #require(fopen(path, "w"))
  fputs(text, file)
  fclose(file)
}
