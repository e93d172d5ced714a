import Logging
import MainstayInstruments
import MainstayKernel
import Synchronization

/// Every registry that plugins contribute, and the plugin's own, as one scrape.
final class MetricsCollector: Sendable {
  private let contributions: Contributions<MetricsRegistry>
  private let own: MetricsRegistry
  private let last: [MetricsRegistry]
  private let reported = Mutex<Set<DuplicateMetric>>([])
  private let logger: Logger

  /// - Parameters:
  ///   - own: Goes before what plugins contribute.
  ///   - last: Goes after it: what is named from outside must not take a plugin's names.
  init(
    _ contributions: Contributions<MetricsRegistry>, own: MetricsRegistry, last: [MetricsRegistry], logger: Logger
  ) {
    self.contributions = contributions
    self.own = own
    self.last = last
    self.logger = logger
  }

  /// The registries and whose they are, in the order of precedence.
  var sources: [(owner: String, registry: MetricsRegistry)] {
    [("metrics", own)] + contributions.current.map { ($0.plugin, $0.value) } + last.map { ("metrics", $0) }
  }

  /// Whether a name is exported by anybody but the registry that is given.
  func isTaken(_ name: String, butBy registry: MetricsRegistry) -> Bool {
    let others = MetricsScrape(sources.filter { $0.registry !== registry })
    return others.definitions.contains { $0.descriptor.familyName == name || $0.descriptor.sampleName == name }
  }

  /// What is registered now. Names that two plugins use are logged, once each.
  var scrape: MetricsScrape {
    let scrape = MetricsScrape(sources)
    for duplicate in scrape.duplicates where reported.withLock({ $0.insert(duplicate).inserted }) {
      logger.warning(
        """
        metric '\(duplicate.name)' of plugin '\(duplicate.leftOutOf)' is not exported: plugin \
        '\(duplicate.keptFrom)' exports one of that name; rename one of them
        """)
    }
    return scrape
  }

  /// Exports what the registries hold and had to refuse.
  func describe(in registry: MetricsRegistry) throws(MetricsError) {
    let owner: [Label] = [Label("plugin", limit: 200)]
    try registry.collect("metrics_families", help: "Families that a plugin has registered.", labels: owner) {
      [weak self] samples in
      for (owner, diagnostics) in self?.diagnostics ?? [] { samples.add(Double(diagnostics.families), owner) }
    }
    try registry.collect("metrics_series", help: "Series that a plugin keeps.", labels: owner) {
      [weak self] samples in
      for (owner, diagnostics) in self?.diagnostics ?? [] { samples.add(Double(diagnostics.series), owner) }
    }
    try registry.collect(
      "metrics_refused_total", .counter, help: "What a plugin's registry had to refuse or change.",
      labels: owner + ["reason"]
    ) { [weak self] samples in
      for (owner, diagnostics) in self?.diagnostics ?? [] {
        samples.add(Double(diagnostics.rejectedObservations), owner, "observation")
        samples.add(Double(diagnostics.redactedLabelValues), owner, "personal_label_value")
        samples.add(Double(diagnostics.cutLabelValues), owner, "long_label_value")
        samples.add(Double(diagnostics.mismatchedLabels), owner, "label_count")
        samples.add(Double(diagnostics.droppedSamples), owner, "sample")
      }
    }
    try registry.collect(
      "metrics_label_overflow_total", .counter, help: "Label values that counted as 'other': the label had too many.",
      labels: owner + ["metric", "label"]
    ) { [weak self] samples in
      for (owner, diagnostics) in self?.diagnostics ?? [] {
        for entry in diagnostics.overflow { samples.add(Double(entry.count), owner, entry.metric, entry.label) }
      }
    }
  }

  /// For each owner, what its registries hold, added up.
  var diagnostics: [(String, MetricsDiagnostics)] {
    var byOwner: [String: MetricsDiagnostics] = [:]
    for (owner, registry) in sources {
      let one = registry.diagnostics
      byOwner[owner] = byOwner[owner].map { $0.adding(one) } ?? one
    }
    return byOwner.sorted { $0.key < $1.key }
  }
}
