import Synchronization

/// One life of a plugin: from the call of its `init` to the end of its cleanups.
final class PluginInstance: Sendable {
  let manifest: PluginManifest
  let scope = PluginScope()

  var name: String { manifest.name }

  private struct State {
    var plugin: (any Plugin)?
    var starting: Task<Void, Never>?
    var running: Task<Void, Never>?
    var stopping: Task<Void, Never>?
    var isAbandoned = false
  }

  private let state = Mutex(State())

  init(_ manifest: PluginManifest) { self.manifest = manifest }

  var plugin: (any Plugin)? { state.withLock { $0.plugin } }
  var isAbandoned: Bool { state.withLock { $0.isAbandoned } }
  var running: Task<Void, Never>? { state.withLock { $0.running } }

  func setStarting(_ task: Task<Void, Never>) { state.withLock { $0.starting = task } }
  func setPlugin(_ plugin: any Plugin) { state.withLock { $0.plugin = plugin } }
  func setRunning(_ task: Task<Void, Never>) { state.withLock { $0.running = task } }
  func setStopping(_ task: Task<Void, Never>) { state.withLock { $0.stopping = task } }

  func cancelStart() { state.withLock { $0.starting }?.cancel() }
  func cancelRun() { state.withLock { $0.running }?.cancel() }

  /// Lets go of the plugin. It may hold its context, which holds the host, which holds this.
  func letGo() {
    let former = state.withLock { state in
      defer { state.plugin = nil }
      return state.plugin
    }
    // Outside the lock: its last reference may run the plugin's deinit.
    withExtendedLifetime(former) {}
  }

  /// The kernel does not wait for this instance any more: what it still does is cancelled.
  func abandon() {
    let tasks = state.withLock { state in
      state.isAbandoned = true
      return [state.starting, state.stopping]
    }
    for task in tasks { task?.cancel() }
  }
}
