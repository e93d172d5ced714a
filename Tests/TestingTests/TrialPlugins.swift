import MainstayKernel
import MainstayTesting
import Synchronization

/// Keeps a host for after its body.
final class HostBox: Sendable {
  private let box = Mutex<Kernel?>(nil)

  func set(_ host: Kernel) { box.withLock { $0 = host } }
  var host: Kernel? { box.withLock { $0 } }
}

/// A plugin that keeps the contract.
struct SoundPlugin: Plugin {
  struct Ask: Event {
    static let topic: Topic = "sound.ask"
  }

  struct Said: Event {
    static let topic: Topic = "sound.said"
    let text: String
  }

  struct Configuration: PluginConfiguration {
    @Field("What it says.") var text = "plain"
  }

  static let manifest = PluginManifest(
    name: "sound", version: "1.0.0", summary: "Says something when asked.", provides: [.capability(.sound)],
    events: [Said.self])

  init(configuration: Configuration, context: PluginContext) async throws {
    try context.provide(configuration.text, as: .sound)
    context.bus.observe(Ask.self) { _ in context.bus.publish(Said(text: configuration.text)) }
    context.bus.publish(Said(text: "here"))
  }
}

extension Capability where Value == String {
  static var sound: Self { Self("sound") }
}

/// A plugin that provides, contributes and keeps what holds its context.
struct HoarderPlugin: Plugin {
  final class Hoard: Sendable {
    let context: PluginContext
    init(_ context: PluginContext) { self.context = context }
  }

  static let manifest = PluginManifest(
    name: "hoarder", version: "1.0.0", summary: "Holds its context wherever it can.",
    provides: [.capability(.hoard)], contributes: [.point(.hoards)])
  /// What its `init` made, for whoever wants to see it go.
  static let made = Mutex<[WeakHoard]>([])

  struct WeakHoard: Sendable { weak let hoard: Hoard? }

  let hoard: Hoard

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    let hoard = Hoard(context)
    self.hoard = hoard
    Self.made.withLock { $0.append(WeakHoard(hoard: hoard)) }
    try context.provide(hoard, as: .hoard)
    try context.contribute(hoard, to: .hoards)
    context.onStop { _ = hoard }
    context.bus.observe(SoundPlugin.Ask.self) { _ in _ = hoard }
  }
}

extension Capability where Value == HoarderPlugin.Hoard {
  static var hoard: Self { Self("hoard") }
}

extension ContributionPoint where Value == HoarderPlugin.Hoard {
  static var hoards: Self { Self("hoards") }
}

/// A plugin that requires another.
struct EchoPlugin: Plugin {
  static let manifest = PluginManifest(
    name: "echo", version: "1.0.0", summary: "Needs a sound.", requires: [.capability(.sound)])

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    _ = try context.require(.sound)
  }

  func run() async throws {
    let (stream, _) = AsyncStream<Void>.makeStream()
    for await _ in stream {}
  }
}

/// A plugin that works once in a process, as one does that keeps its state in a global.
struct OncePlugin: Plugin {
  struct Used: Error, CustomStringConvertible { var description: String { "started before" } }

  static let manifest = PluginManifest(
    name: "once", version: "1.0.0", summary: "Starts once.", requires: [.capability(.sound)])
  static let starts = Atomic(0)
  /// How often a conformance check starts it before it takes the provider away.
  static let allowed = 4

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    if Self.starts.add(1, ordering: .relaxed).newValue > Self.allowed { throw Used() }
  }
}

/// A plugin that forgets its descriptors. They are counted, not opened: other tests of the process look at the real ones.
struct LeakyPlugin: Plugin {
  static let manifest = PluginManifest(name: "leaky", version: "1.0.0", summary: "Leaks.")
  static let open = Atomic(0)

  init(configuration: NoConfiguration, context: PluginContext) async throws {
    Self.open.add(1, ordering: .relaxed)
  }
}

/// A plugin that publishes what it does not declare.
struct ChattyPlugin: Plugin {
  struct Whispered: Event {
    static let topic: Topic = "chatty.whispered"
  }

  static let manifest = PluginManifest(name: "chatty", version: "1.0.0", summary: "Chats.")

  init(configuration: NoConfiguration, context: PluginContext) async throws { context.bus.publish(Whispered()) }
}

/// A plugin whose declaration is careless.
struct CarelessPlugin: Plugin {
  struct Configuration: PluginConfiguration {
    @Field("") var mystery = 1
    @Field("Clear.") var clear = 2
  }

  struct Odd: Event {
    static let topic: Topic = "Careless Odd"
  }

  static let manifest = PluginManifest(name: "careless", version: "", summary: "", events: [Odd.self])

  init(configuration: Configuration, context: PluginContext) async throws {}
}

/// A plugin that does not start.
struct BrokenPlugin: Plugin {
  struct Broken: Error, CustomStringConvertible { var description: String { "no such luck" } }

  static let manifest = PluginManifest(name: "broken", version: "1.0.0", summary: "Does not start.")

  init(configuration: NoConfiguration, context: PluginContext) async throws { throw Broken() }
}

/// A plugin that does not stop.
struct DeafPlugin: Plugin {
  static let manifest = PluginManifest(name: "deaf", version: "1.0.0", summary: "Does not stop.")

  init(configuration: NoConfiguration, context: PluginContext) async throws {}

  func stop() async {
    // Never resumed, and deaf to cancellation.
    await Task.detached { try? await Task.sleep(for: .seconds(3600)) }.value
  }
}
