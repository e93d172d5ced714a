/// How long callers waited: counts in buckets that grow by an eighth of a power of two, over the present window and the
/// one before. A percentile is the upper bound of its bucket, at most 12.5 % too high.
struct WaitHistogram: Sendable {
  private static let buckets = 320

  private struct Window: Sendable {
    var immediate = 0
    var waited = 0
    var longest: Int64 = 0
    var peak = 0
    var counts: [UInt32] = []
  }

  private let length: Int64
  private var begun: PoolInstant
  private var present = Window()
  private var past = Window()
  /// Over the pool's whole life.
  private(set) var acquisitions = PoolAcquisitions()

  init(window: Duration, now: PoolInstant) {
    length = max(1, window.poolNanoseconds)
    begun = now
  }

  mutating func addImmediate() {
    present.immediate &+= 1
    acquisitions.immediate &+= 1
  }

  /// So many connections are in use.
  mutating func note(leased: Int) {
    if leased > present.peak { present.peak = leased }
  }

  /// The most connections that were in use at a time.
  var peak: Int { max(present.peak, past.peak) }

  mutating func add(_ nanoseconds: Int64) {
    if present.counts.isEmpty { present.counts = Array(repeating: 0, count: Self.buckets) }
    present.waited += 1
    present.longest = max(present.longest, nanoseconds)
    present.counts[Self.bucket(nanoseconds)] &+= 1
    acquisitions.add(nanoseconds)
  }

  /// Begins a new window when the present one is over.
  mutating func turn(_ now: PoolInstant, leased: Int) {
    guard now - begun >= length else { return }
    past = now - begun >= 2 * Swift.min(length, .max / 2) ? Window() : present
    present = Window()
    present.peak = leased
    begun = now
  }

  var summary: PoolWaits {
    let immediate = present.immediate + past.immediate
    let waited = present.waited + past.waited
    return PoolWaits(
      count: immediate + waited, immediate: immediate, p50: percentile(0.5), p95: percentile(0.95),
      p99: percentile(0.99), longest: .nanoseconds(max(present.longest, past.longest)))
  }

  private func percentile(_ share: Double) -> Duration {
    let immediate = present.immediate + past.immediate
    let total = immediate + present.waited + past.waited
    var left = Int((share * Double(total)).rounded(.up)) - immediate
    guard left > 0 else { return .zero }
    for bucket in 0..<Self.buckets {
      left -= count(present, bucket) + count(past, bucket)
      if left <= 0 { return .nanoseconds(Self.upperBound(bucket)) }
    }
    return .nanoseconds(max(present.longest, past.longest))
  }

  private func count(_ window: Window, _ bucket: Int) -> Int {
    window.counts.isEmpty ? 0 : Int(window.counts[bucket])
  }

  /// Eight buckets for each power of two, from 256 ns on.
  static func bucket(_ nanoseconds: Int64) -> Int {
    let value = UInt64(max(0, nanoseconds)) >> 5
    guard value >= 8 else { return Int(value) }
    let power = 63 - value.leadingZeroBitCount
    return min(buckets - 1, (power - 2) * 8 + Int((value >> UInt64(power - 3)) & 7))
  }

  static func upperBound(_ bucket: Int) -> Int64 {
    guard bucket >= 8 else { return Int64(bucket + 1) << 5 }
    let power = bucket / 8 + 2
    return (Int64(8 + bucket % 8 + 1) << Int64(power - 3)) << 5
  }
}

/// How long callers waited for the connections they got, since the pool was made.
public struct PoolAcquisitions: Sendable, Equatable {
  /// Upper bounds of the buckets of `waited`, in seconds; one more bucket lies above them.
  public static let bounds = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]
  private static let nanoseconds = bounds.map { Int64($0 * 1e9) }

  /// Callers that got one at once.
  public internal(set) var immediate = 0
  /// Those that waited, by how long: each is in the first bucket whose bound is not below its wait.
  public private(set) var waited = Array(repeating: 0, count: bounds.count + 1)
  /// All waits together, in seconds.
  public private(set) var seconds = 0.0

  /// None.
  public init() {}

  mutating func add(_ nanoseconds: Int64) {
    waited[Self.nanoseconds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count] &+= 1
    seconds += Double(nanoseconds) * 1e-9
  }
}

/// How long callers waited, over one to two windows (`PoolSettings.statisticsWindow`).
public struct PoolWaits: Sendable, Equatable {
  /// How many callers got a connection.
  public var count = 0
  /// How many of them at once.
  public var immediate = 0
  /// Half of all callers waited less.
  public var p50 = Duration.zero
  /// 95 of 100 callers waited less.
  public var p95 = Duration.zero
  /// 99 of 100 callers waited less.
  public var p99 = Duration.zero
  /// The longest wait.
  public var longest = Duration.zero
}
