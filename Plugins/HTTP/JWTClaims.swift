#if JWT
  import MainstayHTTP
  import MainstayKernel

  /// What the claims of a token must say, once its signature has been found good.
  struct JWTClaims: Sendable {
    /// The longest name of a caller.
    static let maximumSubjectLength = 256
    /// More roles than this are not read.
    static let maximumRoles = 64

    let issuer: String?
    let audience: String?
    let leeway: Duration
    let rolesClaim: String

    init(_ configuration: JWTConfiguration) {
      issuer = configuration.issuer
      audience = configuration.audience
      leeway = configuration.leeway
      rolesClaim = configuration.rolesClaim
    }

    /// Who the token speaks of.
    /// - Parameter now: Time since 1970.
    /// - Throws: what is wrong with the claims.
    func identity(_ claims: JSONObject, now: Duration) throws(AuthenticationFailure) -> Identity {
      try checkTimes(claims, now: now / .seconds(1), leeway: leeway / .seconds(1))
      if let issuer {
        guard let claimed = claims["iss"]?.stringValue else { throw .claim("iss") }
        guard claimed == issuer else { throw .wrong("iss") }
      }
      if let audience {
        guard let claimed = claims["aud"] else { throw .claim("aud") }
        guard Self.texts(claimed).contains(audience) else { throw .wrong("aud") }
      }
      return Identity(subject: try subject(claims), roles: roles(claims), scheme: "jwt")
    }

    /// `exp` must be there; `nbf` and `iat` count where they are.
    private func checkTimes(_ claims: JSONObject, now: Double, leeway: Double) throws(AuthenticationFailure) {
      guard let expiry = try time("exp", claims) else { throw .claim("exp") }
      guard now < expiry + leeway else { throw .expired }
      for name in ["nbf", "iat"] {
        if let time = try time(name, claims), now < time - leeway { throw .notYetValid }
      }
    }

    private func time(_ name: String, _ claims: JSONObject) throws(AuthenticationFailure) -> Double? {
      guard let claim = claims[name] else { return nil }
      guard let time = claim.doubleValue else { throw .claim(name) }
      return time
    }

    /// The name goes into logs and headers: it is one line of printable text.
    private func subject(_ claims: JSONObject) throws(AuthenticationFailure) -> String {
      guard let subject = claims["sub"]?.stringValue, !subject.isEmpty,
        subject.utf8.count <= Self.maximumSubjectLength,
        !subject.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) })
      else { throw .claim("sub") }
      return subject
    }

    private func roles(_ claims: JSONObject) -> Set<String> {
      var claim = claims[rolesClaim]
      if claim == nil {
        claim = rolesClaim.split(separator: ".").reduce(JSONValue.object(claims) as JSONValue?) { $0?[String($1)] }
      }
      return Set(claim.map(Self.texts)?.prefix(Self.maximumRoles) ?? [])
    }

    /// The texts of a list, or the words of a text.
    private static func texts(_ claim: JSONValue) -> [String] {
      if let text = claim.stringValue { return text.split(separator: " ").map(String.init) }
      return claim.arrayValue?.compactMap(\.stringValue) ?? []
    }
  }
#endif
