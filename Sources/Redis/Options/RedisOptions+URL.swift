public import MainstayKernel

extension RedisOptions {
  /// Reads `redis://[user:password@]host[:port][/database]`, the same with `rediss` for TLS, or
  /// `unix://[user:password@]/path[?db=number]`. User and password may be percent-encoded.
  ///
  /// Throws a ``RedisError`` of code `configuration` that says what is wrong and never repeats the text.
  public init(url: Secret<String>) throws { try self.init(url: url.reveal()) }

  /// Reads a URL; see `init(url:)` of a secret.
  public init(url: String) throws {
    guard let colon = url.firstRange(of: "://") else {
      throw Self.refusal("it has no scheme; write redis://host:port/database")
    }
    let scheme = url[..<colon.lowerBound].lowercased()
    let (rest, query) = Self.split(url[colon.upperBound...], at: "?")
    let (login, place) = Self.splitLogin(rest)
    switch scheme {
    case "redis", "rediss": self = try Self.tcp(place, query: query)
    case "unix", "redis+unix": self = try Self.unix(place, query: query)
    default:
      throw Self.refusal("its scheme must be redis, rediss (for TLS) or unix")
    }
    if scheme == "rediss" { tls = RedisTLSOptions() }
    if let login { try setLogin(login) }
    try validate()
  }

  private static func tcp(_ place: Substring, query: Substring?) throws -> RedisOptions {
    if query != nil { throw refusal("nothing may follow a '?' here; the database is a path: redis://host/1") }
    let (authority, path) = split(place, at: "/")
    var host = authority
    var port: UInt16 = 6379
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { throw refusal("its IPv6 address has no ']' at its end") }
      host = authority[authority.index(after: authority.startIndex)..<end]
      let after = authority[authority.index(after: end)...]
      if !after.isEmpty {
        guard after.first == ":" else { throw refusal("after ']' must come a ':' and the port") }
        port = try Self.port(after.dropFirst())
      }
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      port = try Self.port(authority[authority.index(after: colon)...])
    }
    if host.isEmpty { throw refusal("it names no host") }
    var options = RedisOptions(.tcp(host: String(host), port: port))
    if let path, !path.isEmpty { options.database = try database(path) }
    return options
  }

  private static func unix(_ place: Substring, query: Substring?) throws -> RedisOptions {
    guard place.first == "/" else {
      throw refusal("the path of the socket must begin with '/': unix:///run/redis/redis.sock")
    }
    var options = RedisOptions(.unix(path: try decode(place)))
    for pair in query?.split(separator: "&") ?? [] {
      guard pair.hasPrefix("db=") else { throw refusal("only 'db' may follow the '?'") }
      options.database = try database(pair.dropFirst(3))
    }
    return options
  }

  private mutating func setLogin(_ login: Substring) throws {
    let (user, password) = Self.split(login, at: ":")
    guard let password else { throw Self.refusal("it has a user but no password; write user:password@ or :password@") }
    self.user = user.isEmpty ? nil : try Self.decode(user)
    self.password = password.isEmpty ? nil : Secret(try Self.decode(password))
  }

  private static func port(_ text: Substring) throws -> UInt16 {
    guard let port = UInt16(text), port > 0 else { throw refusal("its port must be a number from 1 to 65535") }
    return port
  }

  private static func database(_ text: Substring) throws -> Int {
    guard let number = Int(text), number >= 0 else { throw refusal("its database must be a number, 0 or more") }
    return number
  }

  private static func split(_ text: Substring, at character: Character) -> (Substring, Substring?) {
    guard let index = text.firstIndex(of: character) else { return (text, nil) }
    return (text[..<index], text[text.index(after: index)...])
  }

  /// The login ends at the last '@', since a password may hold one that is not encoded.
  private static func splitLogin(_ text: Substring) -> (Substring?, Substring) {
    guard let index = text.lastIndex(of: "@") else { return (nil, text) }
    return (text[..<index], text[text.index(after: index)...])
  }

  private static func decode(_ text: Substring) throws -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = String(Substring(rest.prefix(2)))
      guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else {
        throw refusal("a '%' in it is not followed by two hexadecimal digits; a '%' itself is written %25")
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw refusal("what it encodes with '%' is not UTF-8")
    }
    return decoded
  }

  private static func refusal(_ reason: String) -> RedisError {
    RedisError(.configuration, "the URL of Redis cannot be used: \(reason)")
  }
}
