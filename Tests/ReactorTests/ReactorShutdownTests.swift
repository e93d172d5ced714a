import Glibc
import Synchronization
import Testing

@testable import MainstayReactor

@Suite(.timeLimit(.minutes(1))) struct ReactorShutdownTests {
  @Test func runsWhatIsQueued() async throws {
    let reactor = try Reactor()
    let ran = Mutex(0)
    for _ in 0..<1000 { reactor.submit { ran.withLock { $0 += 1 } } }
    reactor.shutdown()
    #expect(ran.withLock { $0 } == 1000)
    reactor.shutdown()
  }

  @Test func tellsHandlersAndFiresTimers() async throws {
    let reactor = try Reactor()
    let pair = try SocketPair()
    let log = Mutex<[String]>([])
    let probe = Probe { _, events in log.withLock { $0.append(events == .stopped ? "stopped" : "ready") } }
    try await reactor.run {
      probe.start(reactor, pair.ends.0, .read)
      let timer = ReactorTimer { log.withLock { $0.append("timer") } }
      reactor.set(timer, for: reactor.now.advanced(by: .seconds(3600)))
    }
    reactor.shutdown()
    #expect(log.withLock { $0 } == ["stopped", "timer"])
  }

  @Test func firesTimersThatAreSetTooLate() async throws {
    let reactor = try Reactor()
    reactor.shutdown()
    await withUnsafeContinuation { continuation in
      reactor.submit { reactor.set(ReactorTimer { continuation.resume() }, for: .distantFuture) }
    }
    let probe = Probe { _, _ in }
    await #expect(throws: ReactorError.self) { try await reactor.run { _ = try reactor.watch(0, .read, probe) } }
  }

  @Test func tasksGoOnElsewhere() async throws {
    let reactor = try Reactor()
    let task = Task(executorPreference: reactor) {
      let before = reactor.isOnThread
      reactor.shutdown()
      for _ in 0..<200 { await Task.yield() }
      return before
    }
    #expect(await task.value)
    let late = await withTaskExecutorPreference(reactor) {
      await Task.yield()
      return reactor.isOnThread
    }
    #expect(!late)
  }

  @Test func actorsGoOnElsewhereAndStayAlone() async throws {
    let reactor = try Reactor()
    let ledger = Ledger(reactor)
    reactor.shutdown()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { for _ in 0..<500 { await ledger.add() } } }
    }
    #expect(await ledger.sum == 4000)
  }

  @Test func endsWhileOthersHandInWork() async throws {
    for _ in 0..<20 {
      let reactor = try Reactor()
      let ran = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<2 {
          group.addTask {
            var sum = 0
            for _ in 0..<200 {
              sum += await withUnsafeContinuation { continuation in
                reactor.submit { continuation.resume(returning: 1) }
              }
            }
            return sum
          }
        }
        group.addTask {
          reactor.shutdown()
          return 0
        }
        return await group.reduce(0, +)
      }
      #expect(ran == 400)
    }
  }

  @Test func leaksNothing() async throws {
    weak var weakReactor: Reactor?
    weak var weakLoop: ReactorLoop?
    weak var weakProbe: Probe?
    let pair = try SocketPair()
    do {
      let reactor = try Reactor()
      weakReactor = reactor
      weakLoop = reactor.loop
      let probe = Probe { _, _ in }
      weakProbe = probe
      try await reactor.run { probe.start(reactor, pair.ends.0, .read) }
      reactor.shutdown()
      probe.source.withLock { $0 = nil }
    }
    #expect(weakReactor == nil)
    #expect(weakLoop == nil)
    #expect(weakProbe == nil)
  }
}

private actor Ledger {
  let reactor: Reactor
  var sum = 0

  nonisolated var unownedExecutor: UnownedSerialExecutor { reactor.serialExecutor.asUnownedSerialExecutor() }

  init(_ reactor: Reactor) { self.reactor = reactor }

  func add() { sum += 1 }
}
