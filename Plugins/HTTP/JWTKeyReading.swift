#if JWT
  import Glibc
  import JWTKit
  import MainstayKernel

  extension JWTKeys {
    /// The largest file with keys, in bytes.
    private static let maximumFile = 1 << 20

    /// A shared secret for one algorithm.
    static func secret(
      _ secret: String, _ algorithm: JWTConfiguration.Algorithm
    ) async throws(JWTKeyError) -> any JWTAlgorithm {
      guard let least = algorithm.secretLength, secret.utf8.count >= least else {
        throw JWTKeyError("the secret has too few bytes for \(algorithm.rawValue), or it takes a public key")
      }
      let key = HMACKey(from: secret)
      return try await made("the secret") { collection in
        await collection.add(hmac: key, digestAlgorithm: algorithm.digest)
      }
    }

    /// A public key in PEM for one algorithm.
    static func publicKey(
      _ file: String, _ algorithm: JWTConfiguration.Algorithm
    ) async throws(JWTKeyError) -> any JWTAlgorithm {
      let pem = try text(of: file)
      guard pem.contains("-----BEGIN PUBLIC KEY-----") else {
        throw JWTKeyError("\(file) is no public key in PEM (-----BEGIN PUBLIC KEY-----)")
      }
      return try await made("\(file), as a key for \(algorithm.rawValue),") { collection in
        switch algorithm {
        case .HS256, .HS384, .HS512: throw JWTKeyError("\(algorithm.rawValue) takes a secret")
        case .RS256, .RS384, .RS512:
          await collection.add(rsa: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: algorithm.digest)
        case .PS256, .PS384, .PS512:
          await collection.add(pss: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: algorithm.digest)
        case .ES256: await collection.add(ecdsa: try ES256PublicKey(pem: pem))
        case .ES384: await collection.add(ecdsa: try ES384PublicKey(pem: pem))
        case .ES512: await collection.add(ecdsa: try ES512PublicKey(pem: pem))
        case .EdDSA: await collection.add(eddsa: try EdDSA.PublicKey(pem: pem))
        }
      }
    }

    /// The keys of a JSON Web Key Set that can verify signatures. Others, such as keys for encryption, are left out.
    static func keySet(_ file: String) async throws(JWTKeyError) -> [Key] {
      let json: JSONValue
      do {
        json = try JSONValue(parsing: try text(of: file))
      } catch let error as JSONError {
        throw JWTKeyError("\(file):\(error.line):\(error.column): \(error.message)")
      } catch let error as JWTKeyError {
        throw error
      } catch {
        throw JWTKeyError("\(file): \(error)")
      }
      guard let entries = json["keys"]?.arrayValue else { throw JWTKeyError("\(file) has no list 'keys'") }
      var keys: [Key] = []
      for (index, entry) in entries.enumerated() where entry.isForSignatures {
        keys.append(try await key(entry, "\(file): keys[\(index)]"))
      }
      guard !keys.isEmpty else { throw JWTKeyError("\(file) has no key that verifies signatures") }
      return keys
    }

    private static func key(_ entry: JSONValue, _ place: String) async throws(JWTKeyError) -> Key {
      guard entry["d"] == nil, entry["k"] == nil else {
        throw JWTKeyError("\(place) is a secret key; a key set holds public keys alone")
      }
      guard let algorithm = entry.signatureAlgorithm, let algorithm = JWK.Algorithm(rawValue: algorithm) else {
        throw JWTKeyError("\(place) does not say its algorithm; add \"alg\", such as \"RS256\"")
      }
      let algorithmOfKey = try await made(place) { collection in
        var key = try JWK(json: entry.compact)
        key.algorithm = algorithm
        key.keyIdentifier = key.keyIdentifier ?? JWKIdentifier(string: "key")
        try await collection.add(jwk: key, isDefault: true)
      }
      return Key(id: entry["kid"]?.stringValue, algorithm: algorithmOfKey)
    }

    /// The algorithm that a collection made of one key: JWTKit hands out algorithms only through a collection.
    private static func made(
      _ what: String, _ add: (JWTKeyCollection) async throws -> Void
    ) async throws(JWTKeyError) -> any JWTAlgorithm {
      do {
        let collection = JWTKeyCollection()
        try await add(collection)
        return try await collection.getKey()
      } catch {
        throw JWTKeyError("\(what) cannot be used: \(error)")
      }
    }

    private static func text(of file: String) throws(JWTKeyError) -> String {
      guard let stream = fopen(file, "r") else {
        throw JWTKeyError("cannot read \(file): \(String(cString: strerror(errno)))")
      }
      defer { fclose(stream) }
      var bytes = [UInt8](repeating: 0, count: maximumFile + 1)
      let count = fread(&bytes, 1, bytes.count, stream)
      guard count <= maximumFile, ferror(stream) == 0 else {
        throw JWTKeyError("cannot read \(file): it is no file of \(maximumFile) bytes or less")
      }
      return String(decoding: bytes[..<count], as: UTF8.self)
    }
  }

  extension JWTConfiguration.Algorithm {
    fileprivate var digest: DigestAlgorithm {
      switch self {
      case .HS384, .RS384, .PS384, .ES384: .sha384
      case .HS512, .RS512, .PS512, .ES512: .sha512
      default: .sha256
      }
    }
  }

  extension JSONValue {
    /// Whether a key of a key set may verify signatures.
    fileprivate var isForSignatures: Bool {
      guard let use = self["use"]?.stringValue else { return true }
      return use == "sig"
    }

    /// The algorithm of a key: what it says, or the only one that its curve has.
    fileprivate var signatureAlgorithm: String? {
      if let stated = self["alg"]?.stringValue { return stated }
      switch self["crv"]?.stringValue {
      case "P-256": return "ES256"
      case "P-384": return "ES384"
      case "P-521": return "ES512"
      case "Ed25519": return "EdDSA"
      default: return nil
      }
    }
  }
#endif
