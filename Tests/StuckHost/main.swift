// A host whose plugin blocks every thread that Swift's tasks run on, for tests of what ends a process all the same.
import Glibc
import MainstayCommandLine
import MainstayKernel
import Synchronization

/// Blocks every thread, in its `run()` or in its `stop()`.
struct BlockerPlugin: Plugin {
  enum Moment: String, CaseIterable, ConfigValue {
    case run, stop
  }

  struct Configuration: PluginConfiguration {
    @Field("When it blocks.") var blocks = Moment.run
  }

  static let manifest = PluginManifest(name: "blocker", version: "1.0.0", summary: "Blocks every thread.")

  private let moment: Moment

  init(configuration: Configuration, context: PluginContext) async throws { moment = configuration.blocks }

  func run() async throws { if moment == .run { blockEveryThread() } }
  func stop() async { if moment == .stop { blockEveryThread() } }
}

/// Stands beside it and is in nobody's way.
struct BystanderPlugin: Plugin {
  static let manifest = PluginManifest(name: "bystander", version: "1.0.0", summary: "Does nothing.")

  init(configuration: NoConfiguration, context: PluginContext) async throws {}
}

private let beats = Atomic<Int>(0)

/// Fills the pool with tasks that never end, at every priority, and says so as soon as no other task gets through. A
/// thread of its own looks: the others are gone.
private func blockEveryThread() {
  var watcher = pthread_t()
  pthread_create(&watcher, nil, { _ in watchForTheLastBeat() }, nil)
  for priority in [TaskPriority.high, .medium, .low, .background] {
    for _ in 0..<8 * sysconf(Int32(_SC_NPROCESSORS_ONLN)) {
      Task.detached(priority: priority) { while true { pause() } }
    }
  }
}

private func watchForTheLastBeat() -> UnsafeMutableRawPointer? {
  var before: Int
  repeat {
    before = beats.load(ordering: .sequentiallyConsistent)
    for priority in [TaskPriority.high, .medium, .low, .background] {
      Task.detached(priority: priority) { beats.add(1, ordering: .sequentiallyConsistent) }
    }
    usleep(300_000)
  } while beats.load(ordering: .sequentiallyConsistent) != before
  let message = "nothing gets through any more\n"
  _ = message.withCString { write(2, $0, strlen($0)) }
  return nil
}

await HostProgram(name: "stuck-host", version: "1.0.0", plugins: [BlockerPlugin.self, BystanderPlugin.self]).main()
