import MainstayCapabilities
import MainstayKernel
import MainstayReactor

/// All targets together.
struct PoolTargets: ConnectionPools {
  let targets: [any PoolTarget]
  private let healthTimeout: Duration
  private let flight = CheckFlight()

  init(_ targets: [any PoolTarget], healthTimeout: Duration) {
    self.targets = targets
    self.healthTimeout = healthTimeout
  }

  var names: [String] { targets.map(\.name) }

  func target(_ name: String) -> (any PoolTarget)? { targets.first { $0.name == name } }

  func stats() -> [ConnectionPoolStatus] { targets.map(\.status) }

  func performHealthCheck() async -> [ConnectionPoolHealth] { await flight.run { await self.checkAll() } }

  private func checkAll() async -> [ConnectionPoolHealth] {
    await withTaskGroup(of: (Int, ConnectionPoolHealth).self) { group in
      for (index, target) in targets.enumerated() {
        group.addTask { (index, await target.check(healthTimeout) { flight.isClosing }) }
      }
      var all: [(Int, ConnectionPoolHealth)] = []
      for await one in group { all.append(one) }
      return all.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  func optimizeConnections(_ name: String?) -> [ConnectionPoolOptimization] {
    targets.filter { name == nil || $0.name == name }.map { $0.optimize() }
  }

  func scale(processor: Double?) {
    for target in targets { target.scale(processor: processor) }
  }

  /// Closes all of them at the same time.
  func close(by deadline: ContinuousClock.Instant) async {
    flight.close()
    await withTaskGroup(of: Void.self) { group in
      for target in targets { group.addTask { await target.close(by: deadline) } }
    }
  }
}
