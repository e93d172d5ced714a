public import MainstayKernel

/// `plugins.pool` in the manifest.
public struct PoolConfiguration: PluginConfiguration {
  /// The default database.
  @Field("The default database.")
  public var postgres = PostgresPoolConfiguration()
  /// Further databases, by their names.
  @Field("Further databases by name; each has the keys of postgres, without the environment variables.")
  public var databases: [String: PostgresPoolConfiguration] = [:]
  /// Redis.
  @Field("Redis.")
  public var redis = RedisPoolConfiguration()
  /// How many threads the connections live on.
  @Field("Threads on which connections live; a caller on one of them is lent connections of that one.", range: 1...64)
  public var reactors = 1
  /// How often every target is looked at.
  @Field("Time between two health checks of every target.", range: .seconds(1) ... .seconds(3_600))
  public var monitoringInterval: Duration = .seconds(30)
  /// How long a sign of life may take.
  @Field("How long a sign of life may take.", range: .milliseconds(10) ... .seconds(60))
  public var healthTimeout: Duration = .seconds(2)
  /// How long a target that is required is tried to be reached at start.
  @Field("How long a target that is required is tried at start; below the plugin's start_timeout.")
  public var startLimit: Duration = .seconds(8)
  /// How long a connection in use is waited for at the end.
  @Field("How long connections in use are waited for at the end; below the plugin's stop_timeout.")
  public var drainLimit: Duration = .seconds(4)
  /// Who may ask for the health of connections.
  @Field("Who may ask /health/connections: open, authenticated, or the name of a role.", minLength: 1)
  public var healthAccess = "viewer"
  /// Who may ask for figures.
  @Field("Who may ask /stats/connections: open, authenticated, or the name of a role.", minLength: 1)
  public var statsAccess = "viewer"
  /// Who may change something.
  @Field("Who may call what changes a pool: authenticated, or the name of a role.", minLength: 1)
  public var adminAccess = "operator"

  /// The defaults.
  public init() {}

  /// Names and what contradicts itself.
  public func validate(into issues: inout ConfigurationChecks) {
    for name in databases.keys.sorted() {
      let path = ConfigPath([.key("databases"), .key(name)])
      if name == "postgres" || name == "redis" {
        issues.error(path, "is the name of the section beside it", remedy: "give the database another name")
      } else if !Self.isName(name) {
        issues.error(path, "must be a name of lower-case letters, digits, '_' and '-'")
      } else if databases[name]?.url == nil {
        issues.error(path, "has no url", remedy: "give it one; only the default database may do without")
      }
    }
    if adminAccess == "open" {
      issues.error("admin_access", "must not be open", remedy: "give the name of a role, such as operator")
    }
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 63
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
          UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}
