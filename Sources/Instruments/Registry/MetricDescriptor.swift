/// What a family of series measures.
public enum MetricKind: String, Sendable, CaseIterable, Codable {
  /// Only grows: events, bytes, seconds spent.
  case counter
  /// Goes up and down.
  case gauge
  /// Observations counted in buckets.
  case histogram
  /// Observations with quantiles over a sliding window.
  case summary
}

/// What is known of a family of series: shown by `/metrics/definitions` and written as HELP, TYPE and UNIT.
public struct MetricDescriptor: Sendable, Hashable {
  /// The name. A counter's is without `_total`, as in OpenMetrics; see ``sampleName``.
  public let name: String
  /// What it measures, in a sentence.
  public let help: String
  /// What kind of measurement it is.
  public let kind: MetricKind
  /// The base unit (`seconds`, `bytes`, `ratio`), with which the name ends; nil if there is none.
  public let unit: String?
  /// The labels.
  public let labels: [Label]

  /// What the main sample is called: the name, and `_total` for a counter.
  public var sampleName: String { kind == .counter ? name + "_total" : name }

  /// The name without `_total`, by which queries and rules find the family.
  public var familyName: String { name.hasSuffix("_total") ? String(name.dropLast(6)) : name }

  /// Every sample name the family uses in any of the formats.
  var reservedNames: [String] {
    switch kind {
    case .counter: [name, name + "_total", name + "_created"]
    case .gauge: [name]
    case .histogram: [name, name + "_bucket", name + "_sum", name + "_count", name + "_created"]
    case .summary: [name, name + "_sum", name + "_count", name + "_created"]
    }
  }
}

extension MetricDescriptor {
  /// Units that a name can end with; the first that matches is the family's.
  private static let units = [
    "seconds", "bytes", "ratio", "celsius", "meters", "volts", "amperes", "joules", "grams", "percent",
  ]

  /// Checks names and labels.
  /// - Parameter name: A counter's may end in `_total` or not.
  init(checking name: String, help: String, kind: MetricKind, labels: [Label], limits: MetricsLimits)
    throws(MetricsError)
  {
    let base = kind == .counter && name.hasSuffix("_total") ? String(name.dropLast(6)) : name
    if let problem = MetricNaming.problem(withMetric: base) {
      throw MetricsError(.invalidName, "the metric name '\(MetricsError.shown(name))' \(problem)")
    }
    if let suffix = MetricNaming.suffixes(forbiddenTo: kind).first(where: { base.hasSuffix($0) }) {
      throw MetricsError(
        .invalidName, "the metric name '\(name)' ends with '\(suffix)', which the exposition formats add themselves")
    }
    guard labels.count <= limits.labelsPerFamily else {
      throw MetricsError(
        .tooMany, "metric '\(name)' has \(labels.count) labels; at most \(limits.labelsPerFamily) are allowed")
    }
    var seen: Set<String> = []
    for label in labels {
      if let problem = MetricNaming.problem(withLabel: label.name, kind: kind) {
        throw MetricsError(
          .invalidName, "the label name '\(MetricsError.shown(label.name))' of metric '\(name)' \(problem)")
      }
      guard seen.insert(label.name).inserted else {
        throw MetricsError(.invalidName, "metric '\(name)' has the label '\(label.name)' twice")
      }
    }
    self.name = base
    self.help = String(help.prefix(limits.helpCharacters))
    self.kind = kind
    self.labels = labels
    unit = MetricDescriptor.units.first { base.hasSuffix("_" + $0) }
  }
}
