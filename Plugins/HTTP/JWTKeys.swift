#if JWT
  import FoundationEssentials
  import JWTKit
  import MainstayKernel

  /// The keys with which tokens may be signed, each tied to its one algorithm. A token chooses among them; it cannot
  /// bring an algorithm of its own, and `none` is none of them.
  struct JWTKeys: Sendable {
    /// A key and the only algorithm it is used with.
    struct Key: Sendable {
      let id: String?
      let algorithm: any JWTAlgorithm
    }

    private let keys: [Key]

    /// How many keys there are.
    var count: Int { keys.count }

    /// The keys that a configuration names. Throws, with file and remedy, if they cannot be used.
    init(_ configuration: JWTConfiguration) async throws(JWTKeyError) {
      if let secret = configuration.secret {
        keys = [Key(id: nil, algorithm: try await Self.secret(secret.reveal(), configuration.algorithm))]
      } else if let file = configuration.publicKeyFile {
        keys = [Key(id: nil, algorithm: try await Self.publicKey(file, configuration.algorithm))]
      } else if let file = configuration.jwksFile {
        keys = try await Self.keySet(file)
      } else {
        throw JWTKeyError("there is no key for tokens; set one of secret, public_key_file, jwks_file")
      }
    }

    /// Throws unless the token's signature is that of a key for the algorithm it names.
    func verify(_ token: JWTToken) throws(AuthenticationFailure) {
      let candidates = keys.filter { key in
        key.algorithm.name == token.algorithm && (key.id == nil || token.keyID == nil || key.id == token.keyID)
      }
      guard !candidates.isEmpty else { throw .unknownSigner }
      let isGood = candidates.contains { key in
        (try? key.algorithm.verify(token.signature, signs: token.signed)) ?? false
      }
      guard isGood else { throw .badSignature }
    }
  }

  /// Why a key cannot be used.
  struct JWTKeyError: Error, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
  }
#endif
