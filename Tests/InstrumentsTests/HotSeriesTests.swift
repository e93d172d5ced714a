import Dispatch
import MainstayTesting
import Synchronization
import Testing

@testable import MainstayInstruments
@testable import MainstayReactor

/// Hot series: what is recorded by threads with cells of their own, without, and by threads that end.
@Suite(.serialized) struct HotSeriesTests {
  let registry = MetricsRegistry(clock: ManualClock())
  private let patience = Int(ThreadCells.patience)

  @Test func aSeriesIsHotOnceItWasRecordedOften() throws {
    let counter = try registry.counter("events_total", help: "Events.")
    counter.increment(by: 1_000_000)
    for _ in 2..<patience { counter.increment() }
    #expect(!counter.isHot)
    counter.increment()
    #expect(counter.isHot)
    for _ in 0..<100 { counter.increment(by: 2) }
    #expect(counter.value == Double(1_000_000 + patience - 1 + 200))
  }

  @Test func everyKindKeepsWhatItCountedBeforeItWasHot() throws {
    let active = try registry.upDownCounter("active", help: "Active.")
    let sizes = try registry.histogram("sizes", help: "Sizes.", buckets: Buckets([1, 2]))
    let waits = try registry.summary("waits", help: "Waits.")
    let count = patience + 1_000
    for index in 0..<count {
      active.add(index % 2 == 0 ? -3 : 1)
      sizes.observe(Double(index % 3) + 0.5)
      waits.observe(2)
    }
    #expect(active.isHot && sizes.isHot)
    #expect(active.value == -count)
    var reading = SeriesReading()
    sizes.read(into: &reading)
    #expect(reading.buckets == (0..<3).map { bucket in UInt64((0..<count).count { $0 % 3 == bucket }) })
    #expect(sizes.sum == (0..<count).reduce(0) { $0 + Double($1 % 3) + 0.5 })
    waits.read(into: &reading)
    #expect(reading.sum == Double(2 * count))
    #expect(reading.count == UInt64(count))
  }

  @Test func threadsThatHeatASeriesTogetherLoseNothing() throws {
    let counters = try (0..<200).map { try registry.counter("c\($0)_total", help: "C.") }
    let rounds = patience
    try onThreads(4) { _ in
      for counter in counters { for _ in 0..<rounds { counter.increment() } }
    }
    #expect(counters.allSatisfy { $0.value == Double(4 * rounds) })
    // Numbers overwritten by each other hold back some: how many, the processors decide.
    #expect(counters.contains { $0.isHot })
  }

  @Test func whatEndedThreadsCountedStays() throws {
    let counter = try registry.counter("events_total", help: "Events.")
    let active = try registry.upDownCounter("active", help: "Active.")
    let sizes = try registry.histogram("sizes", help: "Sizes.", buckets: Buckets([1]))
    for round in 1...20 {
      try onThreads(6) { _ in
        for _ in 0..<1_000 {
          counter.increment()
          active.decrement()
          sizes.observe(0.5)
        }
      }
      #expect(counter.value == Double(round * 6_000))
      #expect(active.value == -round * 6_000)
      #expect(sizes.count == UInt64(round * 6_000))
      #expect(sizes.sum == Double(round * 3_000))
    }
  }

  @Test func aThreadThatEndsGivesBackItsSlab() throws {
    let counter = try hotCounter()
    for _ in 0..<2 * ThreadSlabs.limit { try onThreads(1) { _ in counter.increment() } }
    let hadSlab = Atomic(false)
    try onThreads(1) { _ in hadSlab.store(ThreadSlabs.claim() != nil, ordering: .relaxed) }
    let found = hadSlab.load(ordering: .relaxed)
    #expect(found)
    #expect(counter.value == Double(patience + 2 * ThreadSlabs.limit))
  }

  @Test func threadsBeyondTheSlabsUseTheSharedCell() throws {
    let counter = try hotCounter()
    let sizes = try registry.histogram("sizes", help: "Sizes.", buckets: Buckets([1]))
    for _ in 0..<patience { sizes.observe(2) }
    let threads = ThreadSlabs.limit + 8
    let without = Atomic(0)
    let all = Barrier(threads)
    try onThreads(threads) { _ in
      if ThreadSlabs.claim() == nil { without.add(1, ordering: .relaxed) }
      all.wait()
      for _ in 0..<1_000 {
        counter.increment()
        sizes.observe(2)
      }
    }
    let left = without.load(ordering: .relaxed)
    #expect(left >= 8)
    #expect(counter.value == Double(patience + threads * 1_000))
    #expect(sizes.sum == Double(2 * (patience + threads * 1_000)))
  }

