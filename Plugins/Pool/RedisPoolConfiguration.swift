public import MainstayKernel
import MainstayRedis

/// Redis.
public struct RedisPoolConfiguration: PluginConfiguration {
  /// Whether there is a client.
  @Field("Whether there is a client for it.")
  public var enabled = true
  /// Where it is.
  @Field(
    "Where it is: redis://user:password@host:6379/0, rediss:// for TLS, unix:///path.", environment: "REDIS_URL",
    check: { $0.flatMap(Self.mistake) })
  public var url: Secret<String>?
  /// Whether the host needs it.
  @Field("Whether the host fails to start without it; else it starts and keeps trying.")
  public var required = false
  /// How long values are kept, where nobody says how long.
  @Field(
    "How long `keep` keeps a value where nobody says how long.", range: .seconds(1)...,
    environment: .seconds("REDIS_TTL"))
  public var ttl: Duration = .seconds(900)
  /// How long connecting may take.
  @Field("Longest time for a connection to be opened.", range: .milliseconds(10)...)
  public var connectTimeout: Duration = .seconds(5)
  /// How long a command may take.
  @Field("How long a command waits for its reply.", range: .milliseconds(1)...)
  public var commandTimeout: Duration = .seconds(5)
  /// Shared connections.
  @Field("Connections that all callers share.", range: 1...64)
  public var connections = 1
  /// Dedicated connections.
  @Field("Connections that one caller has for itself at a time: blocking commands, transactions.", range: 1...10_000)
  public var maxDedicated = 16
  /// Callers that may wait for one.
  @Field("Callers that may wait for a dedicated connection.", range: 0...1_000_000)
  public var maxWaiters = 1_024
  /// Commands under way.
  @Field("Commands that may wait for their replies on one connection.", range: 1...1_000_000)
  public var maxInFlight = 16_384

  /// The defaults.
  public init() {}

  private static func mistake(in url: Secret<String>) -> String? {
    do {
      _ = try RedisOptions(url: url)
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// The client's options for a server.
  func options(_ url: Secret<String>) throws -> RedisOptions {
    var it = try RedisOptions(url: url)
    (it.connectTimeout, it.commandTimeout) = (connectTimeout, commandTimeout)
    it.defaultTTL = ttl
    (it.sharedConnections, it.maxDedicatedConnections) = (connections, maxDedicated)
    (it.maxDedicatedWaiters, it.maxCommandsInFlight) = (maxWaiters, maxInFlight)
    return it
  }
}
