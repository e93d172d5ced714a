public import MainstayKernel

/// One promise to users: `objectives`.
public struct ObjectiveConfiguration: PluginConfiguration {
  /// What is promised.
  public enum Kind: String, Sendable, CaseIterable, ConfigValue {
    /// A share of the events of a counter is good.
    case availability
    /// A share of the observations of a histogram is within a bound.
    case latency
    /// So many events a second are served. It is reported, and raises no alerts.
    case throughput
  }

  /// The name.
  @Field("The name, without spaces.", pattern: "[A-Za-z0-9_.-]+", example: "availability")
  public var name = ""

  /// What is promised.
  @Field(
    "availability (good events of a counter), latency (observations within a bound), throughput (events a second).")
  public var kind = Kind.availability

  /// The metric.
  @Field("The counter, or the histogram.")
  public var metric = "http_requests_total"

  /// What is bad.
  @Field("Label values of bad events.", example: "{ status: '5*' }")
  public var bad: [String: String] = [:]

  /// The bound.
  @Field("The bound of good observations; a bound of the histogram's buckets.")
  public var bound = 0.5

  /// The target.
  @Field("The share that is to be good, between 0 and 1; for throughput, events a second.", range: 0...1_000_000_000.0)
  public var target = 0.999

  /// The defaults.
  public init() {}

  /// Shares are below one.
  public func validate(into issues: inout ConfigurationChecks) {
    if kind != .throughput, target <= 0 || target >= 1 {
      issues.error("target", "must be above 0 and below 1", remedy: "write 0.999 for 99.9 %")
    }
    if kind == .availability, bad.isEmpty {
      issues.error("bad", "must say which events are bad", remedy: "write for example { status: '5*' }")
    }
  }

  init(_ name: String, _ kind: Kind, _ metric: String, bad: [String: String] = [:], bound: Double = 0.5, target: Double)
  {
    self.init()
    self.name = name
    self.kind = kind
    self.metric = metric
    self.bad = bad
    self.bound = bound
    self.target = target
  }

  /// What every HTTP service promises.
  public static let standard = [
    ObjectiveConfiguration("availability", .availability, "http_requests_total", bad: ["status": "5*"], target: 0.999),
    ObjectiveConfiguration("errors", .availability, "http_requests_total", bad: ["status": "5*|429"], target: 0.99),
    ObjectiveConfiguration("latency-p95", .latency, "http_request_duration_seconds", bound: 0.5, target: 0.95),
    ObjectiveConfiguration("latency-p99", .latency, "http_request_duration_seconds", bound: 1, target: 0.99),
    ObjectiveConfiguration("throughput", .throughput, "http_requests_total", target: 500),
  ]
}