  @Test func aReaderNeverSeesLessThanBefore() throws {
    let counter = try registry.counter("events_total", help: "Events.")
    let running = Atomic(3)
    let steps = Atomic(0)
    try onThreads(4) { index in
      if index > 0 {
        for _ in 0..<50_000 { counter.increment() }
        running.subtract(1, ordering: .releasing)
        return
      }
      var last = 0.0
      while running.load(ordering: .acquiring) > 0 {
        let value = counter.value
        if value < last { steps.add(1, ordering: .relaxed) }
        last = value
      }
    }
    let stepsBack = steps.load(ordering: .relaxed)
    #expect(stepsBack == 0)
    #expect(counter.value == 150_000)
  }

  /// Fails if an address of a thread's variable is kept beyond an await.
  @Test func tasksThatChangeThreadsLoseNothing() async throws {
    let counter = try hotCounter()
    let active = try registry.upDownCounter("active", help: "Active.")
    let sizes = try registry.histogram("sizes", help: "Sizes.", buckets: Buckets([1]))
    let clock = ContinuousClock()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<3_000 {
            counter.increment()
            active.increment()
            await Task.yield()
            counter.increment()
            active.increment()
            await sizes.time(clock) { await Task.yield() }
          }
        }
      }
    }
    #expect(counter.value == Double(patience + 48_000))
    #expect(active.value == 48_000)
    #expect(sizes.count == 24_000)
  }

  @Test func seriesStayColdWhenTheBudgetIsSpent() throws {
    var limits = MetricsLimits()
    limits.stripeBytes = ThreadCells.bytes(1)
    let registry = MetricsRegistry(limits: limits)
    let family = try registry.counter("hot_total", help: "Hot.", labels: ["kind"])
    // By itself, so that nothing holds the first series afterwards.
    func heatFirst() -> Bool {
      let first = family.labels("first")
      for _ in 0..<patience { first.increment() }
      return first.isHot
    }
    #expect(heatFirst())
    let second = family.labels("second")
    for _ in 0..<patience { second.increment() }
    #expect(!second.isHot)
    family.remove("first")
    for _ in 0..<patience { second.increment() }
    #expect(second.isHot)
    second.increment()
    #expect(second.value == Double(2 * patience + 1))
  }

  @Test func cellsThatWereGivenBackBeginAtZero() throws {
    // A number of cells that nothing else reserves.
    let place = try #require(ThreadSlabs.reserve(777))
    try onThreads(3) { _ in
      guard let slab = ThreadSlabs.claim() else { return }
      for cell in 0..<777 { slab[place][cell].addAlone(1 as UInt64) }
    }
    ThreadSlabs.free(place, 777)
    #expect(ThreadSlabs.reserve(777) == place)
    var total: UInt64 = 0
    ThreadSlabs.forEach { slab in for cell in 0..<777 { total += slab[place][cell].load(ordering: .relaxed) } }
    #expect(total == 0)
    ThreadSlabs.free(place, 777)
    #expect(ThreadSlabs.reserve(ThreadSlabs.cells) == nil)
  }

  @Test func seriesThatComeAndGoKeepTheirOwnCounts() throws {
    for round in 0..<50 {
      let counter = try MetricsRegistry().counter("events_total", help: "Events.")
      try onThreads(2) { _ in for _ in 0..<patience { counter.increment() } }
      #expect(counter.value == Double(2 * patience), "round \(round)")
    }
  }

  private func hotCounter() throws -> Counter {
    let counter = try registry.counter("hot_total", help: "Hot.")
    for _ in 0..<patience { counter.increment() }
    try #require(counter.isHot)
    return counter
  }
}

/// Runs a body on so many new threads, and returns when all have ended.
private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
  let threads = try (0..<count).map { index in try SystemThread.start(name: "recorder") { body(index) } }
  for thread in threads { thread.join() }
}

/// Holds threads until all of them have come.
private final class Barrier: Sendable {
  private let missing = DispatchGroup()

  init(_ count: Int) { for _ in 0..<count { missing.enter() } }

  func wait() {
    missing.leave()
    missing.wait()
  }
}
