public import MainstayKernel

/// Where the server is and how to treat it.
public struct RedisOptions: Sendable {
  /// Where the server listens.
  public var address: RedisAddress
  /// The user of the server's access list; nil for the default user.
  public var user: String?
  /// The user's password.
  public var password: Secret<String>?
  /// The number of the database, 0 unless the server has several in use.
  public var database = 0
  /// Encryption; nil for a plain connection.
  public var tls: RedisTLSOptions?
  /// What `CLIENT LIST` on the server shows for our connections. Printable characters without spaces.
  public var clientName: String? = "mainstay"
  /// Longest time for a connection to be usable: the lookup of the name, the connect, TLS and the log-in together.
  public var connectTimeout = Duration.seconds(5)
  /// How long a command waits for its reply unless the caller names a deadline. Counts from when it is sent.
  public var commandTimeout = Duration.seconds(5)
  /// How long ``RedisClient/keep(_:_:for:)`` keeps a value, unless the caller says how long.
  public var defaultTTL = Duration.seconds(900)
  /// After this time without a byte from the server, while replies are due, the connection is given up. That of
  /// subscriptions, on which none are due, is asked for a sign of life each such time, and given up if none has come by the
  /// next: a frozen server is noticed within twice this time.
  public var stallTimeout = Duration.seconds(10)
  /// How long sent bytes may stay without the peer's acknowledgement, before the system gives the connection up.
  public var tcpUserTimeout = Duration.seconds(10)
  /// After this time without traffic the system asks the peer whether it is still there.
  public var tcpKeepAlive = Duration.seconds(30)
  /// Commands that may wait for their replies on one connection; one more is refused with `overloaded`.
  public var maxCommandsInFlight = 16_384
  /// Bytes that may wait to be sent on one connection; a command beyond them is refused with `overloaded`.
  public var maxQueuedBytes = 64 << 20
  /// Connections that all callers share. More than one helps only where large values keep small ones waiting.
  public var sharedConnections = 1
  /// Connections that one caller has for itself at a time: sessions, transactions with `WATCH`, commands that block.
  public var maxDedicatedConnections = 16
  /// Callers that may wait for a dedicated connection; one more is refused with `overloaded`.
  public var maxDedicatedWaiters = 1024
  /// Pause before the second attempt to connect; it doubles with each failure, and is shortened at random by up to half.
  public var reconnectPause = Duration.milliseconds(50)
  /// The longest pause between two attempts.
  public var maxReconnectPause = Duration.seconds(5)
  /// How large a reply may be.
  public var replyLimits = RESPLimits()

  /// Who counts commands; given to the client.
  var meter: (any RedisMeter)?
  /// What `tls` has been read into, by the client.
  var tlsContext: TLSContext?

  /// Options for a server at an address.
  public init(_ address: RedisAddress) { self.address = address }

  /// Throws a ``RedisError`` of code `configuration` that names the option that cannot be used.
  public func validate() throws {
    func check(_ isGood: Bool, _ message: @autoclosure () -> String) throws {
      if !isGood { throw RedisError(.configuration, message()) }
    }
    try address.validate()
    try check(database >= 0, "the database's number is \(database), but must be 0 or more")
    try check(user == nil || password != nil, "there is a user but no password; give it as redis://user:password@host")
    let isNameGood = clientName?.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } ?? true
    try check(isNameGood && clientName != "", "the client's name must be printable ASCII without spaces (clientName)")
    try check(connectTimeout > .zero, "connectTimeout must be more than zero")
    try check(commandTimeout > .zero, "commandTimeout must be more than zero")
    try check(stallTimeout > .zero, "stallTimeout must be more than zero")
    try check(maxCommandsInFlight > 0, "maxCommandsInFlight must be 1 or more")
    try check(maxQueuedBytes > 0, "maxQueuedBytes must be 1 or more")
    try check((1...64).contains(sharedConnections), "sharedConnections must be from 1 to 64")
    try check((1...10_000).contains(maxDedicatedConnections), "maxDedicatedConnections must be from 1 to 10,000")
    try check(maxDedicatedWaiters >= 0, "maxDedicatedWaiters must be 0 or more")
    try check(
      reconnectPause > .zero && maxReconnectPause >= reconnectPause && maxReconnectPause <= .seconds(86_400),
      "reconnectPause must be more than zero, and maxReconnectPause from that to a day")
    if tls != nil, case .unix = address {
      throw RedisError(.configuration, "TLS is for TCP; a unix socket does not leave the machine")
    }
  }
}

extension RedisOptions: CustomStringConvertible, CustomDebugStringConvertible {
  /// The address, user and database; a password shows as `<redacted>`.
  public var description: String {
    let login = password.map { "\(user ?? ""):\($0)@" } ?? ""
    switch address {
    case .tcp(let host, let port):
      let name = host.contains(":") ? "[\(host)]" : host
      return "\(tls == nil ? "redis" : "rediss")://\(login)\(name):\(port)/\(database)"
    case .unix(let path): return "unix://\(login)\(path)?db=\(database)"
    }
  }

  /// The same as `description`.
  public var debugDescription: String { description }
}

/// Where a server listens.
public enum RedisAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address of IPv4 or IPv6, without brackets, and a port.
  case tcp(host: String, port: UInt16 = 6379)
  /// The path of a socket in the file system, at most 107 bytes.
  case unix(path: String)

  /// `host:port`, or the path.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): path
    }
  }

  func validate() throws {
    switch self {
    case .tcp(let host, let port):
      guard !host.isEmpty, host.utf8.count <= 255, !host.utf8.contains(0) else {
        throw RedisError(.configuration, "the host's name is empty, too long, or holds a zero byte")
      }
      guard port > 0 else { throw RedisError(.configuration, "the port is 0; Redis usually listens on 6379") }
    case .unix(let path):
      guard !path.isEmpty, path.utf8.count <= 107, !path.utf8.contains(0) else {
        throw RedisError(.configuration, "the socket's path must have from 1 to 107 bytes, none of them zero")
      }
    }
  }
}

/// How a connection is encrypted, and whom it trusts.
public struct RedisTLSOptions: Sendable, Hashable {
  /// A PEM file with the certificates of the authorities to trust; nil for those of the system.
  public var authorities: String?
  /// Our own certificate chain, a PEM file, for servers that ask for one.
  public var certificate: String?
  /// The certificate's private key, a PEM file without a passphrase.
  public var key: String?
  /// The name that the server's certificate must carry; nil for the host of the address.
  public var serverName: String?
  /// Whether the server's certificate is checked. Without, anybody in between can read and change everything.
  public var verifiesServer = true

  /// TLS that trusts the system's authorities.
  public init() {}
}
