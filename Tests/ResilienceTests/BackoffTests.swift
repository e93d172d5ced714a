import MainstayResilience
import MainstayTesting
import Testing

/// The waits: envelope, distribution, no atoms, no traps.
struct BackoffTests {
  static let cases: [Backoff] = Backoff.Jitter.allCases.flatMap { jitter in
    [
      Backoff(base: .milliseconds(100), cap: .seconds(3), jitter: jitter),
      Backoff(base: .milliseconds(7), factor: 1.3, cap: .milliseconds(90), jitter: jitter),
      Backoff(base: .seconds(1), factor: 1, cap: .seconds(10), jitter: jitter),
    ]
  }

  @Test(arguments: cases) func staysWithinItsEnvelope(_ backoff: Backoff) {
    var generator = SeededGenerator(seed: 1)
    for n in 1...64 {
      var previous: Duration?
      for _ in 0..<150 {
        let delay = backoff.delay(retry: n, previous: previous, using: &generator)
        #expect(delay >= backoff.floor(retry: n))
        #expect(delay <= (backoff.jitter == .decorrelated ? backoff.cap : backoff.ceiling(retry: n)))
        previous = delay
      }
    }
  }

  @Test func growsByItsFactorUpToItsCap() {
    let backoff = Backoff(base: .milliseconds(100), factor: 3, cap: .seconds(2), jitter: .none)
    let waits = (1...5).map { backoff.ceiling(retry: $0) }
    #expect(waits == [.milliseconds(100), .milliseconds(300), .milliseconds(900), .seconds(2), .seconds(2)])
    #expect(backoff.longest(attempts: 5) == .milliseconds(3300))
    #expect(backoff.longest(attempts: 1) == .zero)
    #expect(backoff.longest(attempts: 1005) == .milliseconds(1300) + .seconds(2) * 1001)
  }

  /// Kolmogorov–Smirnov against the uniform distribution on the envelope. Also late retries, whose ceiling is the cap:
  /// a wait that were capped after the jitter would pile up there.
  @Test(arguments: [Backoff.Jitter.full, .equal], [1, 10]) func isUniform(_ jitter: Backoff.Jitter, _ retry: Int) {
    let backoff = Backoff(base: .milliseconds(100), cap: .seconds(3), jitter: jitter)
    var generator = SeededGenerator(seed: 42)
    let delays = (0..<20_000).map { _ in backoff.delay(retry: retry, using: &generator) }
    let statistic = kolmogorov(delays, low: backoff.floor(retry: retry), high: backoff.ceiling(retry: retry))
    // For p = 0.0001 the critical value is 2.225 / √n.
    #expect(statistic < 2.225 / Double(delays.count).squareRoot())
    #expect(largestAtom(delays) < 0.001)
  }

  @Test func theTestOfUniformityFindsAnAtom() {
    var generator = SeededGenerator(seed: 42)
    let clamped = (0..<20_000).map { _ in
      min(Duration.seconds(3), .seconds(3) * 1.06 * Double.random(in: 0..<1, using: &generator))
    }
    #expect(kolmogorov(clamped, low: .zero, high: .seconds(3)) > 2.225 / Double(clamped.count).squareRoot())
    #expect(largestAtom(clamped) > 0.01)
  }

  @Test func decorrelatedJitterFollowsItsLawAndHasNoAtomAtTheCap() {
    let backoff = Backoff(base: .milliseconds(100), cap: .seconds(3), jitter: .decorrelated)
    var generator = SeededGenerator(seed: 7)
    var tenths: [Duration] = []
    for _ in 0..<5000 {
      var previous: Duration?
      for n in 1...10 { previous = backoff.delay(retry: n, previous: previous, using: &generator) }
      if let previous { tenths.append(previous) }
    }
    #expect(largestAtom(tenths) < 0.001)
    let given = (0..<20_000).map { _ in backoff.delay(retry: 5, previous: .milliseconds(400), using: &generator) }
    let statistic = kolmogorov(given, low: .milliseconds(100), high: .milliseconds(1200))
    #expect(statistic < 2.225 / Double(given.count).squareRoot())
  }

  @Test func twoCallersWaitIndependently() {
    let backoff = Backoff(base: .milliseconds(100), cap: .seconds(3))
    var one = SeededGenerator(seed: 1)
    var two = SeededGenerator(seed: 2)
    let pairs = (0..<20_000).map { _ in
      (
        backoff.delay(retry: 6, using: &one) / .seconds(1),
        backoff.delay(retry: 6, using: &two) / .seconds(1)
      )
    }
    #expect(abs(correlation(pairs)) < 0.02)
  }

