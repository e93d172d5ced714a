import MainstayTesting
import Testing

@testable import MainstayInstruments

@Suite struct LabelTests {
  private func registry(series: Int = 50_000, family: Int = 5_000, values: Int = 500) -> MetricsRegistry {
    var limits = MetricsLimits()
    limits.series = series
    limits.seriesPerFamily = family
    limits.valuesPerLabel = values
    return MetricsRegistry(limits: limits, clock: ManualClock())
  }

  @Test func theSameValuesAreTheSameSeries() throws {
    let family = try registry().counter("a_total", help: "A.", labels: ["x", "y", "z", "w"])
    #expect(family.labels(["1", "2", "3", "4"]) === family.labels(["1", "2", "3", "4"]))
    #expect(family.labels(["1", "2", "3", "4"]) !== family.labels(["12", "", "3", "4"]))
    #expect(family.labels(["", "", "", ""]).labelValues == ["", "", "", ""])
    let pair = try registry().counter("b_total", help: "B.", labels: ["x", "y"])
    #expect(pair.labels("a", "b") === pair.labels(["a", "b"]))
    #expect(pair.labels("ab", "") !== pair.labels("a", "b"))
  }

  @Test func aTableOfManySeriesFindsEachOfThem() throws {
    let family = try registry().counter("a_total", help: "A.", labels: [Label("x", limit: 5_000)])
    let made = (0..<3_000).map { family.labels("value-\($0)") }
    for (index, series) in made.enumerated() { #expect(family.labels("value-\(index)") === series) }
    for index in stride(from: 0, to: 3_000, by: 3) { family.remove("value-\(index)") }
    #expect(family.series.count == 2_000)
    for index in 0..<3_000 where index % 3 != 0 { #expect(family.labels("value-\(index)") === made[index]) }
    #expect(family.labels("value-0") !== made[0])
  }

  @Test func wrongNumbersOfValuesAreTolerated() throws {
    let registry = registry()
    let family = try registry.counter("a_total", help: "A.", labels: ["x", "y"])
    #expect(family.labels("1").labelValues == ["1", ""])
    #expect(family.labels("1", "2", "3").labelValues == ["1", "2"])
    #expect(family.labels([]).labelValues == ["", ""])
    #expect(registry.diagnostics.mismatchedLabels == 3)
  }

  @Test func onlyTheLabelOverItsLimitCollapses() throws {
    let registry = registry(values: 10)
    let family = try registry.counter("a_total", help: "A.", labels: ["method", "path"])
    for index in 0..<1_000 { family.labels(index % 2 == 0 ? "GET" : "POST", "/\(index)").increment() }
    #expect(family.series.count == 12)
    #expect(family.labels("GET", "other").value == 495)
    #expect(family.labels("POST", "other").value == 495)
    #expect(registry.diagnostics.overflow == [.init(metric: "a", label: "path", count: 990)])
  }

  @Test func aFullFamilyCollapsesTheLabelWithTheMostValues() throws {
    let registry = registry(family: 50)
    let family = try registry.counter("a_total", help: "A.", labels: ["path", "method"])
    for index in 0..<2_000 { family.labels("/\(index / 2)", index % 2 == 0 ? "GET" : "POST").increment() }
    #expect(family.series.count == 52)
    #expect(family.labels("other", "GET").value == 975)
    #expect(family.series.reduce(0) { $0 + $1.value } == 2_000)
  }

  @Test func aFullRegistryStillCountsEverything() throws {
    let registry = registry(series: 100)
    let families = try (0..<5).map {
      try registry.counter("f\($0)_total", help: "F.", labels: ["a", "b"])
    }
    for family in families {
      for index in 0..<400 { family.labels("\(index % 20)", "\(index)").increment() }
    }
    #expect(registry.diagnostics.series <= 100 + 10 + 16 + 5)
    for family in families { #expect(family.series.reduce(0) { $0 + $1.value } == 400) }
  }

  @Test func aMillionRandomValuesStayBounded() throws {
    let registry = registry()
    let family = try registry.counter("a_total", help: "A.", labels: ["path"])
    for index in 0..<200_000 { family.labels("/\(index)").increment() }
    #expect(family.series.count == 501)
    #expect(registry.diagnostics.series == 501)
  }

  @Test func createdAndRemovedSeriesLeaveNothingBehind() throws {
    let registry = registry()
    let family = try registry.counter("a_total", help: "A.", labels: ["id"])
    for index in 0..<10_000 {
      family.labels("x\(index)").increment()
      family.remove("x\(index)")
    }
    #expect(family.series.isEmpty)
    #expect(registry.diagnostics.series == 0)
    #expect(registry.diagnostics.overflow.isEmpty)
  }

  @Test func declaredValuesAreThereFromTheBeginning() throws {
    let registry = registry(values: 3)
    let family = try registry.counter(
      "a_total", help: "A.",
      labels: [Label("method", known: ["GET", "PUT"]), Label("result", known: ["ok", "failed", "late", "lost"])])
    #expect(family.series.count == 8)
    #expect(family.series.allSatisfy { $0.value == 0 })
    // Four values are declared, above the limit of three: declared ones always count, new ones do not.
    #expect(family.labels("GET", "lost").labelValues == ["GET", "lost"])
    #expect(family.labels("GET", "else").labelValues == ["GET", "other"])
  }

  @Test func longValuesAreCutAtACharacter() throws {
    let registry = registry()
    let family = try registry.counter("a_total", help: "A.", labels: ["x"])
    let long = String(repeating: "é", count: 200)
    let series = family.labels("a" + long)
    #expect(series.labelValues == ["a" + String(repeating: "é", count: 127)])
    #expect(family.labels("a" + long + "more") === series)
    #expect(registry.diagnostics.cutLabelValues == 1)
  }

  @Test(arguments: [
    "somebody@example.org", "mail to a.b+c@x-y.co", "123-45-6789", "ssn=123-45-6789;", "MRN 00123", "mrn-47-1122",
    "MRN:12345678", "1980-02-29", "02/29/1980", "born 29.02.1980", "(555) 123-4567", "+49 30 1234567", "4155550100",
    "8c0b1d9e-0b1c-4c1e-9a55-0123456789ab", "user:8C0B1D9E-0B1C-4C1E-9A55-0123456789AB",
  ])
  func personalDataIsHeldBack(_ text: String) throws {
    let registry = registry()
    let family = try registry.counter("a_total", help: "A.", labels: ["x"])
    #expect(family.labels(text).labelValues == ["redacted"])
    #expect(registry.diagnostics.redactedLabelValues == 1)
    let open = try registry.counter("b_total", help: "B.", labels: [Label("x", isGuarded: false)])
    #expect(open.labels(text).labelValues == [text])
    let known = try registry.counter("c_total", help: "C.", labels: [Label("x", known: [text])])
    #expect(known.labels(text).labelValues == [text])
  }

  @Test(arguments: [
    "", "GET", "/users/{id}", "/api/v1/patients/:id", "200", "10.0.12.7:8080", "clinic-eu-1", "v1.2.3", "@", "a@b",
    "node-3-17", "1.5", "0.005", "cardiology", "ip-10-0-12-123", "SELECT", "12345678", "2xx", "Mr. N 4",
  ])
  func ordinaryValuesPass(_ text: String) {
    #expect(!LabelGuard.standard.catches(text))
  }
}
