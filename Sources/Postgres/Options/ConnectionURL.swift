/// Parses what follows the scheme of `postgres://[user[:password]@][host[:port],…][/database][?keyword=value&…]`.
struct ConnectionURL {
  private let rest: Substring
  private var parsed = ParsedOptions()

  init(rest: Substring) { self.rest = rest }

  static let encodingRemedy = "in a URL, write % / ? # @ : & as %25 %2F %3F %23 %40 %3A %26 within user and password"

  static func withoutScheme(_ text: String) -> Substring? {
    for scheme in ["postgres://", "postgresql://"] where text.hasPrefix(scheme) { return text.dropFirst(scheme.count) }
    return nil
  }

  mutating func parse() throws(PostgresError) -> ParsedOptions {
    let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    try parse(authority: rest[..<authorityEnd])
    var tail = rest[authorityEnd...]
    let query = tail.firstIndex(of: "?").map { tail[$0...].dropFirst() }
    if tail.first == "/" {
      tail = tail.dropFirst().prefix { $0 != "?" }
      if !tail.isEmpty { try add("dbname", tail) }
    }
    if let query { try parse(query: query) }
    return parsed
  }

  private mutating func parse(authority: Substring) throws(PostgresError) {
    var servers = authority
    if let at = authority.firstIndex(of: "@") {
      let user = authority[..<at]
      servers = authority[at...].dropFirst()
      let colon = user.firstIndex(of: ":") ?? user.endIndex
      if colon > user.startIndex { try add("user", user[..<colon]) }
      if colon < user.endIndex { try add("password", user[colon...].dropFirst()) }
    }
    if servers.contains("@") || authority.contains("#") { throw ConnectionURL.ambiguous }
    if servers.isEmpty { return }
    for server in servers.split(separator: ",", omittingEmptySubsequences: false) { try parse(server: server) }
  }

  private static var ambiguous: PostgresError {
    PostgresError(.options, "the URL cannot be told apart into user, password and servers; \(encodingRemedy)")
  }

  private mutating func parse(server: Substring) throws(PostgresError) {
    var host = server
    var port: Substring = ""
    if server.first == "[" {
      guard let end = server.firstIndex(of: "]") else { throw ConnectionURL.unclosed }
      host = server[..<end].dropFirst()
      let after = server[end...].dropFirst()
      guard !host.isEmpty, after.isEmpty || after.first == ":" else { throw ConnectionURL.unclosed }
      port = after.dropFirst()
    } else if let colon = server.firstIndex(of: ":") {
      host = server[..<colon]
      port = server[colon...].dropFirst()
    }
    parsed.hosts = (parsed.hosts ?? []) + [try ConnectionURL.decoded(host)]
    parsed.ports = (parsed.ports ?? []) + [try ConnectionURL.decoded(port)]
  }

  private static var unclosed: PostgresError {
    PostgresError(.options, "an IPv6 address is written [::1] or [::1]:5432")
  }

  private mutating func parse(query: Substring) throws(PostgresError) {
    // A '?' within a password makes the rest of the URL look like the query; the '@' behind it gives it away.
    parsed.mayShowKeywords = !query.contains("@")
    for pair in query.split(separator: "&") {
      guard let equals = pair.firstIndex(of: "="), !pair[equals...].dropFirst().contains("=") else {
        throw PostgresError(
          .options, "after '?' stand pairs keyword=value, separated by '&'; \(ConnectionURL.encodingRemedy)")
      }
      try add(try ConnectionURL.decoded(pair[..<equals]), pair[equals...].dropFirst())
    }
  }

  private mutating func add(_ keyword: String, _ encoded: Substring) throws(PostgresError) {
    let value = try ConnectionURL.decoded(encoded)
    switch (keyword, value) {
    case ("ssl", "true"): parsed.pairs.append(("sslmode", "require"))
    case ("host", _): parsed.hosts = nil
    case ("port", _): parsed.ports = nil
    default: break
    }
    if keyword != "ssl" { parsed.pairs.append((keyword, value)) }
  }

  /// Resolves `%2F` and its like (RFC 3986, section 2.1).
  static func decoded(_ text: Substring) throws(PostgresError) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(PostgresCell.digit),
        let low = rest.popFirst().flatMap(PostgresCell.digit)
      else { throw PostgresError(.options, "a '%' is not followed by two hexadecimal digits; \(encodingRemedy)") }
      bytes.append(high << 4 | low)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw PostgresError(.options, "percent-encoded bytes are not UTF-8, or zero")
    }
    return decoded
  }
}
