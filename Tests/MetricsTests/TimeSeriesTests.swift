import MainstayInstruments
import MainstayTesting
import Testing

@testable import MainstayMetrics

@Suite struct TimeSeriesTests {
  private let clock = ManualClock(timeSinceEpoch: .seconds(1_000_000))
  private let registry: MetricsRegistry
  private var store = TimeSeriesStore(
    tiers: [RetentionTier(step: 10, points: 90), RetentionTier(step: 60, points: 60)], budget: 4 << 20)

  init() { registry = MetricsRegistry(clock: clock) }

  private var now: Double { clock.timeSinceEpoch / .seconds(1) }

  private mutating func tick(_ count: Int = 1) {
    for _ in 0..<count {
      clock.advance(by: .seconds(10))
      store.record(MetricsScrape([("test", registry)]).snapshots { _ in true }, at: now)
    }
  }

  private func value(
    _ metric: String, _ aggregation: String, window: Double = 60, _ labels: [String: String] = [:], by: [String] = []
  ) throws -> [[String]: Double] {
    let selector = MetricSelector(
      metric: metric, labels: labels.mapValues { LabelPattern($0) },
      aggregation: try #require(Aggregation(aggregation)), window: window, groupBy: by)
    return try store.evaluate(selector, at: now)
  }

  /// The ring against a dictionary of what was recorded, forgotten when it is too old.
  @Test func aRingTellsWhatADictionaryTells() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<500 {
      var ring = SeriesRing(columns: 2, capacity: 8)
      let first = Int.random(in: -20...20, using: &random)
      var (model, tick, last): ([Int: Double], Int, Int) = ([:], first, first)
      for _ in 0..<Int.random(in: 1...30, using: &random) {
        model[tick] = Double(Int.random(in: 0...5, using: &random))
        ring.record([1, model[tick] ?? 0], at: tick)
        last = tick
        tick += Int.random(in: 1...4, using: &random)
      }
      model = model.filter { $0.key > last - 8 }
      let lower = Int.random(in: -40...60, using: &random)
      let ticks = lower...lower + Int.random(in: 0...40, using: &random)
      let kept = model.filter { ticks.contains($0.key) }.sorted { $0.key < $1.key }.map(\.value)
      #expect(ring.samples(1, ticks) == kept)
      #expect(ring.latest(1, ticks) == kept.last)
      let before = model.filter { $0.key < lower && $0.key >= lower - ticks.count }.max { $0.key < $1.key }?.value
      for wasBorn in [true, false] {
        let start = before ?? (wasBorn && ticks.contains(first) ? 0 : nil)
        var (sum, previous) = (0.0, start ?? kept.first ?? 0)
        for value in kept {
          sum += value >= previous ? value - previous : value
          previous = value
        }
        let isKnown = start == nil ? kept.count > 1 : !kept.isEmpty
        #expect(ring.increase(1, ticks, wasBorn: wasBorn) == (isKnown ? sum : nil))
      }
    }
  }

  @Test mutating func increasesAreExactAndSurviveResets() throws {
    let family = try registry.counter("hits_total", help: "H.", labels: ["who"])
    family.labels("a").increment(by: 100)
    tick()
    // Counted before the store began: not an increase.
    #expect(try value("hits_total", "increase") == [:])
    family.labels("a").increment(by: 5)
    tick()
    #expect(try value("hits_total", "increase") == [[]: 5])
    // A series that appears while the store watches counts from zero: its first event is not lost.
    family.labels("b").increment(by: 7)
    tick()
    #expect(try value("hits", "increase", by: ["who"]) == [["a"]: 5, ["b"]: 7])
    #expect(try value("hits", "sum") == [[]: 12])
    #expect(try value("hits", "rate") == [[]: 0.2])
    // Begun anew at three.
    family.remove("a")
    family.labels("a").increment(by: 3)
    tick()
    #expect(try value("hits", "increase", ["who": "a"]) == [[]: 8])
    #expect(try value("hits", "increase", window: 10, ["who": "a"]) == [[]: 3])
    #expect(try value("hits", "last", ["who": "b"]) == [[]: 7])
    tick(6)
    #expect(try value("hits", "increase") == [[]: 0])
  }

  @Test mutating func gauges() throws {
    let family = try registry.gauge("queue", help: "Q.", labels: ["name"])
    for (index, value) in [1.0, 5, 3].enumerated() {
      family.labels("a").set(value)
      family.labels("b").set(10 + Double(index))
      tick()
    }
    #expect(try value("queue", "last") == [[]: 15])
    #expect(try value("queue", "sum", by: ["name"]) == [["a"]: 3, ["b"]: 12])
    #expect(try value("queue", "avg", ["name": "a"]) == [[]: 3])
    #expect(try value("queue", "min") == [[]: 1])
    #expect(try value("queue", "max") == [[]: 12])
    #expect(try value("queue", "count") == [[]: 2])
    #expect(try value("queue", "p50", ["name": "a"]) == [[]: 3])
    #expect(try value("queue", "max", window: 10, ["name": "a"]) == [[]: 3])
    #expect(try value("queue", "max", ["name": "nobody"]) == [:])
    #expect(try value("nothing", "max") == [:])
  }

