public import MainstayKernel

/// How to reach a database: libpq's connection keywords ("Parameter Key Words" in its manual), read from a URL or a
/// `key=value` string. Printing it shows neither the password nor anything else that is secret.
public struct PostgresOptions: Sendable, Hashable {
  /// The servers, in the order in which they are tried. At least one.
  public let endpoints: [Endpoint]
  // Every keyword but host, hostaddr and port.
  private var values: [String: Secret<String>] = [:]

  /// Options for these servers and nothing else said. Without any, the unix socket of the machine's own server.
  public init(endpoints: [Endpoint] = []) {
    self.endpoints = endpoints.isEmpty ? [.machine] : endpoints
  }

  /// The value of a keyword other than `host`, `hostaddr` and `port`, which are in `endpoints`; nil if it is not set.
  public subscript(keyword: String) -> String? { values[keyword]?.reveal() }

  /// Sets the value of a keyword, nil for libpq's default. Throws for a keyword that the linked libpq does not know or
  /// that is not an option here (`host`, `hostaddr`, `port`, `service`, `client_encoding`), and for a value with
  /// U+0000, at which a C string would end.
  public mutating func set(_ keyword: String, to value: String?) throws(PostgresError) {
    try OptionKeyword.check(keyword)
    if let value { try OptionKeyword.check(value, of: keyword) }
    values[keyword] = value.map { Secret($0) }
  }

  /// The keywords and values for one server, as `PQconnectStartParams` takes them (with `expand_dbname` 0). `address`
  /// is the server's resolved address: with it libpq does not look the name up, which would block the caller.
  public func keywords(for endpoint: Endpoint, address: String? = nil) -> [(keyword: String, value: String)] {
    var keywords = [(keyword: "host", value: endpoint.host), (keyword: "port", value: String(endpoint.port))]
    if let address = address ?? endpoint.address { keywords.append(("hostaddr", address)) }
    keywords.append(("client_encoding", "UTF8"))
    for (keyword, value) in values.sorted(by: { $0.key < $1.key }) { keywords.append((keyword, value.reveal())) }
    return keywords
  }
}

extension PostgresOptions {
  /// The name of the role. libpq takes the one of the operating system if there is none.
  public var user: String? { self["user"] }
  /// The name of the database. The server takes the role's name if there is none.
  public var database: String? { self["dbname"] }
  /// The password.
  public var password: Secret<String>? { values["password"] }
}

extension PostgresOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The options that are no secret: role, servers, database and the mode of encryption.
  public var description: String {
    let servers = endpoints.map(\.description).joined(separator: ",")
    let parts = [
      user.map { "\($0)@" }, servers, database.map { "/\($0)" }, self["sslmode"].map { " sslmode=\($0)" },
    ]
    return parts.compactMap(\.self).joined()
  }

  /// The description.
  public var debugDescription: String { description }

  /// Shows nothing but the description.
  public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
