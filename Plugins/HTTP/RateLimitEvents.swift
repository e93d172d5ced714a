public import MainstayKernel

/// A client asked for more than a limit allows. Published at most once a second for each client and rule.
public struct HTTPRateLimited: Event {
  /// `http.rate-limited`
  public static let topic: Topic = "http.rate-limited"
  /// Whom the limit counts: `identity ada`, `address 203.0.113.7`, `everyone`.
  public let client: String
  /// The route that was asked for, as its template.
  public let route: String
  /// The limit: `100;w=60` for a hundred requests a minute.
  public let policy: String
  /// Seconds until a request is allowed.
  public let retryAfter: Double
}
