public import MainstayKernel

/// Which servers may be started for development, and what becomes of their data.
public struct DevServicesConfiguration: PluginConfiguration {
  /// PostgreSQL.
  @Field("PostgreSQL, for whoever has no address of one.") public var postgres = DevServerConfiguration()
  /// Redis.
  @Field("Redis, for whoever has no address of one.") public var redis = DevServerConfiguration()
  /// Whether data outlive the host.
  @Field("Keep the data between runs; else they go when the host stops.") public var keep = false
  /// Where data that are kept lie.
  @Field(
    "Folder of kept data; if absent, mainstay/<host.name> in $XDG_STATE_HOME or ~/.local/state, for root in /var/lib.",
    check: { $0.map { $0.hasPrefix("/") } ?? true ? nil : "must be an absolute path" })
  public var state: String?
  /// The most time for a server to make its data and to serve.
  @Field("Most time for a server to make its data and to serve.", range: .seconds(1) ... .seconds(600))
  public var startLimit: Duration = .seconds(60)

  /// The defaults.
  public init() {}

  /// Production has servers of its own, and must not get an empty one by mistake.
  public func validate(into issues: inout ConfigurationChecks) {
    switch issues.environment {
    case .development, .test:
      break
    case .staging:
      issues.warning(
        ConfigPath(), "a server without an address gets an empty one for development, in a staging host",
        remedy: "give the addresses of the servers, and set plugins.dev_services.enabled to false")
    case .production:
      issues.error(
        ConfigPath(), "servers for development are not for production",
        remedy: "set plugins.dev_services.enabled to false where host.environment is production, for example under "
          + "profiles.production")
    }
  }
}

/// One server for development.
public struct DevServerConfiguration: PluginConfiguration {
  /// Whether it may be started.
  @Field("Whether it may be started.") public var enabled = true
  /// A port, for programs that cannot use a socket.
  @Field(
    "Port at 127.0.0.1, for programs that cannot use a socket; 0 for a free one, absent for none.", range: 0...65_535)
  public var port: Int?
  /// The server's own settings.
  @Field("Settings of the server's own, such as shared_buffers or maxmemory.")
  public var settings: [String: String] = [:]

  /// The defaults.
  public init() {}
}
