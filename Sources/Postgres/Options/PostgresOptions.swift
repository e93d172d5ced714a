import MainstayKernel

/// How to reach a database: libpq's connection keywords ("Parameter Key Words" in its manual), read from a URL or a
/// `key=value` string. Printing it shows neither the password nor anything else that is secret.
public struct PostgresOptions: Sendable, Hashable {
  /// The servers, in the order in which they are tried. At least one.
  public private(set) var endpoints: [Endpoint]
  // Every keyword but host, hostaddr and port.
  private var values: [String: Secret<String>] = [:]

  /// Options for these servers and nothing else said. Without any, the unix socket of the machine's own server.
  public init(endpoints: [Endpoint] = []) {
    self.endpoints = endpoints.isEmpty ? [.machine] : endpoints
  }

  /// The value of a keyword other than `host`, `hostaddr` and `port`, which are in `endpoints`.
  public subscript(keyword: String) -> String? { values[keyword]?.reveal() }

  /// Sets the value of a keyword, nil for libpq's default. Throws for `host`, `hostaddr` and `port`, for a keyword that
  /// the linked libpq does not know, and for a value with U+0000, at which a C string would end.
  public mutating func set(_ keyword: String, to value: String?) throws(PostgresError) {
    values[keyword] = value.map { Secret($0) }
  }

  /// The keywords and values for one server, as `PQconnectStartParams` takes them (with `expand_dbname` 0). `address`
  /// is the server's resolved address: with it libpq does not look the name up, which would block the caller.
  public func keywords(for endpoint: Endpoint, address: String? = nil) -> [(keyword: String, value: String)] {
    var keywords = [("host", endpoint.host), ("port", String(endpoint.port))]
    if let address = address ?? endpoint.address { keywords.append(("hostaddr", address)) }
    for (keyword, value) in values.sorted(by: { $0.key < $1.key }) { keywords.append((keyword, value.reveal())) }
    return keywords.map { (keyword: $0.0, value: $0.1) }
  }
}

extension PostgresOptions {
  /// One server. libpq would try several by itself; here each is tried apart, so that its failure and its role are known.
  public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// The name or the address, or the directory of the server's unix socket (which begins with `/` or `@`).
    public var host: String
    /// The address to connect to, if it was given beside the name (`hostaddr`).
    public var address: String?
    /// The port; it is part of a unix socket's name too.
    public var port: UInt16

    /// A server.
    public init(host: String, address: String? = nil, port: UInt16 = 5432) {
      self.host = host
      self.address = address
      self.port = port
    }

    /// The unix socket of the machine's own server, where Debian and Ubuntu put it.
    public static var machine: Endpoint { Endpoint(host: "/var/run/postgresql") }

    /// Whether it is a unix socket.
    public var isSocket: Bool { host.hasPrefix("/") || host.hasPrefix("@") }

    /// Host and port, an IPv6 address in brackets.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
  }
}
