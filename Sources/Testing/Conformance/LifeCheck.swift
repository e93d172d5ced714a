import MainstayKernel
import Synchronization

/// What a plugin does when hosts start, reload, stop and lose other plugins.
struct LifeCheck {
  let trial: ConformanceTrial
  /// Starts and stops in a row.
  private let rounds = 20

  private var name: String { trial.name }

  func violations() async -> [String] {
    let first = await startAndStop()
    // Everything else needs a plugin that starts.
    guard first.isEmpty else { return first }
    var violations = await reload()
    violations += await stopDuringStart()
    violations += await loseProviders()
    violations += await leaks()
    return violations
  }

  // MARK: - One life

  private func startAndStop() async -> [String] {
    do {
      let host = try trial.kernel()
      let watch = LifeWatch(host, trial.subject.manifest)
      do throws(KernelError) {
        try await host.start()
      } catch {
        return ["it does not start: \(error)"] + watch.violations
      }
      var violations: [String] = []
      if !host.status.isReady { violations.append("the host is not ready although everything has started") }
      await host.stop(reason: "the check is over")
      if host.status.state != .stopped {
        violations.append("it does not stop as it should: \(host.status.reason ?? "unknown reason")")
      }
      return violations + watch.violations
    } catch {
      return ["its host cannot be made: \(error)"]
    }
  }

  private func reload() async -> [String] {
    await inRunningHost { host, _ in
      do throws(KernelError) {
        let report = try await host.host.reload()
        let touched = report.reconfigured + report.restarted + report.started + report.stopped
        return touched.isEmpty ? [] : ["a reload that changes nothing touches \(touched.joined(separator: ", "))"]
      } catch {
        return ["a reload that changes nothing is refused: \(error)"]
      }
    }
  }

  /// Asks the host to stop at the moment the plugin's `init` begins.
  private func stopDuringStart() async -> [String] {
    do {
      let host = try trial.kernel()
      let watch = LifeWatch(host, trial.subject.manifest)
      let trigger = host.events.observe(PluginStateChanged.self) { [name] event in
        if event.plugin == name, event.to == .starting { host.requestStop(reason: "stopped during the start") }
      }
      host.begin()
      await host.wait(for: [.stopped, .failed])
      trigger.cancel()
      let problems = watch.violations
      guard host.status.state == .failed else { return problems }
      return ["it cannot be stopped while it starts: \(host.status.reason ?? "unknown reason")"] + problems
    } catch {
      return ["its host cannot be made: \(error)"]
    }
  }

  // MARK: - Other plugins fail

  private func loseProviders() async -> [String] {
    var violations: [String] = []
    for provider in trial.providers { violations += await lose(provider) }
    return violations
  }

  private func lose<P: Plugin>(_ provider: P.Type) async -> [String] {
    let fuse = Fuse()
    let replacement = PluginRegistration(manifest: P.manifest, configuration: P.Configuration.self) {
      FailingProvider(try await P(configuration: $0, context: $1), fuse: fuse)
    }
    let policy = ["\(P.manifest.name).lifecycle.on_failure=restart"]
    return await inRunningHost(overrides: policy, replacing: replacement) { [name] host, _ in
      let recorder = EventRecorder(host.events)
      fuse.burn()
      let outcome = try? await recorder.next { event in
        if event.as(HostDraining.self) != nil { return true }
        return event.as(PluginStateChanged.self).map { $0.plugin == name && ($0.to == .running || $0.to == .failed) }
          ?? false
      }
      if outcome?.as(PluginStateChanged.self)?.to == .running { return [] }
      return [
        "it does not come back when '\(P.manifest.name)' fails and is restarted: "
          + (host.status.reason ?? "the host stopped")
      ]
    }
  }

  // MARK: - Many lives

  private func leaks() async -> [String] {
    var grown = 0
    // Other tests of the process open and close descriptors too: only growth in each of three tries counts.
    for _ in 0..<3 {
      let before = trial.descriptors()
      for _ in 0..<rounds { _ = await startAndStop() }
      grown = trial.descriptors() - before
      if grown < rounds { return [] }
    }
    return ["\(rounds) starts and stops leave \(grown) descriptors open; release them in stop() or context.onStop"]
  }

  private func inRunningHost(
    overrides: [String] = [], replacing replacement: PluginRegistration? = nil,
    _ body: (Kernel, LifeWatch) async -> [String]
  ) async -> [String] {
    do {
      let host = try trial.kernel(overrides: overrides, replacing: replacement)
      let watch = LifeWatch(host, trial.subject.manifest)
      try await host.start()
      let violations = await body(host, watch)
      await host.stop(reason: "the check is over")
      return violations + watch.violations
    } catch {
      return ["it does not start again: \(error)"]
    }
  }
}

/// Watches a plugin through one host: what it publishes, and what it leaves open when it stops.
final class LifeWatch: Sendable {
  private let found = Mutex<Set<String>>([])

  init(_ host: Kernel, _ manifest: PluginManifest) {
    let bus = host.events
    bus.observe("**") { [weak self] event in self?.look(at: event, manifest, bus) }
  }

  private func look(at event: AnyEvent, _ manifest: PluginManifest, _ bus: EventBus) {
    if event.publisher == manifest.name, !manifest.events.contains(where: { $0.topic == event.topic }) {
      note("it publishes '\(event.topic)', which its manifest does not list under `events:`")
    }
    guard let change = event.as(PluginStateChanged.self), change.plugin == manifest.name,
      change.to == .stopped || change.to == .failed
    else { return }
    for open in bus.statistics.subscriptions where open.owner == manifest.name {
      note("its subscription to '\(open.subscription)' is open after it has stopped")
    }
  }

  private func note(_ violation: String) { found.withLock { _ = $0.insert(violation) } }

  var violations: [String] { found.withLock { $0.sorted() } }
}

/// A plugin that works as another does until its fuse is burnt; then its `run()` throws, once.
private struct FailingProvider<Inner: Plugin>: Plugin {
  typealias Configuration = Inner.Configuration

  static var manifest: PluginManifest { Inner.manifest }

  private let inner: Inner
  private let fuse: Fuse

  init(_ inner: Inner, fuse: Fuse) {
    self.inner = inner
    self.fuse = fuse
  }

  init(configuration: Configuration, context: PluginContext) async throws {
    self.init(try await Inner(configuration: configuration, context: context), fuse: Fuse())
  }

  func run() async throws {
    try await withThrowingTaskGroup { group in
      group.addTask { try await inner.run() }
      group.addTask { try await fuse.wait() }
      try await group.waitForAll()
    }
  }

  func stop() async { await inner.stop() }
}

/// Makes whoever waits for it throw. It is given once; who waits again afterwards waits for good.
private struct Fuse: Sendable {
  struct Burnt: Error, CustomStringConvertible { var description: String { "it was made to fail" } }

  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() { (stream, continuation) = AsyncStream.makeStream() }

  func burn() { continuation.yield() }

  func wait() async throws {
    for await _ in stream { throw Burnt() }
  }
}
