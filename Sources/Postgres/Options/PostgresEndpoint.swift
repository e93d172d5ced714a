extension PostgresOptions {
  /// One server. libpq would try several by itself; here each is tried apart, so that its failure and its role are
  /// known.
  public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// The name or the address, or the directory of the server's unix socket (which begins with `/` or `@`).
    public var host: String
    /// The address to connect to, if it was given beside the name (`hostaddr`).
    public var address: String?
    /// The port; it is part of a unix socket's name too.
    public var port: UInt16

    /// A server.
    public init(host: String, address: String? = nil, port: UInt16 = Endpoint.usualPort) {
      self.host = host
      self.address = address
      self.port = port
    }

    /// 5432
    public static var usualPort: UInt16 { 5432 }

    /// The unix socket of the machine's own server, where Debian and Ubuntu put it.
    public static var machine: Endpoint { Endpoint(host: "/var/run/postgresql") }

    /// Whether it is a unix socket.
    public var isSocket: Bool { host.hasPrefix("/") || host.hasPrefix("@") }

    /// Host and port, an IPv6 address in brackets.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
  }
}

extension PostgresOptions.Endpoint {
  /// The most servers that one connection string may name.
  static let limit = 64

  /// Pairs lists of hosts, addresses and ports, as libpq does: one port for all, or one for each.
  static func pair(
    hosts: [String], addresses: [String], ports: [String]
  ) throws(PostgresError) -> [PostgresOptions.Endpoint] {
    let count = max(hosts.count, addresses.count)
    guard count <= limit else { throw PostgresError(.options, "more than \(limit) servers") }
    guard hosts.isEmpty || addresses.isEmpty || hosts.count == addresses.count else {
      throw PostgresError(.options, "\(hosts.count) values of host, but \(addresses.count) of hostaddr")
    }
    guard ports.count <= 1 || ports.count == max(count, 1) else {
      throw PostgresError(
        .options, "\(ports.count) ports for \(max(count, 1)) servers; give one for all, or one for each")
    }
    var endpoints: [PostgresOptions.Endpoint] = []
    for index in 0..<max(count, 1) {
      let port = try port(ports.isEmpty ? "" : ports[ports.count == 1 ? 0 : index], server: index + 1)
      let address = addresses.indices.contains(index) && !addresses[index].isEmpty ? addresses[index] : nil
      let host = hosts.indices.contains(index) && !hosts[index].isEmpty ? hosts[index] : address ?? machine.host
      endpoints.append(PostgresOptions.Endpoint(host: host, address: address, port: port))
    }
    return endpoints
  }

  /// A port; its text is not shown, because a password that is not percent-encoded may stand where a port should.
  private static func port(_ text: String, server: Int) throws(PostgresError) -> UInt16 {
    if text.isEmpty { return usualPort }
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = UInt16(text),
      port > 0
    else {
      throw PostgresError(
        .options, "the port of server \(server) is not a number from 1 to 65535; \(ConnectionURL.encodingRemedy)")
    }
    return port
  }
}
