import Synchronization
import Testing

@testable import MainstayPooling

/// The runner: real tasks, a clock that stands still, connections of no server.
@Suite(.timeLimit(.minutes(1))) struct ConnectionPoolTests {
  private let clock = ManualPoolClock()
  private let wires = Wires()
  private let events = PoolEvents()

  private func pool(_ change: (inout PoolSettings) -> Void = { _ in }) -> ConnectionPool<Wire> {
    var settings = PoolSettings()
    settings.min = 0
    settings.max = 2
    change(&settings)
    return ConnectionPool(
      name: "test", settings: settings, factory: wires, clock: clock, seed: 7, observer: events.observer)
  }

  @Test func lendsAndTakesBack() async throws {
    let pool = pool()
    let number = try await pool.withConnection { $0.number }
    #expect(number == 0)
    let again = try await pool.withConnection { $0.number }
    #expect(again == 0, "the same connection, as nobody else has it")
    #expect(pool.statistics.idle == 1 && pool.statistics.active == 0)
  }

  @Test func aBodyThatThrowsGivesBack() async throws {
    let pool = pool()
    await #expect(throws: WireError.self) { try await pool.withConnection { _ in throw WireError() } }
    #expect(pool.statistics.idle == 1)
  }

  @Test func aBrokenConnectionIsClosed() async throws {
    let pool = pool()
    await #expect(throws: WireError.self) {
      try await pool.withConnection { wire in
        wire.condition.withLock { $0 = .broken }
        throw WireError()
      }
    }
    await events.closed(.broken)
    #expect(try await pool.withConnection { $0.number } == 1)
  }

  @Test func anUntidyConnectionIsTidiedEvenIfItsUserWasCancelled() async throws {
    let pool = pool { $0.max = 1 }
    let task = Task {
      try await pool.withConnection { wire in
        wire.condition.withLock { $0 = .untidy }
        try await Task.sleep(for: .seconds(3_600))
      }
    }
    await eventually { pool.statistics.active == 1 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try await pool.withConnection { $0.number } == 0)
    #expect(wires.tidied == 1)
  }

  /// Whoever needs no connection any more leaves the line, without an error and without being counted.
  @Test func whoIsWithdrawnGetsNoneAndGoesOn() async throws {
    let pool = pool { $0.max = 1 }
    let (early, late) = (PoolWithdrawal(), PoolWithdrawal())
    early.withdraw()
    try await pool.withConnection { _ in
      let waits = [early, late].map { withdrawal in Task.detached { try await pool.isLent(unless: withdrawal) } }
      let isLentEarly = try await waits[0].value
      #expect(!isLentEarly, "withdrawn before it stood in the line")
      await eventually { pool.statistics.waiting == 1 }
      late.withdraw()
      late.withdraw()
      let isLentLate = try await waits[1].value
      #expect(!isLentLate && pool.statistics.waiting == 0)
    }
    #expect(pool.statistics.cancelled == 0 && pool.statistics.refused == 0 && pool.statistics.timedOut == 0)
    #expect(try await pool.isLent(unless: late), "what is idle is lent all the same")
    #expect(pool.statistics.idle == 1)
  }

  @Test func cancellationEndsAWaitAndNothingElse() async throws {
    let pool = pool { $0.max = 1 }
    try await pool.withConnection { _ in
      let waiting = Task.detached { try await pool.withConnection { $0.number } }
      let patient = Task.detached { try await pool.withConnection { $0.number } }
      await eventually { pool.statistics.waiting == 2 }
      waiting.cancel()
      let error = await #expect(throws: PoolError.self) { try await waiting.value }
      #expect(error?.code == .cancelled)
      #expect(pool.statistics.waiting == 1)
      Task.detached { _ = try await patient.value }
    }
    await eventually { pool.statistics.active == 0 && pool.statistics.waiting == 0 }
    #expect(pool.statistics.idle == 1)
  }

  @Test func aTaskCancelledBeforeItAsksDoesNotWait() async throws {
    let pool = pool { $0.max = 1 }
    try await pool.withConnection { _ in
      let gate = PoolEvents()
      let task = Task.detached {
        _ = await gate.first { _ in true }
        return try await pool.withConnection { $0.number }
      }
      task.cancel()
      gate.observer(.down)
      let error = await #expect(throws: PoolError.self) { try await task.value }
      #expect(error?.code == .cancelled)
    }
  }

  @Test func waitsEndAtTheirDeadline() async throws {
    let pool = pool { $0.max = 1 }
    let deadline = clock.continuousNow.advanced(by: .seconds(3))
    try await pool.withConnection { _ in
      let waiting = Task.detached { try await pool.withConnection(deadline: deadline) { $0.number } }
      await eventually { pool.statistics.waiting == 1 }
      clock.advance(by: .seconds(4))
      let error = await #expect(throws: PoolError.self) { try await waiting.value }
      #expect(error?.code == .timedOut)
      #expect(error?.waited == .seconds(3))
      #expect(error?.holders.first?.site.description.contains("ConnectionPoolTests.swift") == true)
      #expect(error?.message.contains("1 of 1 connections in use") == true)
    }
  }

  @Test func nestedAcquiresAreRefusedAndBothSitesNamed() async throws {
    let pool = pool { $0.max = 4 }
    let refused = Refusals()
    let inside = Tally()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          try? await pool.withConnection { _ in
            inside.add()
            await eventually { inside.count == 4 }
            do {
              try await pool.withConnection { _ in }
            } catch let error as PoolError {
              refused.errors.withLock { $0.append(error) }
              throw error
            }
          }
        }
      }
    }
    let errors = refused.errors.withLock { $0 }
    #expect(!errors.isEmpty, "somebody must be refused, or all four would wait for each other")
    for error in errors {
      #expect(error.code == .nestedAcquire)
      #expect(error.message.components(of: "ConnectionPoolTests.swift:") == 2, "both sites: \(error.message)")
    }
    #expect(pool.statistics.active == 0 && pool.statistics.waiting == 0)
    #expect(try await pool.withConnection { _ in true })
  }

  @Test func aChildTaskOfAUserCountsAsNested() async throws {
    let pool = pool { $0.max = 1 }
    let error = await #expect(throws: PoolError.self) {
      try await pool.withConnection { _ in
        async let inner = pool.withConnection { $0.number }
        _ = try await inner
      }
    }
    #expect(error?.code == .nestedAcquire)
  }

  /// Such as a timer that sets itself again while it uses a connection: what it once held is not kept for ever.
  @Test func tasksThatStartTheirSuccessorsAreNotKept() async throws {
    let pool = pool { $0.max = 1 }
    let outermost = Tally()
    func run(_ left: Int) async throws {
      let next: Task<Void, any Error>? = try await pool.withConnection { _ in
        if let held = PoolHeld.current.get() { outermost.rise(to: held.count) }
        // Waits until this use has ended, as a timer's next round would.
        return left == 0
          ? nil
          : Task {
            await eventually { pool.statistics.active == 0 }
            try await run(left - 1)
          }
      }
      try await next?.value
    }
    try await run(100)
    #expect(outermost.count <= PoolHeld.deepest + 1, "\(outermost.count)")
    #expect(outermost.count > 2)
  }

  @Test func otherPoolsMayBeUsedInside() async throws {
    let outer = pool { $0.max = 1 }
    let inner = pool { $0.max = 1 }
    let error = await #expect(throws: PoolError.self) {
      try await outer.withConnection { _ in
        try await inner.withConnection { _ in try await outer.withConnection { _ in } }
      }
    }
    #expect(error?.code == .nestedAcquire, "though another pool's use lies between")
    #expect(inner.statistics.active == 0 && outer.statistics.active == 0)
  }

  @Test func aDeadIdleConnectionIsReplacedBeforeAnybodyGetsIt() async throws {
    let pool = pool { $0.min = 1 }
    try await pool.warmUp(by: clock.continuousNow.advanced(by: .seconds(1)))
    wires.made[0].onDeath()
    await eventually { pool.statistics.idle == 1 && pool.statistics.closed[.died] == 1 }
    #expect(try await pool.withConnection { $0.number } == 1)
    wires.made[0].onDeath()
    #expect(pool.statistics.total == 1, "a second report of the same death does nothing")
  }

  @Test func aConnectionThatDiesInUseIsNotGivenOutAgain() async throws {
    let pool = pool()
    try await pool.withConnection { $0.onDeath() }
    await events.closed(.died)
    #expect(try await pool.withConnection { $0.number } == 1)
  }

  @Test func aConnectThatEndsTooLateIsClosed() async throws {
    let pool = pool {
      $0.max = 1
      $0.connectTimeout = .seconds(5)
      $0.acquireTimeout = .seconds(30)
    }
    wires.hold()
    let waiting = Task.detached { try await pool.withConnection { $0.number } }
    await wires.waitForHeld(1)
    clock.advance(by: .seconds(7))
    await wires.waitForHeld(2)
    wires.letGo()
    let number = try await waiting.value
    await eventually { !wires.closed.isEmpty }
    #expect(wires.closed.count == 1 && wires.closed != [number])
    #expect(pool.statistics.total == 1)
    #expect(pool.statistics.closed[.late] == 1)
  }

  @Test func warmUpOpensTheMinimum() async throws {
    let pool = pool {
      $0.min = 5
      $0.max = 8
    }
    #expect(wires.made.isEmpty)
    try await pool.warmUp(by: clock.continuousNow.advanced(by: .seconds(1)))
    #expect(pool.statistics.total == 5)
  }

  @Test func warmUpEndsAtOnceIfTryingAgainCannotHelp() async throws {
    let pool = pool { $0.min = 1 }
    wires.fail(WireError(isHopeless: true))
    let error = await #expect(throws: PoolError.self) {
      try await pool.warmUp(by: clock.continuousNow.advanced(by: .seconds(1)))
    }
    #expect(error?.code == .unavailable)
    #expect(error?.cause as? WireError == WireError(isHopeless: true))
  }

  @Test func warmUpTriesAgainUntilItsDeadline() async throws {
    let pool = pool { $0.min = 1 }
    wires.fail(WireError())
    let deadline = clock.continuousNow.advanced(by: .seconds(5))
    let warming = Task.detached { try await pool.warmUp(by: deadline) }
    await eventually { pool.statistics.connectFailures == 1 }
    clock.advance(by: .seconds(2))
    await eventually { pool.statistics.connectFailures > 1 }
    clock.advance(by: .seconds(4))
    let error = await #expect(throws: PoolError.self) { try await warming.value }
    #expect(error?.cause is WireError)
    wires.fail(nil)
    clock.advance(by: .seconds(30))
    _ = await events.first { if case .recovered = $0 { true } else { false } }
    #expect(pool.statistics.isAvailable && pool.lastConnectError == nil)
  }

  @Test func aLeakIsToldWithItsSite() async throws {
    let pool = pool { $0.leakWarnAfter = .seconds(10) }
    try await pool.withConnection { _ in clock.advance(by: .seconds(11)) }
    let leak = await events.first { if case .leak = $0 { true } else { false } }
    guard case .leak(let holder, reclaimed: false) = leak else { return }
    #expect(holder.site.description.contains("ConnectionPoolTests.swift"))
    #expect(holder.held >= .seconds(10))
    #expect(pool.statistics.idle == 1, "it came back in the end")
  }

  @Test func aReclaimedConnectionIsClosedUnderItsUser() async throws {
    let pool = pool {
      $0.max = 1
      $0.leakReclaimAfter = .seconds(60)
    }
    try await pool.withConnection { wire in
      clock.advance(by: .seconds(61))
      await events.closed(.reclaimed)
      let next = try await Task.detached { try await pool.withConnection { $0.number } }.value
      #expect(next == wire.number + 1)
    }
    #expect(pool.statistics.total == 1 && pool.statistics.active == 0)
  }

  @Test func longIdleConnectionsAreTried() async throws {
    let pool = pool { $0.validateAfter = .seconds(30) }
    _ = try await pool.withConnection { $0.number }
    clock.advance(by: .seconds(40))
    #expect(try await pool.withConnection { $0.number } == 0)
    clock.advance(by: .seconds(40))
    wires.works(false)
    #expect(try await pool.withConnection { $0.number } == 1)
  }

  @Test func aDrainEndsThoughAConnectionIsNeverGivenBack() async throws {
    let pool = pool()
    let stuck = Task.detached {
      try await pool.withConnection { _ in try await Task.sleep(for: .seconds(3_600)) }
    }
    await eventually { pool.statistics.active == 1 }
    let deadline = clock.continuousNow.advanced(by: .seconds(5))
    let drained = Task.detached { await pool.drain(by: deadline) }
    await eventually {
      clock.advance(by: .seconds(1))
      return pool.statistics.active == 0
    }
    await drained.value
    #expect(wires.closed == [0])
    let error = await #expect(throws: PoolError.self) { try await pool.withConnection { _ in } }
    #expect(error?.code == .shutDown)
    await pool.drain(by: deadline)  // It is closed already.
    stuck.cancel()
    _ = await stuck.result
  }

  @Test func aDrainWaitsForWhoIsServed() async throws {
    let pool = pool { $0.max = 1 }
    let served = Tally()
    try await pool.withConnection { _ in
      let tasks = (0..<3).map { _ in
        Task.detached { try await pool.withConnection { _ in served.add() } }
      }
      await eventually { pool.statistics.waiting == 3 }
      let deadline = clock.continuousNow.advanced(by: .seconds(60))
      Task.detached {
        await pool.drain(by: deadline)
        for task in tasks { try await task.value }
      }
      await eventually { pool.statistics.isDraining }
    }
    await eventually { pool.statistics.total == 0 && served.count == 3 }
    // What is being closed does not count any more, and closing takes its time.
    await eventually { wires.closed == [0] }
  }

  @Test func nobodyEverSharesAConnection() async throws {
    let pool = pool { $0.max = 8 }
    let shared = Tally()
    let done = Tally()
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<64 {
        group.addTask {
          for round in 0..<200 {
            let cancelled = (task &* 31 &+ round) % 17 == 0
            let work = Task.detached {
              try await pool.withConnection(priority: PoolPriority(rawValue: task % 4) ?? .normal) { wire in
                if wire.users.add(1, ordering: .acquiringAndReleasing).newValue != 1 {
                  shared.add()
                }
                await Task.yield()
                wire.users.subtract(1, ordering: .acquiringAndReleasing)
                done.add()
              }
            }
            if cancelled { work.cancel() }
            _ = await work.result
          }
        }
      }
    }
    #expect(shared.count == 0)
    #expect(done.count >= 64 * 200 * 15 / 17)
    #expect(pool.statistics.active == 0 && pool.statistics.waiting == 0)
    #expect(wires.made.count <= 8)
  }
}

private final class Refusals: Sendable {
  let errors = Mutex<[PoolError]>([])
}

private final class Tally: Sendable {
  private let total = Atomic<Int>(0)

  var count: Int { total.load(ordering: .acquiring) }
  func add() { total.add(1, ordering: .acquiringAndReleasing) }
  func rise(to value: Int) { total.max(value, ordering: .acquiringAndReleasing) }
}

extension String {
  fileprivate func components(of part: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.firstRange(of: part) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}

extension ConnectionPool {
  /// Whether a connection was lent; it goes back at once.
  fileprivate func isLent(unless withdrawal: PoolWithdrawal) async throws -> Bool {
    let lease = try await lease(
      priority: .normal, tenant: nil, deadline: nil, file: #fileID, line: #line, unless: withdrawal)
    return lease != nil
  }
}
