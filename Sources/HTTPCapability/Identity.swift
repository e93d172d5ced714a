/// Who sent a request, once proved.
public struct Identity: Sendable, Hashable {
  /// The name by which the caller is known: of an API key, or the subject of a token. Shown in logs; not a secret.
  public let subject: String
  /// What the caller may do.
  public let roles: Set<String>
  /// How the identity was proved: `api-key`, `jwt`.
  public let scheme: String

  /// An identity.
  public init(subject: String, roles: Set<String> = [], scheme: String) {
    self.subject = subject
    self.roles = roles
    self.scheme = scheme
  }
}
