extension PostgresOptions {
  /// The longest connection string that is read, in bytes.
  static let longestText = 65_536

  /// Reads `postgres://user:password@host:5432/database?sslmode=require`, its variant `postgresql://`, or
  /// `host=… dbname=…` ("Connection Strings" in libpq's manual). Several servers are separated by commas. Throws
  /// `PostgresError` of code `options`; no error shows any value, since a piece of a password may stand anywhere in a
  /// string that is wrong.
  public init(parsing text: String) throws(PostgresError) {
    guard text.utf8.count <= PostgresOptions.longestText else {
      throw PostgresError(.options, "the connection string is longer than \(PostgresOptions.longestText) bytes")
    }
    guard !text.utf8.contains(0) else { throw PostgresError(.options, "the connection string holds U+0000") }
    if let rest = ConnectionURL.withoutScheme(text) {
      var url = ConnectionURL(rest: rest)
      try self.init(try url.parse())
    } else if text.contains("://") {
      throw PostgresError(.options, "the scheme of the connection string is not postgres:// or postgresql://")
    } else {
      var pairs = ConnectionPairs(text)
      try self.init(try pairs.parse())
    }
  }

  /// Of two values for one keyword the later counts, as in libpq.
  private init(_ parsed: ParsedOptions) throws(PostgresError) {
    var values: [String: String] = [:]
    for (index, pair) in parsed.pairs.enumerated() {
      if !OptionKeyword.isServer.contains(pair.keyword), !OptionKeyword.known.contains(pair.keyword) {
        throw parsed.mayShowKeywords
          ? OptionKeyword.unknown(pair.keyword)
          : PostgresError(.options, "libpq does not know keyword \(index + 1); \(ConnectionURL.encodingRemedy)")
      }
      values[pair.keyword] = pair.value
    }
    func list(_ keyword: String) -> [String] {
      guard let value = values.removeValue(forKey: keyword), !value.isEmpty else { return [] }
      return value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    self.init(
      endpoints: try Endpoint.pair(
        hosts: parsed.hosts ?? list("host"), addresses: list("hostaddr"), ports: parsed.ports ?? list("port")))
    _ = list("host") + list("port")
    for (keyword, value) in values where !value.isEmpty { try set(keyword, to: value) }
  }
}

/// What a connection string says, not yet checked.
struct ParsedOptions {
  var hosts: [String]?
  var ports: [String]?
  var pairs: [(keyword: String, value: String)] = []
  /// Whether no piece of a password can have been taken for a keyword.
  var mayShowKeywords = true
}
