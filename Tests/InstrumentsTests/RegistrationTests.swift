import MainstayTesting
import Testing

@testable import MainstayInstruments

@Suite struct RegistrationTests {
  let registry = MetricsRegistry(clock: ManualClock())

  @Test(arguments: ["", "1a", "a-b", "a b", "a\nb 1", "é", "a{", "a_bucket", "a_sum", "a_count", "a_created"])
  func namesThatNoFormatCanCarryAreRefused(_ name: String) {
    #expect(code { try registry.gauge(name, help: "") } == .invalidName)
  }

  @Test(arguments: ["", "1a", "a-b", "__name__", "a\"", "le"])
  func labelNamesAreChecked(_ name: String) {
    #expect(code { try registry.histogram("a", help: "", labels: [Label(name)]) } == .invalidName)
  }

  @Test func aSecondRegistrationFindsTheFirst() throws {
    let first = try registry.counter("a_total", help: "First.", labels: ["x"])
    let second = try registry.counter("a", help: "Second.", labels: ["x"])
    #expect(first.labels("1") === second.labels("1"))
    #expect(second.descriptor.help == "First.")
  }

  @Test func conflictsAreErrorsAndNothingElse() throws {
    _ = try registry.counter("a_total", help: "", labels: ["x"])
    #expect(code { try registry.counter("a_total", help: "") } == .conflict)
    #expect(code { try registry.counter("a_total", help: "", labels: ["y"]) } == .conflict)
    #expect(code { try registry.gauge("a", help: "") } == .conflict)
    _ = try registry.histogram("h", help: "", buckets: Buckets([1, 2]))
    #expect(code { try registry.histogram("h", help: "", buckets: Buckets([1, 3])) } == .conflict)
    #expect(code { try registry.collect("h", help: "") { _ in } } == .conflict)
    _ = try registry.upDownCounter("g", help: "")
    #expect(code { try registry.gauge("g", help: "") } == .conflict)
    // In OpenMetrics the counter `x_total` is the family `x`.
    _ = try registry.counter("x_total", help: "")
    #expect(code { try registry.gauge("x", help: "") } == .conflict)
    #expect(code { try registry.gauge("x_total", help: "") } == .conflict)
  }

  @Test func optionsAreChecked() {
    #expect(code { try registry.histogram("h", help: "", buckets: Buckets([])) } == .invalidOptions)
    #expect(code { try registry.histogram("h", help: "", buckets: Buckets([1, 1])) } == .invalidOptions)
    #expect(code { try registry.histogram("h", help: "", buckets: Buckets([1, .infinity])) } == .invalidOptions)
    #expect(code { try registry.summary("s", help: "", options: SummaryOptions(quantiles: [1.5])) } == .invalidOptions)
    #expect(code { try registry.summary("s", help: "", options: SummaryOptions(window: .zero)) } == .invalidOptions)
    #expect(code { try registry.timer("t", help: "") } == .invalidName)
    #expect(code { try registry.collect("p", .histogram, help: "") { _ in } } == .invalidOptions)
    #expect(Buckets.exponential(from: 1, factor: 2, count: 4).bounds == [1, 2, 4, 8])
    #expect(Buckets.linear(from: 0, width: 5, count: 3).bounds == [0, 5, 10])
  }

  @Test func quotasAreErrorsToo() throws {
    var limits = MetricsLimits()
    limits.families = 2
    limits.labelsPerFamily = 1
    let registry = MetricsRegistry(limits: limits)
    #expect(code { try registry.gauge("a", help: "", labels: ["x", "y"]) } == .tooMany)
    _ = try registry.gauge("a", help: "")
    _ = try registry.gauge("b", help: "")
    #expect(code { try registry.gauge("c", help: "") } == .tooMany)
    registry.remove("a")
    _ = try registry.counter("a_total", help: "")
    #expect(registry.diagnostics.families == 2)
  }

  private func code(_ body: () throws -> some Any) -> MetricsError.Code? {
    do {
      _ = try body()
      return nil
    } catch {
      return (error as? MetricsError)?.code
    }
  }
}
