import MainstayTesting
import Testing

@testable import MainstayInstruments

@Suite struct SummaryTests {
  @Test func quantilesAreWithinTheStatedError() throws {
    var random = SeededGenerator(seed: 7)
    let registry = MetricsRegistry(clock: ManualClock())
    for round in 0..<20 {
      let summary = try registry.summary("s\(round)", help: "S.")
      let values = (0..<5_000).map { _ in Double.random(in: 0..<1, using: &random) * scale(round) + 1e-8 }
      for value in values { summary.observe(value) }
      var reading = SeriesReading()
      summary.read(into: &reading)
      let sorted = values.sorted()
      for (quantile, measured) in zip([0.5, 0.9, 0.95, 0.99], reading.quantiles) {
        let exact = sorted[Int((quantile * 5_000).rounded(.up)) - 1]
        #expect(abs(measured - exact) <= exact * 0.008, "round \(round): \(measured) for \(exact)")
      }
      #expect(reading.count == 5_000)
    }
  }

  private func scale(_ round: Int) -> Double { (0..<round).reduce(1e-6) { value, _ in value * 5 } }

  @Test func whatIsOutOfRangeCountsAtTheEnds() throws {
    let registry = MetricsRegistry(clock: ManualClock())
    let summary = try registry.summary("s", help: "S.", options: SummaryOptions(quantiles: [0.1, 1]))
    for value in [-5, 0, 1e-30, .infinity, 1e200, -.infinity] { summary.observe(value) }
    summary.observe(.nan)
    var reading = SeriesReading()
    summary.read(into: &reading)
    #expect(reading.count == 6)
    #expect(reading.quantiles[0] == 0)
    #expect(reading.quantiles[1] > 1e10)
  }

  @Test func quantilesForgetWhatIsOlderThanTheWindow() throws {
    let clock = ManualClock()
    let registry = MetricsRegistry(clock: clock)
    let options = SummaryOptions(quantiles: [0.5], window: .seconds(60))
    let summary = try registry.summary("s", help: "S.", options: options)
    var reading = SeriesReading()
    for _ in 0..<100 { summary.observe(1) }
    summary.read(into: &reading)
    #expect(abs(reading.quantiles[0] - 1) < 0.01)
    // A reading each ten seconds, as a scraper makes them.
    for _ in 0..<7 {
      clock.advance(by: .seconds(10))
      summary.observe(1_000)
      summary.read(into: &reading)
    }
    #expect(abs(reading.quantiles[0] - 1_000) < 10)
    #expect(reading.count == 107)
    for _ in 0..<8 {
      clock.advance(by: .seconds(10))
      summary.read(into: &reading)
    }
    #expect(reading.quantiles[0].isNaN)
    #expect(reading.count == 107)
  }
}
