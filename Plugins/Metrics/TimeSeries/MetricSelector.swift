import MainstayInstruments

/// What is asked of the store: which series, over how long a time, made one number how, for which groups.
struct MetricSelector: Sendable, Hashable, Codable {
  /// The metric, with or without `_total`.
  var metric: String
  /// What the label values must be.
  var labels: [String: LabelPattern] = [:]
  var aggregation: Aggregation
  /// Seconds.
  var window: Double
  /// A number for each combination of values of these labels.
  var groupBy: [String] = []

  /// The name of the family.
  var family: String { metric.hasSuffix("_total") ? String(metric.dropLast(6)) : metric }

  /// What is wrong with it, in words, or nil. What names something must be a name: it is written into rules and questions.
  var problem: String? {
    if metric.isEmpty { return "a metric must be named" }
    if !MetricDescriptor.isName(metric) { return "the metric's name may have letters, digits, '_' and ':' only" }
    guard groupBy.count <= 16, labels.count <= 16, Set(groupBy).count == groupBy.count else {
      return "at most 16 labels, none of them twice"
    }
    guard groupBy.allSatisfy(Label.isName), labels.keys.allSatisfy(Label.isName) else {
      return "a label's name may have letters, digits and '_' only"
    }
    return labels.values.contains { $0.text.utf8.count > 1_000 } ? "a pattern may have 1000 bytes at most" : nil
  }

  /// What it takes to look whether a series is meant, in numbers looked at.
  var matchingWork: Double { labels.values.reduce(1) { $0 + Double($1.text.utf8.count) / 4 } }

  /// Every text in it, for limits.
  var texts: [String] { [metric] + groupBy + labels.flatMap { [$0.key, $0.value.text] } }

  func matches(_ names: [String], _ values: [String]) -> Bool {
    labels.allSatisfy { name, pattern in
      guard let index = names.firstIndex(of: name), index < values.count else { return false }
      return pattern.matches(values[index])
    }
  }
}

/// Why a query cannot be answered.
struct QueryError: Error, Sendable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
