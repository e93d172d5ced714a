import Glibc
import Synchronization
import Testing

@testable import MainstayReactor

@Suite(.timeLimit(.minutes(1))) struct ReactorExecutorTests {
  @Test func runsTasksThatPreferIt() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    #expect(!reactor.isOnThread)
    let seen = await withTaskExecutorPreference(reactor) {
      let before = reactor.isOnThread
      await Task.yield()
      return (before, reactor.isOnThread)
    }
    #expect(seen.0 && seen.1)
    #expect(try await reactor.run { reactor.isOnThread })
  }

  @Test func pinsActorsToItsThread() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let counter = PinnedCounter(reactor)
    #expect(await counter.addOne() == 1)
    let fromReactor = await withTaskExecutorPreference(reactor) { await counter.addOne() }
    #expect(fromReactor == 2)
    #expect(await counter.threads == [true, true])
  }

  /// A handler of events runs outside any task, where the runtime cannot know the executor by itself.
  @Test func assumesIsolationOutsideAJob() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let counter = PinnedCounter(reactor)
    let count = try await reactor.run {
      counter.assumeIsolated {
        $0.count += 10; return $0.count
      }
    }
    #expect(count == 10)
    #expect(reactor.serialExecutor.isIsolatingCurrentContext() == false)
  }

  /// Were a step of a task taken for a step of an actor, each continuation would go through the queue once more. The
  /// count of rounds shows it, where a clock would only hint at it.
  @Test func resumesATaskInOneRound() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let log = Mutex<[String]>([])
    await withTaskExecutorPreference(reactor) {
      await withUnsafeContinuation { continuation in
        reactor.submit { continuation.resume() }
        reactor.submit {
          log.withLock { $0.append("round of the resumption") }
          reactor.submit { log.withLock { $0.append("round after") } }
        }
      }
      log.withLock { $0.append("resumed") }
      await Task.yield()
    }
    _ = try await reactor.run { 0 }
    // The task's step was queued by the first closure, so before the closure that the second one submits.
    #expect(log.withLock { $0 } == ["round of the resumption", "resumed", "round after"])
  }

  @Test func keepsTheOrderOfSubmittedClosures() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let seen = Mutex<[Int]>([])
    for number in 0..<1000 { reactor.submit { seen.withLock { $0.append(number) } } }
    _ = try await reactor.run { 0 }
    #expect(seen.withLock { $0 } == Array(0..<1000))
  }

  /// Two threads hand in work whenever the reactor may just be falling asleep. A lost wake-up hangs this test.
  @Test func neverLosesAWakeUp() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let rounds = 20_000
    let total = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<2 {
        group.addTask {
          var sum = 0
          for _ in 0..<rounds {
            sum += await withUnsafeContinuation { continuation in reactor.submit { continuation.resume(returning: 1) } }
          }
          return sum
        }
      }
      return await group.reduce(0, +)
    }
    #expect(total == 2 * rounds)
  }

  @Test func callsHooksOnceAfterEverythingThatIsReady() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let log = Mutex<[String]>([])
    let hook = Hook { log.withLock { $0.append("hook") } }
    try await reactor.run {
      reactor.callAtEndOfTick(hook)
      reactor.submit {
        log.withLock { $0.append("first") }
        reactor.submit { log.withLock { $0.append("second") } }
      }
    }
    // A closure handed in by another thread comes with the next tick at the earliest.
    _ = try await reactor.run { 0 }
    #expect(log.withLock { $0 } == ["first", "second", "hook"])
  }

  @Test func blocksSignalsOnItsThread() async throws {
    let reactor = try Reactor()
    defer { reactor.shutdown() }
    let blocked = try await reactor.run {
      var set = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &set)
      return sigismember(&set, SIGTERM) == 1
    }
    #expect(blocked)
  }
}

private actor PinnedCounter {
  let reactor: Reactor
  var count = 0
  var threads: [Bool] = []

  nonisolated var unownedExecutor: UnownedSerialExecutor { reactor.serialExecutor.asUnownedSerialExecutor() }

  init(_ reactor: Reactor) { self.reactor = reactor }

  func addOne() -> Int {
    count += 1
    threads.append(reactor.isOnThread)
    return count
  }
}

final class Hook: ReactorTickHook {
  private let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  func tickEnded() { body() }
}
