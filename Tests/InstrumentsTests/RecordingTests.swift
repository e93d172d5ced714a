import MainstayTesting
import Testing

@testable import MainstayInstruments

@Suite struct RecordingTests {
  let registry = MetricsRegistry(clock: ManualClock())

  @Test func countersAddUpWholeAndFractionalAmounts() throws {
    let counter = try registry.counter("revenue_total", help: "Money.")
    counter.increment()
    counter.increment(by: 41)
    counter.add(0.25)
    counter.add(2)
    #expect(counter.value == 44.25)
    counter.add(-1)
    counter.add(.nan)
    counter.add(.infinity)
    #expect(counter.value == 44.25)
    #expect(registry.diagnostics.rejectedObservations == 3)
  }

  @Test func upDownCountersAndGaugesGoBothWays() throws {
    let active = try registry.upDownCounter("active", help: "Active.")
    active.increment()
    active.add(4)
    active.decrement()
    active.add(-6)
    #expect(active.value == -2)
    let temperature = try registry.gauge("temperature_celsius", help: "Warmth.")
    temperature.set(20)
    temperature.add(-0.5)
    #expect(temperature.value == 19.5)
  }

  @Test func anObservationFallsIntoTheFirstBucketThatHoldsIt() throws {
    for count in [1, 2, 3, 4, 5, 11, 31, 32, 33, 64, 100, 200] {
      let bounds = (0..<count).map { Double($0) * 1.5 + 0.5 }
      let buckets = BucketBounds(Buckets(bounds))
      let probes = bounds + bounds.map { $0.nextUp } + bounds.map { $0.nextDown } + [-1, .infinity, -.infinity, 1e300]
      for value in probes {
        let expected = bounds.firstIndex { value <= $0 } ?? bounds.count
        #expect(buckets.bucket(of: value) == expected, "\(value) in \(count) bounds")
      }
    }
  }

  @Test func histogramsCountDurationsInSeconds() throws {
    let timer = try registry.timer("wait_seconds", help: "Waiting.", buckets: Buckets([0.1, 1]))
    timer.record(.milliseconds(50))
    timer.record(nanoseconds: 500_000_000)
    timer.record(.seconds(3_000_000_000))
    timer.observe(.nan)
    #expect(timer.count == 3)
    #expect(abs(timer.sum - 3_000_000_000.55) < 1e-5)
    #expect(registry.diagnostics.rejectedObservations == 1)
    #expect(Duration.seconds(-1.5).inSeconds == -1.5)
    #expect(Duration.zero.inSeconds == 0)
  }

  @Test func aTimedBodyIsCountedAlsoWhenItThrows() async throws {
    struct Broken: Error {}
    let clock = ManualClock()
    let timer = try registry.timer("work_seconds", help: "Work.")
    timer.time(clock) { clock.advance(by: .seconds(2)) }
    await #expect(throws: Broken.self) {
      try await timer.time(clock) {
        clock.advance(by: .seconds(1))
        await Task.yield()
        throw Broken()
      }
    }
    #expect(timer.count == 2)
    #expect(timer.sum == 3)
  }

  @Test func concurrentRecordingLosesNothing() async throws {
    let counter = try registry.counter("events_total", help: "Events.")
    let timer = try registry.histogram("sizes", help: "Sizes.", buckets: Buckets([1, 2, 3]))
    let active = try registry.upDownCounter("active", help: "Active.")
    let families = try registry.counter("by_total", help: "By.", labels: ["kind"])
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for index in 0..<20_000 {
            counter.increment()
            timer.observe(Double(index % 4))
            active.add(index % 2 == 0 ? 1 : -1)
            families.labels("k\(index % 10)").increment()
          }
        }
      }
    }
    #expect(counter.value == 80_000)
    #expect(timer.count == 80_000)
    #expect(timer.sum == 120_000)
    #expect(active.value == 0)
    #expect(families.series.map(\.value) == Array(repeating: 8_000, count: 10))
  }

  @Test func aHistogramIsNeverTorn() async throws {
    let histogram = try registry.histogram("sizes", help: "Sizes.", buckets: Buckets([1, 2, 3]))
    let scrape = MetricsScrape([("test", registry)])
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask { for index in 0..<30_000 { histogram.observe(Double(index % 5)) } }
      }
      group.addTask {
        var last: UInt64 = 0
        for _ in 0..<200 {
          let numbers = String(decoding: scrape.bytes(as: .prometheusText), as: UTF8.self)
            .split(separator: "\n").filter { $0.contains("_bucket") || $0.contains("_count") }
            .compactMap { UInt64($0.split(separator: " ")[1]) }
          #expect(numbers == numbers.sorted())
          #expect(numbers.count == 5 && numbers[3] == numbers[4])
          #expect(numbers[4] >= last)
          last = numbers[4]
        }
      }
    }
    #expect(histogram.count == 90_000)
  }
}
