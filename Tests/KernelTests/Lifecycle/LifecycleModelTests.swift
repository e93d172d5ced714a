import MainstayTesting
import Testing

@testable import MainstayKernel

/// Random graphs, with random failures, hangs, cancellations and stops at random moments. A model of the plugins
/// carries out what the machine asks for and refuses whatever a kernel must never do.
@Suite struct LifecycleModelTests {
  @Test(arguments: 0..<8)
  func invariantsHold(seed: UInt64) throws {
    for round in 0..<250 {
      var model = try LifecycleModel(seed: seed &* 1_000_003 &+ UInt64(round))
      try model.play()
      #expect(model.violations.isEmpty, "seed \(seed), round \(round): \(model.violations)")
    }
  }
}

private struct LifecycleModel {
  /// What the model knows of the life of one plugin.
  private struct Life {
    var isStarting = false
    var isUp = false
    var runIsCancelled = false
    var isStopping = false
    var starts = 0
    var ends = 0
    var phaseBegan: ContinuousClock.Instant
  }

  private(set) var violations: [String] = []

  private var random: SeededGenerator
  private var machine: LifecycleMachine
  private let graph: DependencyGraph
  private var now = ContinuousClock.now
  private var lives: [Life]
  private var hasStopped = false
  private var isFinished = false
  private let policies: [LifecyclePolicy]

