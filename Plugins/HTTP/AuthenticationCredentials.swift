import HTTPTypes

/// What a request presents to prove who sends it.
enum AuthenticationCredentials: Sendable, Equatable {
  /// Nothing.
  case none
  /// `X-API-Key: …`
  case apiKey(String)
  /// `Authorization: Bearer …`
  case bearer(String)
  /// `Authorization:` with another scheme, in lower case.
  case other(scheme: String)

  /// Reads the header. `X-API-Key` counts before `Authorization`.
  /// Throws if one of them is there twice: two readers might each take a different one.
  init(_ headers: HTTPFields) throws(AuthenticationFailure) {
    let keys = headers.values("X-API-Key")
    let authorizations = headers[values: .authorization]
    guard keys.count <= 1, authorizations.count <= 1 else { throw .ambiguous }
    if let key = keys.first {
      guard !key.isEmpty else { throw .malformed }
      self = .apiKey(key)
    } else if let authorization = authorizations.first {
      self = try Self.parse(authorization)
    } else {
      self = .none
    }
  }

  private static func parse(_ authorization: String) throws(AuthenticationFailure) -> AuthenticationCredentials {
    let parts = authorization.split(separator: " ", maxSplits: 1)
    guard let scheme = parts.first?.lowercased() else { throw .malformed }
    guard scheme == "bearer" else { return .other(scheme: scheme) }
    guard parts.count == 2, isToken(parts[1]) else { throw .malformed }
    return .bearer(String(parts[1]))
  }

  /// One word of visible ASCII.
  private static func isToken(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }
}

/// Why credentials are not good. The client learns of some reasons only that they are not.
struct AuthenticationFailure: Error, Sendable, Equatable {
  /// The reason, for events and logs: `unknown-key`, `expired`.
  let reason: String
  /// What the client is told.
  let detail: String

  private init(_ reason: String, _ detail: String = "The credentials are not valid.") {
    self.reason = reason
    self.detail = detail
  }

  /// No such API key.
  static let unknownKey = AuthenticationFailure("unknown-key")
  /// A bearer token that is neither an API key nor a JSON Web Token.
  static let unknownToken = AuthenticationFailure("unknown-token")
  /// Credentials of a scheme that nobody here understands.
  static let unknownScheme = AuthenticationFailure(
    "unknown-scheme", "These credentials are of a scheme that is not accepted here.")
  /// A header that cannot be read.
  static let malformed = AuthenticationFailure("malformed", "The credentials cannot be read.")
  /// A header that is there twice.
  static let ambiguous = AuthenticationFailure("ambiguous", "The request carries credentials twice.")
  /// A token that is not well formed, or asks for something not understood.
  static let malformedToken = AuthenticationFailure("malformed-token")
  /// A token signed in a way, or with a key, that is not accepted here.
  static let unknownSigner = AuthenticationFailure("unknown-signer")
  /// A signature that does not fit.
  static let badSignature = AuthenticationFailure("bad-signature")
  /// Signed as it should be, but its time is over.
  static let expired = AuthenticationFailure("expired", "The token has expired.")
  /// Signed as it should be, but its time has not come.
  static let notYetValid = AuthenticationFailure("not-yet-valid", "The token is not valid yet.")
  /// Those that need no more said of them.
  static let usual = [
    unknownKey, unknownToken, unknownScheme, malformed, ambiguous, malformedToken, unknownSigner, badSignature, expired,
    notYetValid,
  ]
  /// Signed as it should be, but lacks a claim, or has one of the wrong type.
  static func claim(_ name: String) -> AuthenticationFailure {
    AuthenticationFailure("claim-\(name)", "The token's claim '\(name)' is missing or malformed.")
  }
  /// Signed as it should be, but by somebody else, or for somebody else.
  static func wrong(_ name: String) -> AuthenticationFailure {
    AuthenticationFailure("wrong-\(name)", "The token's claim '\(name)' is not the one expected here.")
  }
}
