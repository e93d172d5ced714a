public import MainstayKernel

/// Who may call the routes that are not open: `auth:` of the HTTP server.
public struct AuthenticationConfiguration: PluginConfiguration {
  /// API keys.
  @Field("API keys, sent as `X-API-Key: KEY` or `Authorization: Bearer KEY`.")
  public var apiKeys: [APIKeyConfiguration] = []

  /// JSON Web Tokens.
  @Field("JSON Web Tokens, sent as `Authorization: Bearer TOKEN`.")
  public var jwt: JWTConfiguration?

  /// Who may call which path.
  @Field("Who may call which path, instead of what its plugin says: `/health: viewer`, `/templates/**: admin`.")
  public var access: [String: String] = [:]

  /// How often an address may present credentials that are not good.
  @Field("Failed logins that an address may have at once; more are refused with 429.", range: 1...10_000)
  public var failures = 10

  /// The time in which those are forgiven.
  @Field("The time in which that many failed logins are forgiven.", range: .seconds(1)...Duration.seconds(86_400))
  public var failurePeriod: Duration = .seconds(60)

  /// The defaults.
  public init() {}

  /// Names and keys must differ; paths must be paths.
  public func validate(into issues: inout ConfigurationChecks) {
    validateKeys(into: &issues)
    for (path, access) in access.sorted(by: { $0.key < $1.key }) {
      let field = ConfigPath([.key("access"), .key(path)])
      if let mistake = AuthenticationAccessRules.mistake(in: path) {
        issues.error(field, mistake, remedy: "write \(AuthenticationAccessRules.canonical(path))")
      }
      if access.isEmpty { issues.error(field, "must be open, authenticated, or the name of a role") }
    }
  }

  private func validateKeys(into issues: inout ConfigurationChecks) {
    var names: [String: Int] = [:]
    var digests: [APIKeyDigest: Int] = [:]
    for (index, key) in apiKeys.enumerated() {
      if let first = names.updateValue(index, forKey: key.name) {
        issues.error(
          ConfigPath([.key("api_keys"), .index(index), .key("name")]), "is that of api_keys[\(first)] too",
          remedy: "give each key a name of its own")
      }
      if let digest = key.digest, let first = digests.updateValue(index, forKey: digest) {
        issues.error(
          ConfigPath([.key("api_keys"), .index(index), .key("key")]), "is that of api_keys[\(first)] too",
          remedy: "make another with: openssl rand -hex 24")
      }
    }
  }

  /// Whether nobody can be authenticated.
  var isEmpty: Bool { apiKeys.isEmpty && jwt == nil }
}
