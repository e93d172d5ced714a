/// The parts of an address that rules and connection tests look at: `scheme://user:password@host:port/…?options`.
struct ServiceURL: Sendable, Hashable {
  /// Where an address leads.
  enum Place: Sendable, Hashable {
    /// Another program, over the network.
    case host(String, port: Int?)
    /// A socket file on this machine.
    case socket(String)
  }

  let scheme: String
  /// The user's name, decoded.
  let user: String?
  /// The password, decoded.
  let password: String?
  /// Where it leads, in the order in which it is tried. Empty if the address leaves that to the library.
  let places: [Place]
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
    let credentials = at.map { authority[..<$0] }
    let colon = credentials?.firstIndex(of: ":")
    self.scheme = scheme
    user = credentials.map { Self.decoded($0.prefix { $0 != ":" }) }
    password = credentials.flatMap { text in colon.map { Self.decoded(text[text.index(after: $0)...]) } }
    options = Self.options(query ?? "")
    places =
      scheme == "unix"
      ? rest.dropFirst(authority.count).isEmpty ? [] : [.socket(Self.decoded(rest.dropFirst(authority.count)))]
      : Self.places(at.map { authority[authority.index(after: $0)...] } ?? authority, options)
  }

  /// The first host; nil for a socket file.
  var host: String? {
    for case .host(let host, _) in places { return host }
    return nil
  }

  /// The port of the first host, if it is named.
  var port: Int? {
    for case .host(_, let port) in places { return port }
    return nil
  }

  /// The port where none is named.
  var usualPort: Int? {
    switch scheme {
    case "postgres", "postgresql": 5432
    case "redis", "rediss": 6379
    case "https": 443
    case "http": 80
    default: nil
    }
  }

  /// Whether it is on this machine, where nobody listens on the wire.
  var isLocal: Bool {
    places.allSatisfy { place in
      guard case .host(let host, _) = place else { return true }
      return host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
  }

  /// Whether what is sent is encrypted.
  var isEncrypted: Bool {
    if scheme == "rediss" || scheme == "https" { return true }
    return ["require", "verify-ca", "verify-full"].contains(options["sslmode"] ?? "")
  }

  private static func options(_ query: Substring) -> [String: String] {
    Dictionary(
      query.split(separator: "&").compactMap { pair in
        pair.firstIndex(of: "=").map { (String(pair[..<$0]), decoded(pair[pair.index(after: $0)...])) }
      }, uniquingKeysWith: { _, last in last })
  }

  /// The hosts of an authority, separated by commas, or that libpq finds in the options.
  private static func places(_ authority: Substring, _ options: [String: String]) -> [Place] {
    let named = authority.split(separator: ",").compactMap { place($0) }
    guard named.isEmpty, let hosts = options["host"] else { return named }
    let port = options["port"].flatMap { Int($0) }
    return hosts.split(separator: ",").map { place(String($0), port) }
  }

  private static func place(_ text: Substring) -> Place? {
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      let after = text[text.index(after: end)...]
      let host = String(text[text.index(after: text.startIndex)..<end])
      return .host(host, port: after.hasPrefix(":") ? Int(after.dropFirst()) : nil)
    }
    guard let colon = text.lastIndex(of: ":") else { return place(decoded(text), nil) }
    let host = decoded(text[..<colon])
    return host.isEmpty ? nil : place(host, Int(text[text.index(after: colon)...]))
  }

  /// A folder in place of a host holds the socket files of PostgreSQL.
  private static func place(_ host: String, _ port: Int?) -> Place {
    host.hasPrefix("/") ? .socket("\(host)/.s.PGSQL.\(port ?? 5432)") : .host(host, port: port)
  }

  /// Replaces `%2F` and the like; what is malformed stays as it is.
  private static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2, let code = UInt8(Substring(rest.prefix(2)), radix: 16) {
        bytes.append(code)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
