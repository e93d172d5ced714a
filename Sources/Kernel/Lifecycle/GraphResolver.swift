/// Turns manifests into a ``DependencyGraph``: find providers, link, order, and say what is wrong.
struct GraphResolver {
  private typealias Graph = DependencyGraph

  private let manifests: [PluginManifest]
  private let linked: [PluginManifest]
  private var problems: [DependencyGraph.Problem] = []
  private var edges: [DependencyGraph.Edge] = []

  /// Capability → index of its provider, and point → index of its collector, in `manifests`.
  private var providers: [String: Int] = [:]
  private var collectors: [String: Int] = [:]
  private var capabilityTypes: [String: (type: AnyCapability, plugin: String)] = [:]
  private var pointTypes: [String: (type: AnyContributionPoint, plugin: String)] = [:]

  private var requires: [[Int]] = []
  private var uses: [[Int]] = []

  init(manifests: [PluginManifest], linked: [PluginManifest]) {
    // By name, so that ties are broken alike in every run.
    self.manifests = manifests.sorted { $0.name < $1.name }
    self.linked = linked
  }

  mutating func resolve() -> Result<DependencyGraph, DependencyGraph.Problems> {
    checkVersions()
    findProviders()
    link()
    guard let order = startOrder(), problems.isEmpty else {
      problems.sort { ($0.plugin, $0.message) < ($1.plugin, $1.message) }
      return .failure(DependencyGraph.Problems(all: problems))
    }
    return .success(graph(in: order))
  }

  private mutating func checkVersions() {
    for manifest in manifests where !KernelAPIVersion.current.supports(manifest.kernelAPI) {
      problems.append(
        .init(
          kind: .kernelVersion, plugin: manifest.name,
          message: "plugin '\(manifest.name)' \(manifest.version) was written for kernel API \(manifest.kernelAPI), "
            + "this host's kernel offers \(KernelAPIVersion.current)",
          remedy: manifest.kernelAPI.major >= KernelAPIVersion.current.major
            ? "build the host with a newer MainstayKernel" : "update the plugin to a version for this kernel"))
    }
  }

  private mutating func findProviders() {
    for (index, manifest) in manifests.enumerated() {
      for capability in manifest.provides {
        check(capability, in: manifest)
        guard let other = providers[capability.name] else {
          providers[capability.name] = index
          continue
        }
        reportTwice(.duplicateProvider, other, manifest, "provide '\(capability.name)'")
      }
      for point in manifest.collects {
        check(point, in: manifest)
        guard let other = collectors[point.name] else {
          collectors[point.name] = index
          continue
        }
        reportTwice(.duplicateCollector, other, manifest, "collect '\(point.name)'")
      }
    }
  }

  private mutating func reportTwice(
    _ kind: DependencyGraph.Problem.Kind, _ other: Int, _ manifest: PluginManifest, _ deed: String
  ) {
    problems.append(
      .init(
        kind: kind, plugin: manifest.name,
        message: "plugins '\(manifests[other].name)' and '\(manifest.name)' both \(deed)",
        remedy: "keep one of them; set `enabled: false` on the other"))
  }

  private mutating func link() {
    requires = Array(repeating: [], count: manifests.count)
    uses = Array(repeating: [], count: manifests.count)
    for (index, manifest) in manifests.enumerated() {
      for capability in manifest.requires {
        check(capability, in: manifest)
        guard let provider = providers[capability.name] else {
          reportMissing(capability, in: manifest)
          continue
        }
        connect(index, to: provider, capability.name, .requires)
      }
      for capability in manifest.uses {
        check(capability, in: manifest)
        if let provider = providers[capability.name] { connect(index, to: provider, capability.name, .uses) }
      }
      for point in manifest.contributes {
        check(point, in: manifest)
        if let collector = collectors[point.name], collector != index {
          edges.append(
            .init(from: manifests[collector].name, to: manifest.name, capability: point.name, kind: .collects))
        }
      }
    }
  }

  private mutating func connect(_ from: Int, to: Int, _ capability: String, _ kind: DependencyGraph.Edge.Kind) {
    edges.append(.init(from: manifests[from].name, to: manifests[to].name, capability: capability, kind: kind))
    if kind == .requires {
      if !requires[from].contains(to) { requires[from].append(to) }
      uses[from].removeAll { $0 == to }
    } else if !requires[from].contains(to), !uses[from].contains(to) {
      uses[from].append(to)
    }
  }

  private mutating func reportMissing(_ capability: AnyCapability, in manifest: PluginManifest) {
    let candidates = linked.filter { $0.provides.contains { $0.name == capability.name } }.map(\.name).sorted()
    let remedy =
      candidates.isEmpty
      ? "link a plugin that provides '\(capability.name)' into the host and declare it under `plugins:`"
      : "declare \(candidates.map { "'\($0)'" }.joined(separator: " or ")) under `plugins:`"
        + ", and see that it is not disabled"
    problems.append(
      .init(
        kind: .missingProvider, plugin: manifest.name,
        message: "plugin '\(manifest.name)' requires '\(capability.name)', which no enabled plugin provides",
        remedy: remedy))
  }

  /// One name, one type: otherwise `require` would find a value it cannot use.
  private mutating func check(_ capability: AnyCapability, in manifest: PluginManifest) {
    guard let known = capabilityTypes[capability.name] else {
      capabilityTypes[capability.name] = (capability, manifest.name)
      return
    }
    if known.type.type != capability.type {
      reportMismatch(capability.name, known.plugin, known.type.typeName, manifest.name, capability.typeName)
    }
  }

