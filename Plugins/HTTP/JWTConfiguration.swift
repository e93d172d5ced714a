public import MainstayKernel

/// Which JSON Web Tokens are accepted: `auth.jwt:` of the HTTP server.
///
/// Keys come from one of three places: a shared secret, a public key, a set of public keys. What signs a token is
/// decided here, never by the token.
public struct JWTConfiguration: PluginConfiguration {
  /// How tokens are signed.
  public enum Algorithm: String, Sendable, CaseIterable, ConfigValue {
    /// HMAC with SHA-2 and a shared secret.
    case HS256, HS384, HS512
    /// RSA (PKCS #1 v1.5) with SHA-2.
    case RS256, RS384, RS512
    /// RSA (PSS) with SHA-2.
    case PS256, PS384, PS512
    /// ECDSA on the curves P-256, P-384 and P-521.
    case ES256, ES384, ES512
    /// Ed25519.
    case EdDSA

    /// The least number of bytes of a shared secret: those of the hash; nil if the algorithm has public keys.
    var secretLength: Int? {
      switch self {
      case .HS256: 32
      case .HS384: 48
      case .HS512: 64
      default: nil
      }
    }
  }

  /// How tokens are signed.
  @Field("How tokens are signed, with secret or public_key_file.")
  public var algorithm = Algorithm.HS256

  /// The shared secret.
  @Field("The secret shared with the issuer, for HS256 (32 bytes or more), HS384 (48) and HS512 (64).")
  public var secret: Secret<String>?

  /// The issuer's public key.
  @Field("File with the issuer's public key in PEM.", example: "keys/issuer.pem")
  public var publicKeyFile: String?

  /// The issuer's public keys.
  @Field("File with the issuer's public keys as a JSON Web Key Set; each key says its algorithm.")
  public var jwksFile: String?

  /// Who must have issued a token.
  @Field("Who must have issued a token (`iss`); absent: whoever has the key.")
  public var issuer: String?

  /// For whom a token must be.
  @Field("For whom a token must be (`aud`); absent: anybody.")
  public var audience: String?

  /// How far clocks may differ.
  @Field("How far the issuer's clock may differ from ours.", range: .zero...Duration.seconds(300))
  public var leeway: Duration = .seconds(30)

  /// The claim with the roles.
  @Field("Claim with the roles: a list, or names with blanks between; `a.b` is `b` inside of `a`.", minLength: 1)
  public var rolesClaim = "roles"

  /// The defaults.
  public init() {}

  /// One place for keys, and a secret that is long enough.
  public func validate(into issues: inout ConfigurationChecks) {
    #if !JWT
      issues.error(
        "algorithm", "cannot be used: this program was built without the trait JWT",
        remedy: "add \"JWT\" to the traits of the mainstay package")
    #endif
    let places = [secret == nil, publicKeyFile == nil, jwksFile == nil].count { !$0 }
    if places != 1 {
      issues.error(
        places == 0 ? "secret" : "algorithm",
        places == 0 ? "is missing" : "has keys from \(places) places",
        remedy: "set one of secret, public_key_file, jwks_file")
    }
    validateSecret(into: &issues)
  }

  private func validateSecret(into issues: inout ConfigurationChecks) {
    switch (secret, algorithm.secretLength) {
    case (let secret?, let least?) where secret.reveal().utf8.count < least:
      issues.error(
        "secret", "has fewer than \(least) bytes, too few for \(algorithm.rawValue)",
        remedy: "make one with: openssl rand -hex \(least)")
    case (_?, nil):
      issues.error(
        "algorithm", "is one with public keys, but secret is set", remedy: "write HS256, or set public_key_file")
    case (nil, _?) where publicKeyFile != nil:
      // The classic confusion: a public key taken for a shared secret would let everybody sign.
      issues.error(
        "algorithm", "is one with a shared secret, but public_key_file is set",
        remedy: "write the algorithm of the key, such as RS256, ES256 or EdDSA")
    default: break
    }
  }
}
