#if JWT
  import MainstayHTTP
  import MainstayKernel

  /// Proves who sends a request by a JSON Web Token, in `Authorization: Bearer TOKEN`.
  struct JWTAuthenticator: HTTPAuthenticator {
    private let keys: JWTKeys
    private let claims: JWTClaims
    private let clock: any HostClock

    var challenge: String { "Bearer realm=\"mainstay\"" }

    /// Throws if the keys that the configuration names cannot be used.
    init(_ configuration: JWTConfiguration, clock: any HostClock) async throws(JWTKeyError) {
      keys = try await JWTKeys(configuration)
      claims = JWTClaims(configuration)
      self.clock = clock
    }

    func authenticate(_ request: Request, _ context: MainstayRequestContext) async throws -> Identity? {
      guard case .bearer(let text) = try AuthenticationCredentials(request.headers) else { return nil }
      return try identity(text)
    }

    /// Who a token speaks of; nil if the text is none.
    func identity(_ text: String) throws(AuthenticationFailure) -> Identity? {
      guard JWTToken.looksLikeOne(text) else { return nil }
      let token = try JWTToken(text)
      try keys.verify(token)
      return try claims.identity(token.claims, now: clock.timeSinceEpoch)
    }
  }
#endif
