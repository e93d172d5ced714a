import MainstayHTTP

/// Proves who sends a request by an API key, in `X-API-Key: KEY` or `Authorization: Bearer KEY`.
struct APIKeyAuthenticator: HTTPAuthenticator {
  let ring: APIKeyRing

  var challenge: String { "Bearer realm=\"mainstay\"" }

  /// Nil also for a bearer token that is no key: it may be a token of another kind.
  func authenticate(_ request: Request, _ context: MainstayRequestContext) async throws -> Identity? {
    switch try AuthenticationCredentials(request.headers) {
    case .apiKey(let key):
      guard let identity = identity(key) else { throw AuthenticationFailure.unknownKey }
      return identity
    case .bearer(let key): return identity(key)
    case .other, .none: return nil
    }
  }

  private func identity(_ key: String) -> Identity? {
    ring.holder(of: key).map { Identity(subject: $0.name, roles: $0.roles, scheme: "api-key") }
  }
}
