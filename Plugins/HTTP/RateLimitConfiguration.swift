public import MainstayKernel

/// How much a client may ask for: `rate_limits:` of the HTTP server.
public struct RateLimitConfiguration: PluginConfiguration {
  /// The rules. The one with the longest path that fits applies to a request, and no other.
  @Field("Rules; the one whose path fits best applies. Without rules nothing is limited.")
  public var rules: [RateLimitRule] = []

  /// How many clients are remembered.
  @Field(
    "Clients remembered; one more, and the one quiet for longest is forgotten.", range: 100...10_000_000)
  public var clients = 100_000

  /// The defaults.
  public init() {}
}

/// One rule: a path, and how much of it a client may have.
public struct RateLimitRule: PluginConfiguration {
  /// Whom a rule counts.
  public enum Subject: String, Sendable, CaseIterable, ConfigValue {
    /// Each identity, or, where nobody has proved who they are, each address.
    case client
    /// Each address.
    case address
    /// Everybody together.
    case everyone
  }

  /// The routes: this path and all below it.
  @Field("Routes it holds for: this path and all below it.", example: "/templates")
  public var path = "/"

  /// The methods.
  @Field("Methods it holds for; none: all.", example: "[POST, PUT]")
  public var methods: [String] = []

  /// The requests of one period.
  @Field("Requests of one period.", range: 1...1_000_000)
  public var requests = 100

  /// The period.
  @Field("The period.", range: .milliseconds(100)...Duration.seconds(86_400))
  public var per: Duration = .seconds(60)

  /// How many may come at once.
  @Field("Requests that may come at once; absent: those of a whole period.", range: 1...1_000_000)
  public var burst: Int?

  /// Whom it counts.
  @Field("Whom it counts: client (identity, else address), address, everyone.")
  public var by = Subject.client

  /// The defaults.
  public init() {}

  /// A path must begin with a slash, a method must be one.
  public func validate(into issues: inout ConfigurationChecks) {
    if !path.hasPrefix("/") {
      issues.error("path", "must begin with '/'", remedy: "write /\(path)")
    }
    for (index, method) in methods.enumerated() where method.isEmpty || method != method.uppercased() {
      issues.error(
        ConfigPath([.key("methods"), .index(index)]), "must be a method in capitals",
        remedy: method.isEmpty ? nil : "write \(method.uppercased())")
    }
  }

  var limit: RateLimit { RateLimit(requests: requests, period: per, burst: burst) }
}