  init(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...12, using: &random)
    var requires: [String: [String]] = [:]
    var uses: [String: [String]] = [:]
    var collects: [String: [String]] = [:]
    for index in 0..<count {
      let earlier = (0..<index).map { "p\($0)" }
      requires["p\(index)"] = earlier.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
      uses["p\(index)"] = earlier.filter { _ in Int.random(in: 0..<6, using: &random) == 0 }
      if Int.random(in: 0..<5, using: &random) == 0 {
        collects["p\(index)"] = (0..<count).filter { $0 != index }.map { "p\($0)" }
          .filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
      }
    }
    graph = try Transcript.graph(requires, uses, collects)
    policies = graph.nodes.map { _ in
      let failure = LifecyclePolicy.OnFailure.allCases.randomElement(using: &random) ?? .stopHost
      return LifecyclePolicy(
        startTimeout: .seconds(Int.random(in: 1...9, using: &random)),
        stopTimeout: .seconds(Int.random(in: 1...9, using: &random)), onFailure: failure,
        restart: .init(attempts: 2, degradesWhenExhausted: Bool.random(using: &random)))
    }
    machine = LifecycleMachine(graph: graph, policies: policies, at: now)
    lives = graph.nodes.map { [now] _ in Life(phaseBegan: now) }
    self.random = random
  }

  /// Plays until the machine has nothing more to do. At the latest the host is asked to stop after 200 steps.
  mutating func play() throws {
    perform(machine.begin(at: now))
    for step in 0..<5_000 where !isFinished {
      if !hasStopped, step == 200 || Int.random(in: 0..<60, using: &random) == 0 {
        hasStopped = true
        perform(machine.stop(at: now))
      } else {
        advance()
      }
      checkBudgets()
    }
    if !isFinished { violations.append("the host never finished") }
    for (index, life) in lives.enumerated() where life.starts != life.ends {
      violations.append("\(name(index)) started \(life.starts) times and ended \(life.ends) times")
    }
  }

  /// Lets one plugin do something, or time pass.
  private mutating func advance() {
    let index = Int.random(in: lives.indices, using: &random)
    let dice = Int.random(in: 0..<10, using: &random)
    let broke = LifecycleMachine.Failure(code: .runFailed, message: "it broke")
    switch lives[index] {
    case let life where life.isStarting && dice < 5:
      lives[index].isStarting = false
      lives[index].isUp = true
      perform(machine.started(index, at: now))
    case let life where life.isStarting && dice < 7:
      lives[index].isStarting = false
      lives[index].ends += 1
      perform(machine.startFailed(index, broke, at: now))
    case let life where life.isStopping && dice < 7:
      lives[index].isStopping = false
      lives[index].isUp = false
      lives[index].ends += 1
      perform(machine.stopped(index, at: now))
    case let life where life.isUp && life.runIsCancelled && !life.isStopping && dice < 7:
      perform(machine.runEnded(index, nil, at: now))
    case let life where life.isUp && !life.runIsCancelled && dice == 0:
      perform(machine.runEnded(index, broke, at: now))
    default:
      now = now.advanced(by: .milliseconds(Int.random(in: 1...1_500, using: &random)))
      perform(machine.tick(at: now))
    }
  }

  private mutating func perform(_ actions: [LifecycleMachine.Action]) {
    for action in actions {
      switch action {
      case .start(let index): start(index)
      case .cancelStart(let index): expect(lives[index].isStarting, "cancelled a start of \(name(index)) that is not")
      case .abandonStart(let index):
        expect(lives[index].isStarting, "abandoned a start of \(name(index)) that is not")
        lives[index].isStarting = false
        lives[index].ends += 1
      case .cancelRun(let index): cancelRun(index)
      case .stop(let index): stop(index)
      case .abandonStop(let index):
        expect(lives[index].isStopping, "abandoned a stop of \(name(index)) that is not")
        lives[index].isStopping = false
        lives[index].isUp = false
        lives[index].ends += 1
      case .finished:
        expect(!isFinished, "finished twice")
        expect(!lives.contains { $0.isUp || $0.isStarting }, "finished while something is alive")
        isFinished = true
      case .ready:
        expect(!lives.contains { $0.isStarting }, "ready while something starts")
      case .failHost:
        hasStopped = true
      case .changed:
        break
      }
    }
  }

  private mutating func start(_ index: Int) {
    let node = graph.nodes[index]
    expect(!lives[index].isUp && !lives[index].isStarting, "\(name(index)) was started while alive")
    expect(!hasStopped, "\(name(index)) was started after the stop")
    for provider in node.requires {
      expect(
        lives[provider].isUp && !lives[provider].runIsCancelled,
        "\(name(index)) was started before \(name(provider)), which it requires")
    }
    for provider in node.uses {
      expect(!lives[provider].isStarting, "\(name(index)) was started while \(name(provider)) starts")
    }
    lives[index] = Life(
      isStarting: true, starts: lives[index].starts + 1, ends: lives[index].ends, phaseBegan: now)
  }

  private mutating func cancelRun(_ index: Int) {
    expect(lives[index].isUp, "\(name(index)) was asked to finish while it is not up")
    expect(!lives[index].runIsCancelled, "\(name(index)) was asked to finish twice")
    expectNoHolders(of: index)
    expectNoCollectors(of: index)
    lives[index].runIsCancelled = true
    lives[index].phaseBegan = now
  }

  private mutating func stop(_ index: Int) {
    expect(lives[index].isUp, "\(name(index)) was stopped while it is not up")
    expect(!lives[index].isStopping, "\(name(index)) was stopped twice")
    expectNoHolders(of: index)
    lives[index].isStopping = true
    lives[index].phaseBegan = now
  }

  private mutating func expectNoHolders(of index: Int) {
    for holder in graph.nodes[index].dependents {
      expect(
        !lives[holder].isUp && !lives[holder].isStarting,
        "\(name(index)) was stopped before \(name(holder)), which holds it")
    }
  }

  private mutating func expectNoCollectors(of index: Int) {
    for collector in graph.nodes[index].collectors where machine.isStopping {
      expect(!lives[collector].isUp, "\(name(index)) was stopped before its collector \(name(collector))")
    }
  }

  /// No hang outlives its budget by more than the step of the clock.
  private mutating func checkBudgets() {
    for (index, life) in lives.enumerated() {
      let budget =
        life.isStarting ? policies[index].startTimeout : life.runIsCancelled ? policies[index].stopTimeout : nil
      guard let budget, life.isStarting || life.isUp else { continue }
      expect(
        now - life.phaseBegan <= budget + .milliseconds(1_500), "\(name(index)) has outlived its budget of \(budget)")
    }
  }

  private mutating func expect(_ condition: Bool, _ violation: String) {
    if !condition { violations.append(violation) }
  }

  private func name(_ index: Int) -> String { graph.nodes[index].name }
}
