public import MainstayKernel
import MainstayResilience

/// How failed calls are repeated, and when services are left alone.
public struct RetryConfiguration: PluginConfiguration {
  /// The strategy of services that name none.
  @Field("The strategy of services that name none.", environment: "RETRY_DEFAULT_STRATEGY", minLength: 1)
  public var defaultStrategy = "standard"

  /// Operations in their retries at a time.
  @Field(
    "Operations that may be in their retries at a time; the others are not repeated.", range: 0...1_000_000,
    environment: "RETRY_MAX_CONCURRENT")
  public var maxConcurrent = 100

  /// Whether there are metrics.
  @Field("Whether there are /retry/metrics and /retry/executions.", environment: "RETRY_ENABLE_METRICS")
  public var metrics = true

  /// Calls that are remembered.
  @Field("Calls remembered for /retry/executions; one more, and the oldest is forgotten.", range: 1...1_000_000)
  public var executions = 1000

  /// How long breakers stay open.
  @Field(
    "How long a breaker stays open before it is tried again, where the service does not say.",
    range: .milliseconds(1)...Duration.seconds(86_400), environment: .milliseconds("CIRCUIT_BREAKER_TIMEOUT"))
  public var breakerTimeout: Duration = .seconds(60)

  /// The deadline of requests.
  @Field(
    "The time in which requests must be answered: strategies that wait longer give a warning.",
    range: .milliseconds(1)...Duration.seconds(86_400))
  public var requestDeadline: Duration?

  /// The budget.
  @Field("How many repetitions each service bears.")
  public var budget = RetryBudgetConfiguration()

  /// Own strategies.
  @Field("Strategies of your own; one of a preset's name replaces it.")
  public var strategies: [String: RetryStrategyConfiguration] = [:]

  /// Services outside.
  @Field("Services that are called, each with its circuit breaker: stripe, twilio.")
  public var breakers: [String: ServiceConfiguration] = [:]

  /// Who may look.
  @Field("Who may look: open, authenticated, or the name of a role.", minLength: 1)
  public var access = "viewer"

  /// Who may change something.
  @Field("Who may reset counts, run tests and switch breakers: authenticated, or the name of a role.", minLength: 1)
  public var operateAccess = "operator"

  /// The defaults.
  public init() {}

  /// Strategies must exist, and should fit into their deadlines.
  public func validate(into issues: inout ConfigurationChecks) {
    let known = known
    check(defaultStrategy, "default_strategy", known, requestDeadline, &issues)
    for (name, service) in breakers.sorted(by: { $0.key < $1.key }) {
      let field = "breakers.\(name)"
      check(
        service.strategy ?? defaultStrategy, field + (service.strategy == nil ? "" : ".strategy"), known,
        service.overallTimeout, &issues)
    }
  }

  private func check(
    _ name: String, _ field: String, _ known: [String: RetryStrategy], _ deadline: Duration?,
    _ issues: inout ConfigurationChecks
  ) {
    guard let strategy = known[name] else {
      issues.error(
        ConfigPath(stringLiteral: field), "there is no strategy '\(name)'",
        remedy: "use one of \(known.keys.sorted().joined(separator: ", ")), or declare it under strategies")
      return
    }
    if let deadline, let conflict = strategy.conflict(withDeadline: deadline) {
      issues.warning(ConfigPath(stringLiteral: field), conflict, remedy: "use 'quick' or 'none', or a longer deadline")
    }
  }

  /// The presets and the strategies of the manifest, by name.
  var known: [String: RetryStrategy] {
    let own = strategies.map { $0.value.strategy($0.key) }
    return Dictionary(
      (RetryStrategy.presets + own).map { ($0.name, $0) }, uniquingKeysWith: { _, own in own })
  }
}

/// The tokens that successes earn and repetitions spend.
public struct RetryBudgetConfiguration: PluginConfiguration {
  /// Earned by a success.
  @Field("Repetitions that one success earns.", range: 0...10)
  public var ratio = 0.2

  /// Earned by time.
  @Field("Repetitions that a second earns.", range: 0...10_000)
  public var perSecond = 0.5

  /// The stock.
  @Field("The most that can be saved up.", range: 0...1_000_000)
  public var burst = 50.0

  /// The defaults.
  public init() {}
}

/// One strategy.
public struct RetryStrategyConfiguration: PluginConfiguration {
  /// Attempts in all.
  @Field("Attempts in all.", range: 1...1000)
  public var attempts = 3

  /// The first wait.
  @Field("The wait before the first retry.", range: .zero...Duration.seconds(86_400))
  public var delay: Duration = .seconds(1)

  /// Its growth.
  @Field("By how much the wait grows each time.", range: 1...100)
  public var factor = 2.0

  /// The longest wait.
  @Field("The longest wait.", range: .zero...Duration.seconds(86_400))
  public var maxDelay: Duration = .seconds(10)

  /// The spread.
  @Field("How waits are spread: none, full (0 to the wait), equal (half to all of it), decorrelated.")
  public var jitter = JitterChoice.full

  /// The time for one attempt.
  @Field("The time for one attempt; absent: no limit.", range: .milliseconds(1)...Duration.seconds(86_400))
  public var attemptTimeout: Duration?

  /// The time for all.
  @Field("The time for all attempts together; absent: no limit.", range: .milliseconds(1)...Duration.seconds(86_400))
  public var overallTimeout: Duration?

  /// The longest time a callee may ask for.
  @Field("The longest Retry-After that is waited for.", range: .zero...Duration.seconds(86_400))
  public var maxRetryAfter: Duration = .seconds(60)

  /// Whether refused calls are repeated.
  @Field("Whether calls that a breaker or a limit refused are tried again.")
  public var retryRejections = false

  /// The defaults.
  public init() {}

  func strategy(_ name: String) -> RetryStrategy {
    RetryStrategy(
      name, attempts: attempts,
      backoff: Backoff(base: delay, factor: factor, cap: maxDelay, jitter: jitter.jitter),
      attemptTimeout: attemptTimeout, overallTimeout: overallTimeout, longestRetryAfter: maxRetryAfter,
      retriesRejections: retryRejections)
  }
}

/// How waits are spread.
public enum JitterChoice: String, Sendable, CaseIterable, ConfigValue {
  /// Not at all.
  case none
  /// Between nothing and the wait.
  case full
  /// Between half the wait and the wait.
  case equal
  /// Between the first wait and three times the one before.
  case decorrelated

  var jitter: Backoff.Jitter { Backoff.Jitter(rawValue: rawValue) ?? .full }
}
