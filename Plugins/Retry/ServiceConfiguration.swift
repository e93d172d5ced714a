public import MainstayKernel
import MainstayResilience

/// One service that is called: its breaker, its limits, and where it is.
public struct ServiceConfiguration: PluginConfiguration {
  /// Where it is.
  @Field(
    "Where it is, for the outbound HTTP client.", pattern: "https?://[^/?# ]+(/[^?# ]*)?",
    example: "https://api.stripe.com")
  public var baseURL: String?

  /// Header fields of every request.
  @Field("Header fields of every request, such as Authorization.")
  public var headers: [String: Secret<String>] = [:]

  /// Its strategy.
  @Field("Its retry strategy; absent: default_strategy.", minLength: 1)
  public var strategy: String?

  /// Failures that open the breaker.
  @Field("Failures that open the breaker.", range: 1...1_000_000)
  public var failureThreshold = 5

  /// Successes that close it.
  @Field("Successes in a row that close it again.", range: 1...1_000_000)
  public var successThreshold = 2

  /// How long it is open.
  @Field(
    "How long it stays open before it is tried again; absent: breaker_timeout.",
    range: .milliseconds(1)...Duration.seconds(86_400))
  public var timeout: Duration?

  /// How long failures count.
  @Field("How long failures count.", range: .milliseconds(10)...Duration.seconds(86_400))
  public var monitoringPeriod: Duration = .seconds(10)

  /// The share of failures.
  @Field(
    "Counts the share of failures in monitoring_period instead of failures in a row: opens from this share on.",
    range: 0.01...1)
  public var failureRate: Double?

  /// Calls below which the share says nothing.
  @Field("Calls in monitoring_period below which failure_rate says nothing.", range: 1...1_000_000)
  public var minimumCalls = 20

  /// What is too slow.
  @Field("Calls that take longer count as failures; absent: never.", range: .milliseconds(1)...Duration.seconds(86_400))
  public var slowCall: Duration?

  /// Growth of the time it is open.
  @Field("By how much timeout grows while it fails again and again.", range: 1...100)
  public var timeoutFactor = 1.0

  /// Probes at a time.
  @Field("Calls let through at a time while it is half open.", range: 1...1000)
  public var probes = 1

  /// The ramp.
  @Field(
    "After closing, for this long only a growing share of the calls is let through.",
    range: .zero...Duration.seconds(3600))
  public var rampUp: Duration = .zero

  /// Calls at a time.
  @Field("Calls at a time; absent: any number.", range: 1...1_000_000)
  public var concurrency: Int?

  /// Calls that wait.
  @Field("Calls that wait for their turn; further ones are refused.", range: 0...1_000_000)
  public var queue = 0

  /// The longest wait.
  @Field("The longest wait for a turn; absent: as long as it takes.", range: .milliseconds(1)...Duration.seconds(3600))
  public var queueTimeout: Duration?

  /// Whether the calls at a time adapt.
  @Field("Whether calls at a time are limited by how quickly they are answered.")
  public var adaptive = false

  /// The time for one attempt.
  @Field("The time for one attempt, if the strategy names none.", range: .milliseconds(1)...Duration.seconds(86_400))
  public var attemptTimeout: Duration?

  /// The time for all attempts.
  @Field("The time for all attempts together; absent: no limit.", range: .milliseconds(1)...Duration.seconds(86_400))
  public var overallTimeout: Duration?

  /// When a second call is made.
  @Field(
    "After this time a second call is made beside the first, if it may be repeated; absent: never.",
    range: .milliseconds(1)...Duration.seconds(3600))
  public var hedgeAfter: Duration?

  /// When a second call is made, by how long calls take.
  @Field(
    "The second call is made after the time in which this share of the last calls was answered; hedge_after holds until "
      + "sixteen have been. Absent: always after hedge_after.", range: 0.5...0.999, example: "0.95")
  public var hedgeQuantile: Double?

  /// The defaults.
  public init() {}

  /// A share says nothing without a time to begin with.
  public func validate(into issues: inout ConfigurationChecks) {
    guard hedgeQuantile != nil, hedgeAfter == nil else { return }
    issues.error(
      "hedge_quantile", "needs hedge_after, which holds until enough calls are known", remedy: "add hedge_after: 100ms")
  }

  /// - Parameter open: How long its breaker stays open, if it does not say.
  func settings(_ strategy: RetryStrategy, open: Duration) -> ServiceSettings {
    let trip: CircuitBreakerSettings.Trip =
      if let failureRate {
        .windowed(
          failures: failureThreshold, ratio: failureRate, minimumCalls: minimumCalls, period: monitoringPeriod)
      } else {
        .consecutive(failures: failureThreshold, within: monitoringPeriod)
      }
    return ServiceSettings(
      strategy: strategy,
      breaker: CircuitBreakerSettings(
        trip: trip, slowCall: slowCall, successThreshold: successThreshold, openFor: timeout ?? open,
        openGrowth: timeoutFactor, probes: probes, rampUp: rampUp),
      concurrency: concurrency, queue: queue, queueTimeout: queueTimeout, attemptTimeout: attemptTimeout,
      overallTimeout: overallTimeout, hedge: hedge, adaptsConcurrency: adaptive)
  }

  private var hedge: Hedge.Delay? {
    guard let hedgeAfter else { return nil }
    return hedgeQuantile.map { .quantile($0, initially: hedgeAfter) } ?? .fixed(hedgeAfter)
  }

  var endpoint: OutboundClient.Endpoint? {
    baseURL.map { url in
      OutboundClient.Endpoint(
        baseURL: url, headers: headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
  }
}
