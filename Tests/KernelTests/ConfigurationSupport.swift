import MainstayKernel

/// A section with a field of every kind.
struct SampleConfiguration: PluginConfiguration {
  enum Mode: String, CaseIterable, ConfigValue {
    case fast, careful
  }

  @Field("Connections kept open.", range: 0...10_000, environment: "DB_POOL_MIN") var min = 2
  @Field("Most connections.", range: 1...10_000, environment: ["DB_POOL_MAX", "DATABASE_CONNECTION_LIMIT"])
  var max = 50
  @Field("Longest wait.", environment: .milliseconds("DB_POOL_ACQUIRE_TIMEOUT"))
  var acquireTimeout: Duration = .seconds(60)
  @Field("Connection string.", environment: "DATABASE_URL") var url: Secret<String>?
  @Field("Replicas.", environment: .commaSeparated("READ_REPLICA_URLS")) var replicas: [String] = []
  @Field("Encrypt.", environment: "DATABASE_SSL") var ssl = false
  @Field("Memory for results.", range: .kibibytes(1) ... .gibibytes(1), environment: .megabytes("DB_MEMORY_MB"))
  var memory: ByteCount = .mebibytes(64)
  @Field("How to work.") var mode = Mode.fast
  @Field("Share of the load.", range: 0...1) var share = 0.5
  @Field("Port.") var port: UInt16 = 5432
  @Field("Name of the application.", pattern: "[a-z-]+", minLength: 2) var applicationName = "mainstay"
  @Field("Weights.") var weights: [String: Int] = [:]
  @Field("Old name.", deprecated: "use max") var limit: Int?
  @Field("Even number.", check: { $0.isMultiple(of: 2) ? nil : "must be even, is \($0)" }) var even = 4
  @Field("TLS.") var tls = Tls()
  @Field("Further databases.") var databases: [Database] = []
  @Field("Named databases.") var named: [String: Database] = [:]
  @Field("Window.", range: .seconds(1)...) var window: Duration?

  func validate(into issues: inout ConfigurationChecks) {
    if max < min {
      issues.error("max", "must be at least min (\(min)), is \(max)", remedy: "raise max or lower min")
    }
    if tls.verify, tls.caFile == nil { issues.warning("tls.verify", "has no effect without ca_file") }
  }
}

struct Tls: PluginConfiguration {
  @Field("Verify the server.") var verify = false
  @Field("Authorities.", environment: "DATABASE_CA") var caFile: String?
}

struct Database: PluginConfiguration {
  @Field("Host.") var host = "localhost"
  @Field("Password.", environment: "DATABASE_PASSWORD") var password: Secret<String>?
  @Field("Port.", range: 1...65535) var port = 5432
}

/// A section decoded from a manifest under `plugins.pool`, with everything that is wrong with it.
struct Sample<Section: PluginConfiguration> {
  let load: ConfigLoad
  let entry: DecodedSection<PluginEntry<Section>>
  let report: ConfigReport

  init(_ type: Section.Type, _ source: ConfigSource) {
    load = source.load()
    entry = ConfigDecoder(load).decodeEntry(of: type, plugin: "pool")
    var report = ConfigReport(load)
    report.add(entry)
    self.report = report
  }

  var value: Section { entry.value.configuration }
  /// Every issue on one line, in order.
  var lines: [String] { report.issues.map(\.description) }
  var remedies: [String] { report.issues.map { $0.remedy ?? "" } }

  func value(_ path: String) -> ConfigValueReport? {
    entry.values.first { $0.path.description == "plugins.pool." + path }
  }
}

extension Sample where Section == SampleConfiguration {
  /// `body` is what stands under `plugins: pool:`, without its indentation.
  init(
    pool body: String, overrides: [String] = [], environment: [String: String] = [:], files: [String: String] = [:]
  ) {
    let indented = body.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
    self.init(
      SampleConfiguration.self,
      .inline(
        "plugins:\n  pool:\n" + indented.joined(separator: "\n") + "\n", overrides: overrides,
        environment: environment, files: files))
  }
}