  @Test mutating func histogramsTellQuantilesOfTheWindow() throws {
    let family = try registry.histogram("wait_seconds", help: "W.", labels: ["who"], buckets: Buckets([1, 2, 4]))
    let series = family.labels("a")
    for _ in 0..<1_000 { series.observe(0.5) }
    tick()
    for _ in 0..<50 { series.observe(0.5) }
    for _ in 0..<50 { series.observe(3) }
    tick()
    #expect(try value("wait_seconds", "count") == [[]: 100])
    #expect(try value("wait_seconds", "rate") == [[]: 100.0 / 60])
    #expect(try value("wait_seconds", "sum") == [[]: 175])
    #expect(try value("wait_seconds", "avg") == [[]: 1.75])
    #expect(try value("wait_seconds", "p25") == [[]: 0.5])
    #expect(try value("wait_seconds", "p75") == [[]: 3])
    #expect(try value("wait_seconds", "above:1") == [[]: 50])
    #expect(try value("wait_seconds", "above:2") == [[]: 50])
    #expect(try value("wait_seconds", "above:4") == [[]: 0])
    #expect(throws: QueryError.self) { try value("wait_seconds", "above:3") }
    for _ in 0..<1_000 { series.observe(100) }
    tick()
    #expect(try value("wait_seconds", "p99") == [[]: 4])
    tick(7)
    #expect(try value("wait_seconds", "p99") == [:])
    #expect(try value("wait_seconds", "count") == [[]: 0])
  }

  @Test mutating func questionsThatMakeNoSenseAreErrors() throws {
    _ = try registry.counter("hits_total", help: "H.", labels: [Label("who", known: ["a"])])
    _ = try registry.summary("size", help: "S.")
    tick(2)
    #expect(throws: QueryError.self) { try value("hits_total", "avg") }
    #expect(throws: QueryError.self) { try value("size", "p95") }
    #expect(throws: QueryError.self) { try value("hits_total", "rate", ["nobody": "a"]) }
    #expect(throws: QueryError.self) { try value("hits_total", "rate", by: ["nobody"]) }
    for text in ["", "p", "p101", "p-1", "above:", "above:x", "median", "above:inf"] {
      #expect(Aggregation(text) == nil)
    }
    for text in ["sum", "p99.9", "p50", "above:0.5"] { #expect(Aggregation(text)?.description == text) }
  }

  @Test mutating func olderTimesAreAnsweredMoreCoarsely() throws {
    let counter = try registry.counter("hits_total", help: "H.")
    for _ in 0..<200 {
      counter.increment(by: 10)
      tick()
    }
    // 2,000 seconds: the fine tier reaches back 900.
    let recent = try #require(try value("hits", "increase", window: 600)[[]])
    #expect(recent == 600)
    let long = try #require(try value("hits", "increase", window: 1_800)[[]])
    #expect(abs(long - 1_800) <= 60)
  }

  @Test mutating func theBudgetHolds() throws {
    var limits = MetricsLimits()
    limits.valuesPerLabel = 5_000
    let registry = MetricsRegistry(limits: limits)
    let family = try registry.gauge("many", help: "M.", labels: ["x"])
    for index in 0..<3_000 { family.labels("v\(index)").set(1) }
    clock.advance(by: .seconds(10))
    store.record(MetricsScrape([("test", registry)]).snapshots { _ in true }, at: now)
    #expect(store.bytes <= store.budget)
    #expect(store.count < 3_000 && store.count > 1_000)
    #expect(store.refused == 3_000 - store.count)
    // What is gone for longer than the coarse tier reaches is forgotten.
    for index in 0..<3_000 { family.remove("v\(index)") }
    for _ in 0..<70 {
      clock.advance(by: .seconds(60))
      store.record(MetricsScrape([("test", registry)]).snapshots { _ in true }, at: now)
    }
    #expect(store.count == 0)
    #expect(store.bytes == 0)
  }

  @Test mutating func aClockThatJumpsDoesNoHarm() throws {
    let counter = try registry.counter("hits_total", help: "H.")
    for jump in [10.0, 1e9, -1e9, 30, .nan, .infinity, -.infinity, 1e300, 5] {
      counter.increment()
      store.record(MetricsScrape([("test", registry)]).snapshots { _ in true }, at: 1_000_000 + jump)
    }
    _ = try store.evaluate(
      MetricSelector(metric: "hits", aggregation: .increase, window: 60), at: 1_000_000 + 1e9)
  }

  @Test(arguments: [
    ("200", "200", true), ("200", "2000", false), ("5*", "503", true), ("5*", "200", false), ("*", "", true),
    ("", "", true),
    ("", "x", false), ("!5*", "503", false), ("!5*", "200", true), ("GET|HEAD", "HEAD", true),
    ("GET|HEAD", "PUT", false),
    ("a*b*c", "aXXbYYc", true), ("a*b*c", "aXXc", false), ("a*a", "a", false), ("*x*", "axb", true), ("\\*", "*", true),
    ("\\*", "x", false), ("a\\|b", "a|b", true), ("/api/*", "/api/users", true),
  ])
  func patterns(_ pattern: String, _ value: String, _ expected: Bool) {
    #expect(LabelPattern(pattern).matches(value) == expected)
  }

  @Test func patternsInPromQL() {
    #expect(LabelPattern("200").promQL == "=\"200\"")
    #expect(LabelPattern("!a\"b").promQL == "!=\"a\\\"b\"")
    #expect(LabelPattern("5*").promQL == "=~\"5.*\"")
    #expect(LabelPattern("!5*|4*").promQL == "!~\"5.*|4.*\"")
    #expect(LabelPattern("/a.b/{id}|x").promQL == "=~\"/a\\\\.b/\\\\{id\\\\}|x\"")
  }
}
