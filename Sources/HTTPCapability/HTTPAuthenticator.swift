public import MainstayKernel

/// One way to prove who sends a request: API keys, JSON Web Tokens, a session.
public protocol HTTPAuthenticator: Sendable {
  /// What a 401 tells the client to present, as the value of `WWW-Authenticate`: `Bearer realm="mainstay"`.
  var challenge: String { get }

  /// Who sent the request; nil if it carries no credentials of this kind, so that the next authenticator is asked.
  ///
  /// Throws an ``HTTPProblem`` of status 401 if it carries credentials of this kind and they are not good.
  func authenticate(_ request: Request, _ context: MainstayRequestContext) async throws -> Identity?
}

extension ContributionPoint where Value == any HTTPAuthenticator {
  /// Authenticators that the HTTP server asks, after its own, in order of the plugins' names.
  public static var httpAuthenticators: Self { Self("http_authenticators", collectorStopsFirst: true) }
}