  /// A thousand clients fail together: at their tenth retry no ten milliseconds see more than a few of them.
  @Test func aCohortSpreads() {
    let backoff = Backoff(base: .milliseconds(100), cap: .seconds(3))
    var generator = SeededGenerator(seed: 3)
    var bins: [Int: Int] = [:]
    for _ in 0..<1000 {
      let delay = backoff.delay(retry: 10, using: &generator)
      bins[Int(delay / .milliseconds(10)), default: 0] += 1
    }
    #expect((bins.values.max() ?? 0) <= 15)
  }

  @Test func nothingOverflows() {
    var generator = SeededGenerator(seed: 4)
    let bases: [Duration] = [.nanoseconds(1), .milliseconds(1), .seconds(86_400), .seconds(Int64.max)]
    let caps: [Duration] = [.zero, .nanoseconds(1), .seconds(60), .seconds(Int64.max)]
    for (base, cap) in bases.flatMap({ base in caps.map { (base, $0) } }) {
      for factor in [1, 1.0001, 2, 10, 1e300, .infinity, .nan, -3] {
        for jitter in Backoff.Jitter.allCases {
          let backoff = Backoff(base: base, factor: factor, cap: cap, jitter: jitter)
          for n in [Int.min, 0, 1, 2, 63, 64, 1000, 10_000, Int.max] {
            let delay = backoff.delay(retry: n, previous: cap, using: &generator)
            #expect(delay >= .zero && delay <= backoff.cap)
          }
          #expect(backoff.longest(attempts: 10) >= .zero)
        }
      }
    }
  }

  @Test(arguments: Backoff.Jitter.allCases) func zeroStaysZero(_ jitter: Backoff.Jitter) {
    var generator = SeededGenerator(seed: 5)
    #expect(Backoff(base: .zero, cap: .seconds(1), jitter: jitter).delay(retry: 3, using: &generator) == .zero)
    #expect(Backoff(base: .seconds(1), cap: .zero, jitter: jitter).delay(retry: 3, using: &generator) == .zero)
  }

  @Test func theFactorCountsWithEveryJitter() {
    for jitter in [Backoff.Jitter.none, .full, .equal] {
      let slow = Backoff(base: .milliseconds(100), factor: 1.1, cap: .seconds(60), jitter: jitter)
      let fast = Backoff(base: .milliseconds(100), factor: 4, cap: .seconds(60), jitter: jitter)
      #expect(slow.ceiling(retry: 4) < .milliseconds(140))
      #expect(fast.ceiling(retry: 4) == .milliseconds(6400))
    }
  }

  @Test func oneSeedGivesOneSequence() {
    let backoff = Backoff(base: .milliseconds(100), cap: .seconds(3))
    func sequence() -> [Duration] {
      var generator = SeededGenerator(seed: 9)
      return (1...8).map { backoff.delay(retry: $0, using: &generator) }
    }
    #expect(sequence() == sequence())
    #expect(Set(sequence()).count == 8)
  }

  private func kolmogorov(_ samples: [Duration], low: Duration, high: Duration) -> Double {
    let sorted = samples.sorted()
    let count = Double(sorted.count)
    return sorted.enumerated().reduce(0) { worst, item in
      let expected = min(1, max(0, (item.element - low) / (high - low)))
      return max(worst, abs(expected - Double(item.offset) / count), abs(expected - Double(item.offset + 1) / count))
    }
  }

  private func largestAtom(_ samples: [Duration]) -> Double {
    let counts = samples.reduce(into: [Duration: Int]()) { $0[$1, default: 0] += 1 }
    return Double(counts.values.max() ?? 0) / Double(samples.count)
  }

  private func correlation(_ pairs: [(Double, Double)]) -> Double {
    let count = Double(pairs.count)
    let meanX = pairs.reduce(0) { $0 + $1.0 } / count
    let meanY = pairs.reduce(0) { $0 + $1.1 } / count
    let covariance = pairs.reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
    let spreadX = pairs.reduce(0) { $0 + ($1.0 - meanX) * ($1.0 - meanX) }
    let spreadY = pairs.reduce(0) { $0 + ($1.1 - meanY) * ($1.1 - meanY) }
    return covariance / (spreadX * spreadY).squareRoot()
  }
}
