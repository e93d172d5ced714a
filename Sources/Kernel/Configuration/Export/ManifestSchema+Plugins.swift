extension ManifestSchema {
  /// A schema for a host that links these plugins.
  public init(plugins: [PluginRegistration]) {
    self.init(
      plugins: plugins.map { ($0.manifest.name, $0.manifest.summary, $0.configuration) }.sorted { $0.0 < $1.0 })
  }
}
