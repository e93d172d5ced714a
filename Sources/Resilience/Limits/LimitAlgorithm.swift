/// Finds how many calls at a time a callee bears, from how long they take and which are lost. A value.
public protocol LimitAlgorithm: Sendable {
  /// The most calls at a time, at present.
  var limit: Int { get }

  /// A call has ended.
  /// - Parameters:
  ///   - latency: How long it took.
  ///   - inFlight: How many were under way when it began, itself included.
  ///   - isDropped: Whether it timed out or was turned away.
  mutating func record(latency: Duration, inFlight: Int, isDropped: Bool)
}

/// Grows by one while calls are answered in time and shrinks by a tenth when one is lost or too slow: what TCP does
/// (additive increase, multiplicative decrease).
public struct AdditiveLimit: LimitAlgorithm, Hashable {
  /// The most calls at a time, at present.
  public var limit: Int { Int(exact) }

  private let range: ClosedRange<Int>
  private let shrink: Double
  private let slowest: Duration
  private var exact: Double

  /// - Parameters:
  ///   - range: The limits of the limit.
  ///   - shrink: What is left of it after a loss.
  ///   - slowest: Calls that take longer count as lost.
  public init(
    initial: Int = 20, range: ClosedRange<Int> = 1...200, shrink: Double = 0.9, slowest: Duration = .seconds(5)
  ) {
    self.range = max(1, range.lowerBound)...max(1, range.upperBound)
    self.shrink = shrink > 0 && shrink < 1 ? shrink : 0.9
    self.slowest = slowest
    exact = Double(min(max(initial, self.range.lowerBound), self.range.upperBound))
  }

  /// A call has ended.
  public mutating func record(latency: Duration, inFlight: Int, isDropped: Bool) {
    if isDropped || latency > slowest {
      exact = max(Double(range.lowerBound), exact * shrink)
    } else if inFlight * 2 >= limit {
      // One more per round of calls. A limit that is not used says nothing about a higher one.
      exact = min(Double(range.upperBound), exact + 1 / exact)
    }
  }
}

/// Compares how long calls take now with how long they took over a longer time, and shrinks when they queue up.
///
/// The idea of Netflix' Gradient2 (concurrency-limits), with two differences: a lost call shrinks the limit, and the floor is part
/// of the range, so that the limit cannot stick below it.
public struct GradientLimit: LimitAlgorithm, Hashable {
  /// The most calls at a time, at present.
  public var limit: Int { Int(exact) }

  private let range: ClosedRange<Int>
  private let tolerance: Double
  private let smoothing: Double
  private let longWeight: Double
  private var exact: Double
  private var long: Double?

  /// - Parameters:
  ///   - range: The limits of the limit.
  ///   - tolerance: By how much calls may become slower before it shrinks.
  ///   - smoothing: How much of each newly computed limit is taken over, between 0 and 1.
  ///   - memory: Over how many calls the longer time reaches.
  public init(
    initial: Int = 20, range: ClosedRange<Int> = 4...200, tolerance: Double = 1.5, smoothing: Double = 0.2,
    memory: Int = 600
  ) {
    self.range = max(1, range.lowerBound)...max(1, range.upperBound)
    self.tolerance = tolerance >= 1 && tolerance.isFinite ? tolerance : 1.5
    self.smoothing = smoothing > 0 && smoothing <= 1 ? smoothing : 0.2
    longWeight = 2 / Double(max(2, memory) + 1)
    exact = Double(min(max(initial, self.range.lowerBound), self.range.upperBound))
  }

  /// A call has ended.
  public mutating func record(latency: Duration, inFlight: Int, isDropped: Bool) {
    if isDropped {
      exact = max(Double(range.lowerBound), exact * 0.9)
      return
    }
    let short = max(1, latency / .nanoseconds(1))
    var long = long.map { $0 + ($0 > 0 ? longWeight * (short - $0) : 0) } ?? short
    // After a slow time the memory is far above what calls take now; it is brought down faster than it went up.
    if long > short * 2 { long *= 0.95 }
    self.long = long
    guard inFlight * 2 >= limit else { return }
    let gradient = min(1, max(0.5, tolerance * long / short))
    let next = exact * gradient + exact.squareRoot()
    let smoothed = exact * (1 - smoothing) + next * smoothing
    exact = min(Double(range.upperBound), max(Double(range.lowerBound), smoothed))
  }
}
