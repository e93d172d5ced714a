import Glibc
import MainstayKernel

// Boot costs that need no server: resolving a graph of 10,000 plugins, and starting and stopping 10,000 of them.
// Prints one line a benchmark: name and nanoseconds.

struct Idle: Plugin {
  static let manifest = PluginManifest(name: "idle", version: "1", summary: "")

  init() {}
  init(configuration: NoConfiguration, context: PluginContext) async throws {}
}

func manifests(_ count: Int) -> [PluginManifest] {
  (0..<count).map { index in
    // Each requires one of the first half at most, as deep as a tree of four.
    PluginManifest(
      name: "plugin_\(index)", version: "1", summary: "", provides: [.capability(Capability<Int>("c\(index)"))],
      requires: index == 0 ? [] : [.capability(Capability<Int>("c\((index - 1) / 4)"))])
  }
}

func cpuMilliseconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func row(_ name: String, milliseconds: Double) { print("\(name)\t\(milliseconds * 1e6)") }

func resolveRow() throws {
  let manifests = manifests(10_000)
  var times: [Double] = []
  for _ in 0..<7 {
    let start = cpuMilliseconds()
    let graph = try DependencyGraph.resolve(manifests).get()
    times.append(cpuMilliseconds() - start)
    precondition(graph.nodes.count == 10_000)
  }
  row("kernel.graph.10000", milliseconds: median(times))
}

func bootRow(_ count: Int) async throws {
  let plugins = manifests(count).map { manifest in
    PluginRegistration(manifest: manifest, configuration: NoConfiguration.self) { _, context in
      for capability in manifest.provides { try context.provide(1, as: Capability<Int>(capability.name)) }
      return Idle()
    }
  }
  let text = "plugins:\n" + plugins.map { "  \($0.manifest.name): {}\n" }.joined()
  var (plans, starts, stops): ([Double], [Double], [Double]) = ([], [], [])
  for _ in 0..<3 {
    let planner = Planner(plugins: plugins, source: .inline(text))
    var start = ContinuousClock.now
    let host = try Kernel(planner: planner)
    plans.append((ContinuousClock.now - start).seconds * 1e3)
    start = ContinuousClock.now
    try await host.start()
    starts.append((ContinuousClock.now - start).seconds * 1e3)
    start = ContinuousClock.now
    await host.stop()
    stops.append((ContinuousClock.now - start).seconds * 1e3)
  }
  row("kernel.plan.\(count)", milliseconds: median(plans))
  row("kernel.start.\(count)", milliseconds: median(starts))
  row("kernel.stop.\(count)", milliseconds: median(stops))
}

try resolveRow()
try await Task.detached {
  try await bootRow(10)
  try await bootRow(10_000)
}.value
