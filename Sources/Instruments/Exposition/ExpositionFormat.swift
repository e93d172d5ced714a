/// How series are written.
public enum ExpositionFormat: String, Sendable, CaseIterable {
  /// The text format of Prometheus, version 0.0.4: what every scraper reads.
  case prometheusText = "prometheus"
  /// OpenMetrics 1.0: with exemplars, units and the time at which series began.
  case openMetrics = "openmetrics"
  /// One JSON object with an array of families.
  case json
  /// A line a sample, as RFC 4180 has it; text that a spreadsheet would take for a formula is defused.
  case csv

  /// The content type, with version and character set.
  public var contentType: String {
    switch self {
    case .prometheusText: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    case .json: "application/json"
    case .csv: "text/csv; charset=utf-8; header=present"
    }
  }
}
