#if JWT
  import MainstayKernel

  /// A JSON Web Token taken apart (RFC 7515, compact form). Nothing of it is believed yet.
  struct JWTToken: Sendable {
    /// The longest token that is looked at.
    static let maximumLength = 8192

    /// `alg`: how it says to be signed.
    let algorithm: String
    /// `kid`: the key it says to be signed with.
    let keyID: String?
    /// Its claims.
    let claims: JSONObject
    /// What is signed: header and claims as they were sent.
    let signed: [UInt8]
    /// The signature.
    let signature: [UInt8]

    /// Takes a token apart. Throws if anything about it is not as the standard says, or asks for an extension.
    init(_ text: String) throws(AuthenticationFailure) {
      guard text.utf8.count <= Self.maximumLength else { throw .malformedToken }
      let bytes = Array(text.utf8)
      let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      guard parts.count == 3, let signature = Base64URL.decode(parts[2]) else { throw .malformedToken }
      let header = try Self.object(parts[0])
      guard let algorithm = header["alg"]?.stringValue else { throw .malformedToken }
      // What is critical must be understood, and no extension is.
      guard header["crit"] == nil, header["b64"] == nil, header["zip"] == nil else { throw .malformedToken }
      self.algorithm = algorithm
      keyID = header["kid"]?.stringValue
      claims = try Self.object(parts[1])
      signed = Array(bytes[..<(parts[2].startIndex - 1)])
      self.signature = signature
    }

    /// Whether a bearer token has the form of one, so that it is no API key.
    static func looksLikeOne(_ text: String) -> Bool {
      text.hasPrefix("eyJ") && text.utf8.count { $0 == UInt8(ascii: ".") } == 2
    }

    private static func object(_ part: ArraySlice<UInt8>) throws(AuthenticationFailure) -> JSONObject {
      guard let bytes = Base64URL.decode(part),
        let json = try? JSONValue(parsing: bytes, limits: .init(bytes: maximumLength, depth: 16)),
        let object = json.objectValue
      else { throw .malformedToken }
      return object
    }
  }

  /// Base64 in the alphabet for URLs, without padding (RFC 4648, section 5). Strict: one spelling for each value.
  enum Base64URL {
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
      guard text.count % 4 != 1 else { return nil }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(text.count * 3 / 4)
      var (accumulator, bits) = (UInt32(0), 0)
      for character in text {
        guard let value = value(character) else { return nil }
        accumulator = (accumulator << 6 | value) & 0xFFFF
        bits += 6
        guard bits >= 8 else { continue }
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
      }
      // Bits left over must be zero, or one value had several spellings.
      return accumulator & (1 << UInt32(bits) - 1) == 0 ? bytes : nil
    }

    private static func value(_ character: UInt8) -> UInt32? {
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
      case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
      case UInt8(ascii: "-"): 62
      case UInt8(ascii: "_"): 63
      default: nil
      }
    }
  }
#endif
