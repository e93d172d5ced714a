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
