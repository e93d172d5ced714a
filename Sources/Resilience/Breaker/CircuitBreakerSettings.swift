/// When a circuit breaker opens, and how it closes again.
public struct CircuitBreakerSettings: Sendable, Hashable {
  /// What opens it.
  public enum Trip: Sendable, Hashable {
    /// So many failures in a row. A run begins anew when its last failure is longer ago than `within`.
    case consecutive(failures: Int, within: Duration? = nil)
    /// So many failures in the last `period`, if they are at least `ratio` of its calls and it has had `minimumCalls`.
    /// The period moves on in tenths of itself.
    case windowed(failures: Int = 1, ratio: Double, minimumCalls: Int = 20, period: Duration)
  }

  /// What opens it.
  public var trip: Trip
  /// Calls that take longer count as failures even if they succeed; nil for no limit.
  public var slowCall: Duration?
  /// Successes in a row, while it is half open, that close it.
  public var successThreshold: Int
  /// How long it stays open before it lets a probe through.
  public var openFor: Duration
  /// By how much that time grows each time its probes fail; 1 for not at all.
  public var openGrowth: Double
  /// The most it grows to.
  public var longestOpen: Duration
  /// How many probes may be under way at a time while it is half open. Everybody else is refused, not queued.
  public var probes: Int
  /// How long a probe may take. Then it has no say any more, and its place is free for another.
  public var probeTimeout: Duration
  /// For how long after closing it lets through only a share of the calls, from a tenth to all; zero for all at once.
  public var rampUp: Duration

  /// The settings. Without arguments: open after 5 failures in a row, for 60 s, closed again after 2 successes.
  public init(
    trip: Trip = .consecutive(failures: 5), slowCall: Duration? = nil, successThreshold: Int = 2,
    openFor: Duration = .seconds(60), openGrowth: Double = 1, longestOpen: Duration = .seconds(600), probes: Int = 1,
    probeTimeout: Duration = .seconds(30), rampUp: Duration = .zero
  ) {
    self.trip = trip
    self.slowCall = slowCall
    self.successThreshold = max(1, successThreshold)
    self.openFor = max(.zero, openFor)
    self.openGrowth = openGrowth.isFinite ? max(1, openGrowth) : 1
    self.longestOpen = max(openFor, longestOpen)
    self.probes = max(1, probes)
    self.probeTimeout = probeTimeout
    self.rampUp = rampUp
  }

  /// Whether it does not matter when a call succeeds.
  var isUntimed: Bool {
    if case .consecutive = trip { slowCall == nil } else { false }
  }

  /// How long it stays open the `n`th time in a row, counted from 1.
  func openTime(_ n: Int) -> Duration {
    Backoff(base: openFor, factor: openGrowth, cap: longestOpen, jitter: .none).ceiling(retry: n)
  }
}
