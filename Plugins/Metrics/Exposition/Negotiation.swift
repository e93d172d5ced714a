import MainstayInstruments

/// What a scraper wants, from its `Accept` and `Accept-Encoding`.
enum Negotiation {
  /// The format with the highest quality among those the client names; the text format of Prometheus where it does not say, and
  /// for browsers. JSON and CSV must be named.
  static func format(accept: String?) -> ExpositionFormat {
    var best = (format: ExpositionFormat.prometheusText, quality: 0.0)
    for range in ranges(accept ?? "") {
      guard let format = format(of: range), range.quality > best.quality else { continue }
      best = (format, range.quality)
    }
    return best.format
  }

  /// Whether the client reads gzip.
  static func acceptsGzip(_ header: String?) -> Bool {
    let ranges = ranges(header ?? "")
    if let named = ranges.first(where: { $0.type == "gzip" || $0.type == "x-gzip" }) { return named.quality > 0 }
    return ranges.first { $0.type == "*" }.map { $0.quality > 0 } ?? false
  }

  private struct Range {
    var type: String
    var quality = 1.0
    var version: String?
  }

  private static func format(of range: Range) -> ExpositionFormat? {
    switch range.type {
    // 1.0.0 is what we write; 0.0.1 is its draft, whose differences no scraper minds.
    case "application/openmetrics-text":
      range.version.map { $0 == "1.0.0" || $0 == "0.0.1" } ?? true ? .openMetrics : nil
    case "text/plain": range.version.map { $0 == "0.0.4" } ?? true ? .prometheusText : nil
    case "*/*", "text/*": .prometheusText
    case "application/json": .json
    case "text/csv": .csv
    default: nil
    }
  }

  /// `a/b;version=1;q=0.5, c/d` (RFC 9110, 12.5.1), at most 30 of them.
  private static func ranges(_ header: String) -> [Range] {
    header.split(separator: ",").prefix(30).map { part in
      let pieces = part.split(separator: ";").map { $0.lowercased().filter { $0 != " " && $0 != "\t" } }
      var range = Range(type: pieces.first ?? "")
      for parameter in pieces.dropFirst() {
        if parameter.hasPrefix("q=") { range.quality = Double(parameter.dropFirst(2)) ?? 0 }
        if parameter.hasPrefix("version=") { range.version = parameter.dropFirst(8).filter { $0 != "\"" } }
      }
      return range
    }
  }
}
