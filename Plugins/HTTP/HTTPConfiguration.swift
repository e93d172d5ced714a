import MainstayHTTP
public import MainstayKernel
import NIOCore

/// `plugins.http` in the manifest.
public struct HTTPConfiguration: PluginConfiguration {
  /// The address to listen on. The default is reachable from this machine alone.
  @Field(
    "Address to listen on; 0.0.0.0 or :: for every network.", environment: ["HTTP_HOST", "HOST"], minLength: 1)
  public var host = "127.0.0.1"
  /// The port.
  @Field("Port to listen on; 0 for any free one.", range: 0...65_535, environment: ["HTTP_PORT", "PORT"])
  public var port = 8080
  /// A Unix socket instead of an address and a port.
  @Field("Path of a Unix socket to listen on instead of host and port.", environment: "HTTP_UNIX_SOCKET")
  public var unixSocket: String?
  /// How many connections the kernel keeps for us before we accept them.
  @Field("Connections that may wait to be accepted.", range: 1...65_535)
  public var backlog = 1024
  /// HTTPS.
  @Field("Certificate and key for HTTPS; without them the server speaks plain HTTP.")
  public var tls: HTTPTLSConfiguration?
  /// Limits of size, number and time.
  @Field("Limits of size, number and time.")
  public var limits = HTTPLimitsConfiguration()
  /// Whether each request is logged.
  @Field("Whether each request is logged (probes at level debug).", environment: "HTTP_ACCESS_LOG")
  public var accessLog = true
  /// Whom to believe when they say for whom they speak.
  @Field(
    "Reverse proxies whose word on the client's address counts: addresses, networks (10.0.0.0/8), unix.",
    example: "[10.0.0.0/8]", check: { $0.lazy.compactMap(ClientAddress.mistake).first })
  public var trustedProxies: [String] = []
  /// Where they say it.
  @Field("The header that those proxies set: x-forwarded-for or forwarded. The other one is not read.")
  public var proxyHeader = HTTPProxyHeader.xForwardedFor
  /// Who may call what.
  @Field("Who may call the routes that are not open.")
  public var auth = AuthenticationConfiguration()
  /// How much a client may ask for.
  @Field("How much a client may ask for.")
  public var rateLimits = RateLimitConfiguration()
  /// The stream of events.
  @Field("The stream of the bus's events at /events.")
  public var events = EventStreamConfiguration()
  /// Whether paths answer under their other names.
  @Field("Whether paths also answer under their other names, such as /api/health for /health.")
  public var aliases = true

  /// The defaults.
  public init() {}

  /// Checks that involve several fields.
  public func validate(into issues: inout ConfigurationChecks) {
    if unixSocket != nil, tls != nil {
      issues.error("tls", "cannot be combined with unix_socket", remedy: "remove one of the two")
    }
    if let unixSocket, unixSocket.utf8.count > 107 {
      issues.error("unix_socket", "is longer than the 107 bytes that a socket's path may have")
    }
    if limits.headTimeout > limits.idleTimeout {
      issues.warning("limits.head_timeout", "is never reached: limits.idle_timeout comes first")
    }
    if aliases { checkAliases(into: &issues) }
  }

  /// A rule for another name of a path would protect nothing.
  private func checkAliases(into issues: inout ConfigurationChecks) {
    for path in auth.access.keys.sorted() where AuthenticationAccessRules.mistake(in: path) == nil {
      guard let served = AuthenticationAccessRules.served(path, .standard) else { continue }
      issues.error(
        ConfigPath([.key("auth"), .key("access"), .key(path)]), "is another name of \(served), for which rules hold",
        remedy: "write \(served); or, if a plugin serves the path itself, set aliases: false")
    }
  }
}

/// The header in which reverse proxies say whom they speak for.
public enum HTTPProxyHeader: String, Sendable, CaseIterable, ConfigValue {
  /// `X-Forwarded-For: 203.0.113.7`
  case xForwardedFor = "x-forwarded-for"
  /// `Forwarded: for=203.0.113.7` (RFC 7239)
  case forwarded
}

/// `plugins.http.tls` in the manifest.
public struct HTTPTLSConfiguration: PluginConfiguration {
  /// The certificate chain.
  @Field("PEM file with the certificate chain, the server's own first.", environment: "HTTP_TLS_CERTIFICATE")
  public var certificate = ""
  /// The private key.
  @Field("PEM file with the private key, without a passphrase.", environment: "HTTP_TLS_KEY")
  public var key = ""

  /// The defaults.
  public init() {}

  /// Both files are needed.
  public func validate(into issues: inout ConfigurationChecks) {
    if certificate.isEmpty { issues.error("certificate", "is missing", remedy: "name the PEM file of the certificate") }
    if key.isEmpty { issues.error("key", "is missing", remedy: "name the PEM file of the private key") }
  }
}

/// `plugins.http.limits` in the manifest.
public struct HTTPLimitsConfiguration: PluginConfiguration {
  /// The most bytes of a request's body, where the route does not say.
  @Field("Largest body of a request, where the route does not say.", range: .bytes(0) ... .gibibytes(16))
  public var body: ByteCount = .mebibytes(1)
  /// The most bytes of all headers together.
  @Field("Largest size of all headers of a request together.", range: .bytes(256) ... .mebibytes(1))
  public var headers: ByteCount = .kibibytes(32)
  /// The most headers.
  @Field("Most headers of a request.", range: 4...1000)
  public var headerCount = 100
  /// The longest target of a request.
  @Field("Longest path and query of a request.", range: .bytes(64) ... .kibibytes(64))
  public var target: ByteCount = .kibibytes(8)
  /// The most connections.
  @Field("Most open connections; more wait in the backlog.", range: 1...1_000_000)
  public var connections = 10_000
  /// How long a connection may be idle.
  @Field(
    "How long a connection may be idle, or a client may refuse to read.", range: .milliseconds(10) ... .seconds(86_400))
  public var idleTimeout: Duration = .seconds(60)
  /// How long the head of a request may take.
  @Field(
    "Longest time from the first byte of a request's head to its last.", range: .milliseconds(10) ... .seconds(3600))
  public var headTimeout: Duration = .seconds(10)
  /// How long a request may take.
  @Field(
    "Longest time from a request's head to the head of its response.", range: .milliseconds(10) ... .seconds(86_400))
  public var requestTimeout: Duration = .seconds(30)
  /// How long the server answers with 503 before it closes idle connections and the listener.
  @Field(
    "How long a stopping server still answers (with 503) before it closes what is idle.", range: .zero ... .seconds(60))
  public var farewell: Duration = .milliseconds(250)

  /// The defaults.
  public init() {}
}

extension HTTPServer.Settings {
  init(_ configuration: HTTPConfiguration) {
    let limits = configuration.limits
    address =
      configuration.unixSocket.map { .unix(path: $0) }
      ?? .tcp(host: configuration.host, port: configuration.port)
    backlog = configuration.backlog
    connections = limits.connections
    headerBytes = limits.headers.bytes
    headerCount = limits.headerCount
    self.limits.idle = .init(limits.idleTimeout)
    self.limits.head = .init(limits.headTimeout)
    self.limits.request = .init(limits.requestTimeout)
    self.limits.target = limits.target.bytes
    farewell = limits.farewell
    logsAccess = configuration.accessLog
  }
}