  private mutating func check(_ point: AnyContributionPoint, in manifest: PluginManifest) {
    guard let known = pointTypes[point.name] else {
      pointTypes[point.name] = (point, manifest.name)
      return
    }
    if known.type.type != point.type {
      reportMismatch(point.name, known.plugin, known.type.typeName, manifest.name, point.typeName)
    }
  }

  private mutating func reportMismatch(
    _ name: String, _ one: String, _ oneType: String, _ other: String, _ otherType: String
  ) {
    problems.append(
      .init(
        kind: .typeMismatch, plugin: other,
        message: "'\(name)' is \(oneType) in plugin '\(one)' and \(otherType) in plugin '\(other)'",
        remedy: "both must use the declaration of one library"))
  }

  // MARK: - Order

  /// Kahn's algorithm, level by level; reports the cycle that is left, if one is.
  private mutating func startOrder() -> [(index: Int, level: Int)]? {
    let count = manifests.count
    var waiting = (0..<count).map { requires[$0].count + uses[$0].count }
    var dependents = [[Int]](repeating: [], count: count)
    for index in 0..<count {
      for provider in requires[index] { dependents[provider].append(index) }
      for provider in uses[index] { dependents[provider].append(index) }
    }
    var order: [(Int, Int)] = []
    order.reserveCapacity(count)
    var ready = (0..<count).filter { waiting[$0] == 0 }
    var level = 0
    while !ready.isEmpty {
      var next: [Int] = []
      for index in ready {
        order.append((index, level))
        for dependent in dependents[index] {
          waiting[dependent] -= 1
          if waiting[dependent] == 0 { next.append(dependent) }
        }
      }
      ready = next.sorted()
      level += 1
    }
    if order.count < count { reportCycle(among: (0..<count).filter { waiting[$0] > 0 }) }
    return order.count == count ? order : nil
  }

  /// Walks from an unresolved plugin along unresolved providers until one repeats: that stretch is a cycle.
  private mutating func reportCycle(among unresolved: [Int]) {
    guard let start = unresolved.first else { return }
    let open = Set(unresolved)
    var path: [Int] = []
    var position: [Int: Int] = [:]
    var current = start
    while position[current] == nil {
      position[current] = path.count
      path.append(current)
      guard let next = (requires[current] + uses[current]).first(where: open.contains) else { return }
      current = next
    }
    let cycle = Array(path[(position[current] ?? 0)...]) + [current]
    let steps = zip(cycle, cycle.dropFirst()).map { from, to in
      let edge = edges.first {
        $0.from == manifests[from].name && $0.to == manifests[to].name && $0.kind != .collects
      }
      return "'\(manifests[from].name)' \(edge?.kind.rawValue ?? "requires") '\(edge?.capability ?? "")' of "
        + "'\(manifests[to].name)'"
    }
    problems.append(
      .init(
        kind: .cycle, plugin: manifests[current].name,
        message: "plugins wait for each other: " + cycle.map { manifests[$0].name }.joined(separator: " → ") + " ("
          + steps.joined(separator: ", ") + ")",
        remedy: "remove one of these dependencies; what only has to be called later can be a contribution"))
  }

  // MARK: - Result

  private mutating func graph(in order: [(index: Int, level: Int)]) -> DependencyGraph {
    var position = [Int](repeating: 0, count: order.count)
    for (place, entry) in order.enumerated() { position[entry.index] = place }
    var nodes = order.map { entry in
      DependencyGraph.Node(
        name: manifests[entry.index].name, manifest: manifests[entry.index], level: entry.level,
        requires: requires[entry.index].map { position[$0] }, uses: uses[entry.index].map { position[$0] },
        dependents: [], collectors: [], contributors: [])
    }
    for index in nodes.indices {
      for provider in nodes[index].requires + nodes[index].uses { nodes[provider].dependents.append(index) }
    }
    let softened = addCollectors(to: &nodes, position: position)
    edges.sort { ($0.from, $0.to, $0.capability) < ($1.from, $1.to, $1.capability) }
    return DependencyGraph(nodes: nodes, edges: edges, softened: softened)
  }

  /// Adds "the collector stops before the contributor" where that does not contradict what must stop before it.
  private func addCollectors(to nodes: inout [DependencyGraph.Node], position: [Int]) -> [DependencyGraph.Edge] {
    var softened: [DependencyGraph.Edge] = []
    for (index, manifest) in manifests.enumerated() {
      for point in manifest.contributes where point.collectorStopsFirst {
        guard let collector = collectors[point.name], collector != index else { continue }
        let (from, to) = (position[collector], position[index])
        if nodes[to].collectors.contains(from) { continue }
        if mustStop(to, before: from, in: nodes) {
          softened.append(
            .init(from: manifests[collector].name, to: manifest.name, capability: point.name, kind: .collects))
        } else {
          nodes[to].collectors.append(from)
          nodes[from].contributors.append(to)
        }
      }
    }
    return softened
  }

  /// Whether `first` has to be stopped before `second`: it holds it, directly or through others.
  private func mustStop(_ first: Int, before second: Int, in nodes: [DependencyGraph.Node]) -> Bool {
    var open = nodes[second].dependents + nodes[second].collectors
    var seen = Set(open)
    while let next = open.popLast() {
      if next == first { return true }
      for holder in nodes[next].dependents + nodes[next].collectors where seen.insert(holder).inserted {
        open.append(holder)
      }
    }
    return false
  }
}
