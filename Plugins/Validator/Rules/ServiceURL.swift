/// The parts of an address that rules and connection tests look at: `scheme://user:password@host:port/…?options`.
struct ServiceURL: Sendable, Hashable {
  let scheme: String
  let password: String?
  /// The first host; nil for a socket file.
  let host: String?
  let port: Int?
  let options: [String: String]

  /// Reads an address. Nil if the text is none.
  init?(_ text: String) {
    guard let mark = text.firstRange(of: "://"), mark.lowerBound > text.startIndex else { return nil }
    let scheme = text[..<mark.lowerBound].lowercased()
    guard scheme.utf8.allSatisfy({ (0x61...0x7A).contains($0) || $0 == 0x2B }) else { return nil }
    var rest = text[mark.upperBound...]
    let query = rest.firstIndex(of: "?").map { rest[rest.index(after: $0)...] }
    rest = rest.prefix { $0 != "?" && $0 != "#" }
    let authority = rest.prefix { $0 != "/" }
    let at = authority.lastIndex(of: "@")
    let user = at.map { authority[..<$0] }
    let place = at.map { authority[authority.index(after: $0)...] } ?? authority
    self.scheme = scheme
    password = user.flatMap { user in user.firstIndex(of: ":").map { String(user[user.index(after: $0)...]) } }
    options = Self.options(query ?? "")
    (host, port) = Self.place(place.prefix { $0 != "," })
  }

  /// The port, or the usual one.
  var knownPort: Int? {
    if let port { return port }
    return switch scheme {
    case "postgres", "postgresql": 5432
    case "redis", "rediss": 6379
    case "https": 443
    case "http": 80
    default: nil
    }
  }

  /// Whether it is on this machine, where nobody listens on the wire.
  var isLocal: Bool {
    guard let host else { return true }
    return host == "localhost" || host == "::1" || host.hasPrefix("127.")
  }

  /// Whether what is sent is encrypted.
  var isEncrypted: Bool {
    if scheme == "rediss" || scheme == "https" { return true }
    return ["require", "verify-ca", "verify-full"].contains(options["sslmode"] ?? "")
  }

  private static func options(_ query: Substring) -> [String: String] {
    Dictionary(
      query.split(separator: "&").compactMap { pair in
        pair.firstIndex(of: "=").map { (String(pair[..<$0]), String(pair[pair.index(after: $0)...])) }
      }, uniquingKeysWith: { _, last in last })
  }

  private static func place(_ text: Substring) -> (String?, Int?) {
    // A socket file is written as an escaped path in place of the host.
    if text.isEmpty || text.hasPrefix("%2") { return (nil, nil) }
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      let after = text[text.index(after: end)...]
      return (
        String(text[text.index(after: text.startIndex)..<end]), after.hasPrefix(":") ? Int(after.dropFirst()) : nil
      )
    }
    guard let colon = text.lastIndex(of: ":") else { return (String(text), nil) }
    return (String(text[..<colon]), Int(text[text.index(after: colon)...]))
  }
}
