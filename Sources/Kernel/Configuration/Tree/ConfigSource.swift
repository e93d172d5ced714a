/// Where a configuration comes from: a manifest, a profile, the environment, the command line.
public struct ConfigSource: Sendable {
  /// The manifest, as the user named it.
  public var file: String
  /// The profile that is laid over it.
  public var profile: String?
  /// `--set` arguments: `http.port=18080`.
  public var overrides: [String]
  /// The environment variables.
  public var environment: [String: String]
  /// Where files are read from.
  public var files: any ConfigFileReader
  /// What a manifest may hold at most.
  public var limits: ConfigLimits

  /// A source.
  public init(
    file: String, profile: String? = nil, overrides: [String] = [], environment: [String: String] = [:],
    files: any ConfigFileReader = DiskFiles(), limits: ConfigLimits = ConfigLimits()
  ) {
    self.file = file
    self.profile = profile
    self.overrides = overrides
    self.environment = environment
    self.files = files
    self.limits = limits
  }

  /// A manifest in a program, for tests. It bears the name `host.yaml`.
  public static func inline(
    _ yaml: String, profile: String? = nil, overrides: [String] = [], environment: [String: String] = [:],
    files: [String: String] = [:]
  ) -> ConfigSource {
    var files = files
    files["host.yaml"] = yaml
    return ConfigSource(
      file: "host.yaml", profile: profile, overrides: overrides, environment: environment,
      files: InMemoryFiles(files))
  }

  /// Reads everything and lays the layers over one another. Never throws: what is wrong is in the result's issues.
  public func load() -> ConfigLoad {
    var loading = ConfigLoading(self)
    return loading.load()
  }
}

/// What a manifest may hold at most.
public struct ConfigLimits: Sendable {
  /// Bytes of one file.
  public var fileSize = 1 << 20
  /// Bytes of a file named by `${file:…}`.
  public var secretSize = 64 << 10
  /// Maps and lists inside one another.
  public var depth = 64
  /// Values of one file, aliases expanded.
  public var nodes = 100_000
  /// Files that are included, all together.
  public var includes = 64

  /// The usual limits.
  public init() {}
}
