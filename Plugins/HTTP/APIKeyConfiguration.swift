public import MainstayKernel

/// One API key: who has it, and what they may do. One entry of `auth.api_keys:`.
public struct APIKeyConfiguration: PluginConfiguration {
  /// The shortest key that is accepted, in bytes.
  static let minimumLength = 16

  /// Who has the key.
  @Field("Who has the key; shown in logs.", minLength: 1, example: "grafana")
  public var name = ""

  /// The key.
  @Field("The key: at least 16 bytes, random (`openssl rand -hex 24`).")
  public var key: Secret<String>?

  /// The key's digest, where the key itself is not to be written down here.
  @Field("Instead of the key, its SHA-256 in hexadecimal (`printf %s KEY | sha256sum`).")
  public var sha256: String?

  /// What its holder may do.
  @Field("What its holder may do: viewer, operator, admin, or names that your plugins use.")
  public var roles = ["viewer"]

  /// The defaults.
  public init() {}

  /// A name, and either a key that is long enough or a digest.
  public func validate(into issues: inout ConfigurationChecks) {
    if name.isEmpty { issues.error("name", "is missing", remedy: "say who has the key, such as: name: grafana") }
    switch (key, sha256) {
    case (nil, nil):
      issues.error("key", "is missing", remedy: "make one with: openssl rand -hex 24")
    case (_?, _?):
      issues.error("sha256", "stands beside key", remedy: "keep one of them")
    case (let key?, nil) where key.reveal().utf8.count < Self.minimumLength:
      issues.error(
        "key", "has fewer than \(Self.minimumLength) bytes, so it can be guessed",
        remedy: "make one with: openssl rand -hex 24")
    case (nil, let digest?) where APIKeyDigest(hexadecimal: digest) == nil:
      issues.error("sha256", "must be 64 hexadecimal digits", remedy: "printf %s KEY | sha256sum")
    default: break
    }
    if roles.contains(where: { $0.isEmpty }) { issues.error("roles", "holds an empty name") }
  }

  /// The digest under which the key is known; nil if there is neither a key nor a digest.
  var digest: APIKeyDigest? {
    key.map { APIKeyDigest(of: $0.reveal()) } ?? sha256.flatMap { APIKeyDigest(hexadecimal: $0) }
  }
}
