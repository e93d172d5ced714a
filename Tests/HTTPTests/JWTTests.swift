#if JWT
  import FoundationEssentials
  import JWTKit
  import MainstayHTTP
  import MainstayKernel
  import MainstayTesting
  import Testing

  @testable import MainstayHTTPServer

  @Suite struct JWTTests {
    /// 2025-01-01T00:00:00Z
    private let now = 1_735_689_600
    private let clock = ManualClock()
    private let secret = "0123456789abcdef0123456789abcdef"

    private func configuration(_ change: (inout JWTConfiguration) -> Void = { _ in }) -> JWTConfiguration {
      var configuration = JWTConfiguration()
      configuration.secret = Secret(secret)
      change(&configuration)
      return configuration
    }

    /// A token with any header and claims, signed with the secret.
    private func token(
      _ claims: JSONValue, header: JSONValue = ["alg": "HS256", "typ": "JWT"], secret: String? = nil
    ) async throws -> String {
      let signed = Self.base64(header.utf8()) + "." + Self.base64(claims.utf8())
      let collection = JWTKeyCollection()
      await collection.add(hmac: HMACKey(from: secret ?? self.secret), digestAlgorithm: .sha256)
      let signature = try await collection.getKey().sign(Array(signed.utf8))
      return signed + "." + Self.base64(signature)
    }

    private static func base64(_ bytes: [UInt8]) -> String {
      Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private func reason(
      _ token: String, _ change: (inout JWTConfiguration) -> Void = { _ in }
    ) async throws -> String {
      let authenticator = try await JWTAuthenticator(configuration(change), clock: clock)
      do {
        return try authenticator.identity(token).map { "\($0.subject) \($0.roles.sorted())" } ?? "none"
      } catch {
        return error.reason
      }
    }

    private func claims(_ more: JSONObject = [:]) -> JSONValue {
      var claims: JSONObject = ["sub": "ada", "exp": .integer(Int64(now + 60)), "roles": ["operator"]]
      for (key, value) in more { claims[key] = value }
      return .object(claims)
    }

    @Test func knowsWhoATokenSpeaksOf() async throws {
      #expect(try await reason(token(claims())) == "ada [\"operator\"]")
      #expect(try await reason(token(claims(["roles": "viewer editor"]))) == "ada [\"editor\", \"viewer\"]")
      #expect(try await reason(token(claims(["roles": 7]))) == "ada []")
      let nested = claims(["realm_access": ["roles": ["admin"]]])
      #expect(try await reason(token(nested)) { $0.rolesClaim = "realm_access.roles" } == "ada [\"admin\"]")
      #expect(try await reason(token(claims(["a.b": ["x"]]))) { $0.rolesClaim = "a.b" } == "ada [\"x\"]")
    }

    @Test func checksTimes() async throws {
      func at(_ claim: String, _ offset: Int) async throws -> String {
        try await reason(token(claims([claim: .integer(Int64(now + offset))])))
      }
      #expect(try await at("exp", -29) == "ada [\"operator\"]")
      #expect(try await at("exp", -30) == "expired")
      #expect(try await at("nbf", 30) == "ada [\"operator\"]")
      #expect(try await at("nbf", 31) == "not-yet-valid")
      #expect(try await at("iat", 31) == "not-yet-valid")
      #expect(try await reason(token(["sub": "ada"])) == "claim-exp")
      #expect(try await reason(token(claims(["exp": "tomorrow"]))) == "claim-exp")
      #expect(try await reason(token(claims(["exp": 1e300]))) == "ada [\"operator\"]")
      #expect(try await reason(token(claims(["exp": -1e300]))) == "expired")
    }

    @Test func checksIssuerAudienceAndSubject() async throws {
      let strict: (inout JWTConfiguration) -> Void = {
        $0.issuer = "https://issuer"
        $0.audience = "mainstay"
      }
      let good: JSONObject = ["iss": "https://issuer", "aud": ["other", "mainstay"]]
      #expect(try await reason(token(claims(good)), strict) == "ada [\"operator\"]")
      #expect(
        try await reason(token(claims(["iss": "https://issuer", "aud": "mainstay"])), strict) == "ada [\"operator\"]")
      #expect(try await reason(token(claims(["iss": "https://issuer"])), strict) == "claim-aud")
      #expect(try await reason(token(claims(["iss": "https://issuer", "aud": "x"])), strict) == "wrong-aud")
      #expect(try await reason(token(claims(["iss": "https://other", "aud": "mainstay"])), strict) == "wrong-iss")
      #expect(try await reason(token(claims(["aud": "mainstay"])), strict) == "claim-iss")
      #expect(try await reason(token(claims(["sub": ""]))) == "claim-sub")
      #expect(try await reason(token(claims(["sub": "a\nb"]))) == "claim-sub")
      #expect(try await reason(token(claims(["sub": 7]))) == "claim-sub")
    }

    @Test func aTokenCannotChooseHowItIsChecked() async throws {
      for header: JSONValue in [
        ["alg": "none"], ["alg": "None"], ["alg": "HS384"], ["alg": "RS256"], ["alg": "hs256"],
      ] {
        let signed = try await token(claims(), header: header)
        #expect(try await reason(signed) == "unknown-signer")
        let parts = signed.split(separator: ".")
        #expect(try await reason(parts[0] + "." + parts[1] + ".") == "unknown-signer")
      }
      for header: JSONValue in [
        ["typ": "JWT"], ["alg": 7], ["alg": "HS256", "crit": ["exp"]], ["alg": "HS256", "b64": false], ["HS256"],
        ["alg": "HS256", "zip": "DEF"],
      ] {
        #expect(["malformed-token", "none"].contains(try await reason(token(claims(), header: header))), "\(header)")
      }
      #expect(try await reason(token(claims(), secret: "another secret of thirty-two bytes!")) == "bad-signature")
    }

    @Test func aPublicKeyIsNoSecret() async throws {
      let (pem, sign) = try await ecdsa()
      let file = try TemporaryFolder(["file": pem])
      let change: (inout JWTConfiguration) -> Void = {
        $0.secret = nil
        $0.publicKeyFile = file.path + "/file"
        $0.algorithm = .ES256
      }
      #expect(try await reason(sign(claims()), change) == "ada [\"operator\"]")
      // Signed with the text of the public key as a shared secret: the classic confusion.
      #expect(try await reason(token(claims(), secret: pem), change) == "unknown-signer")
      let relabelled = try await token(claims(), header: ["alg": "ES256"], secret: pem)
      #expect(try await reason(relabelled, change) == "bad-signature")
    }

    private func ecdsa() async throws -> (pem: String, sign: (JSONValue) async throws -> String) {
      let key = ES256PrivateKey()
      let collection = JWTKeyCollection()
      await collection.add(ecdsa: key)
      let algorithm = try await collection.getKey()
      return (
        key.publicKey.pemRepresentation,
        { claims in
          let signed = Self.base64(JSONValue.object(["alg": "ES256"]).utf8()) + "." + Self.base64(claims.utf8())
          return try signed + "." + Self.base64(algorithm.sign(Array(signed.utf8)))
        }
      )
    }

    @Test func knowsRSAAndEdwardsKeys() async throws {
      // Made with: openssl genpkey -algorithm ed25519 | openssl pkey -pubout
      let edwards = try EdDSA.PrivateKey()
      let collection = JWTKeyCollection()
      await collection.add(eddsa: edwards)
      let signed =
        Self.base64(JSONValue.object(["alg": "EdDSA", "kid": "one"]).utf8()) + "." + Self.base64(claims().utf8())
      let token = try await signed + "." + Self.base64(collection.getKey().sign(Array(signed.utf8)))
      let x = Self.base64(Array(edwards.publicKey.rawRepresentation))
      let set = try TemporaryFolder([
        "file":
          """
        {"keys": [
          {"kty": "OKP", "crv": "Ed25519", "kid": "one", "use": "sig", "x": "\(x)"},
          {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"}
        ]}
        """
      ])
      let change: (inout JWTConfiguration) -> Void = {
        $0.secret = nil
        $0.jwksFile = set.path + "/file"
      }
      #expect(try await reason(token, change) == "ada [\"operator\"]")
      let other = try TemporaryFolder([
        "file":
          "{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"kid\": \"two\", \"x\": \"\(x)\"}]}"
      ])
      #expect(
        try await reason(token) {
          $0.secret = nil
          $0.jwksFile = other.path + "/file"
        } == "unknown-signer")
    }

    @Test(arguments: [
      ("{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}", "does not say its algorithm"),
      ("{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"x\": \"AA\"}]}", "keys[0] cannot be used"),
      ("{\"keys\": [{\"kty\": \"oct\", \"k\": \"AAAA\", \"alg\": \"HS256\"}]}", "is a secret key"),
      ("{\"keys\": [", ":1:"), ("{}", "has no list 'keys'"), ("{\"keys\": []}", "no key that verifies"),
    ])
    func saysWhichKeyCannotBeUsed(text: String, message: String) async throws {
      let file = try TemporaryFolder(["file": text])
      let error = await #expect(throws: JWTKeyError.self) {
        try await JWTKeys(
          configuration {
            $0.secret = nil
            $0.jwksFile = file.path + "/file"
          })
      }
      #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains(file.path) == true)
    }

    @Test func saysWhichFileCannotBeRead() async {
      let error = await #expect(throws: JWTKeyError.self) {
        try await JWTKeys(
          configuration {
            $0.secret = nil
            $0.publicKeyFile = "/does/not/exist.pem"
          })
      }
      #expect(error?.description.contains("/does/not/exist.pem") == true)
    }

    @Test func noTokenOutOfTenThousandIsAccepted() async throws {
      let authenticator = try await JWTAuthenticator(configuration(), clock: clock)
      let good = Array(try await token(claims()).utf8)
      #expect(try authenticator.identity(String(decoding: good, as: UTF8.self))?.subject == "ada")
      var random = SeededGenerator(seed: 11)
      for _ in 0..<10_000 {
        var bytes = good
        for _ in 0..<Int.random(in: 1...3, using: &random) { Self.mutate(&bytes, &random) }
        guard bytes != good else { continue }
        let text = String(decoding: bytes, as: UTF8.self)
        let identity = try? authenticator.identity(text)
        #expect(identity == nil, "\(text)")
      }
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
      let at = Int.random(in: 0..<max(1, bytes.count), using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes.insert(.random(in: 0...255, using: &random), at: at)
      case 2: bytes.remove(at: at)
      case 3: bytes.swapAt(at, Int.random(in: 0..<bytes.count, using: &random))
      default: bytes.append(contentsOf: "..=A-_".utf8.shuffled(using: &random).prefix(2))
      }
    }

    @Test func base64HasOneSpellingForEachValue() {
      #expect(Base64URL.decode(Array("AQAB".utf8)[...]) == [1, 0, 1])
      #expect(Base64URL.decode(Array("_-8".utf8)[...]) == [0xFF, 0xEF])
      #expect(Base64URL.decode([]) == [])
      for text in ["A", "AQ=", "AB", "AQA+", "AQ AB", "AQAB\n"] {
        #expect(Base64URL.decode(Array(text.utf8)[...]) == nil, "\(text)")
      }
    }
  }
#endif
