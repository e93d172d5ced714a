@testable import MainstayKernel

/// Drives a ``LifecycleMachine`` by plugin names and prints its actions.
struct Transcript {
  var machine: LifecycleMachine
  var now = ContinuousClock.now
  private let policy: LifecyclePolicy

  /// `requires["b"] == ["a"]`: b requires a.
  init(
    _ requires: [String: [String]], uses: [String: [String]] = [:], collects: [String: [String]] = [:],
    policy: LifecyclePolicy = LifecyclePolicy()
  ) throws {
    self.policy = policy
    let graph = try Self.graph(requires, uses, collects)
    machine = LifecycleMachine(graph: graph, policies: graph.nodes.map { _ in policy }, at: now)
  }

  static func graph(
    _ requires: [String: [String]], _ uses: [String: [String]] = [:], _ collects: [String: [String]] = [:]
  ) throws -> DependencyGraph {
    let names = Set(requires.keys).union(uses.keys)
    return try DependencyGraph.resolve(
      names.map { name in
        PluginManifest(
          name: name, version: "1", summary: "", provides: [.init(Capability<Int>(name))],
          requires: (requires[name] ?? []).map { .init(Capability<Int>($0)) },
          uses: (uses[name] ?? []).map { .init(Capability<Int>($0)) },
          contributes: collects.filter { $0.value.contains(name) }.keys.map { .init(Self.point($0)) },
          collects: collects[name] == nil ? [] : [.init(Self.point(name))])
      }
    ).get()
  }

  private static func point(_ collector: String) -> ContributionPoint<Int> {
    ContributionPoint("of_\(collector)", collectorStopsFirst: true)
  }

  private func index(_ name: String) -> Int { machine.nodes.firstIndex { $0.name == name } ?? -1 }

  private let broke = LifecycleMachine.Failure(code: .startFailed, message: "it broke")

  mutating func begin() -> [String] { text(machine.begin(at: now)) }
  mutating func started(_ name: String) -> [String] { text(machine.started(index(name), at: now)) }
  mutating func startFailed(_ name: String) -> [String] { text(machine.startFailed(index(name), broke, at: now)) }
  mutating func runEnded(_ name: String) -> [String] { text(machine.runEnded(index(name), nil, at: now)) }
  mutating func runFailed(_ name: String) -> [String] { text(machine.runEnded(index(name), broke, at: now)) }
  mutating func stopped(_ name: String) -> [String] { text(machine.stopped(index(name), at: now)) }
  mutating func stop() -> [String] { text(machine.stop(at: now)) }
  mutating func hold(_ names: Set<String>) -> [String] { text(machine.hold(takingDown: names, at: now)) }

  mutating func replace(_ requires: [String: [String]]) throws -> [String] {
    let graph = try Self.graph(requires)
    let actions = machine.replace(graph: graph, policies: graph.nodes.map { _ in policy }, at: now)
    return text(actions)
  }

  mutating func after(_ duration: Duration) -> [String] {
    now = now.advanced(by: duration)
    return text(machine.tick(at: now))
  }

  func failure(_ name: String) -> String? {
    let node = machine.nodes[index(name)]
    return (node.failure ?? node.overran)?.message
  }

  private func text(_ actions: [LifecycleMachine.Action]) -> [String] {
    func name(_ index: Int) -> String { machine.nodes[index].name }
    return actions.map { action in
      switch action {
      case .start(let index): "start \(name(index))"
      case .cancelStart(let index): "cancelStart \(name(index))"
      case .abandonStart(let index): "abandonStart \(name(index))"
      case .cancelRun(let index): "cancelRun \(name(index))"
      case .stop(let index): "stop \(name(index))"
      case .abandonStop(let index): "abandonStop \(name(index))"
      case .changed(let index, let from, let to, _): "\(name(index)) \(from.rawValue)→\(to.rawValue)"
      case .ready: "ready"
      case .failHost(let index): "failHost \(name(index))"
      case .finished: "finished"
      }
    }
  }
}
