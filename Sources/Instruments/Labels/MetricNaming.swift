/// What may be a name. The rules are those of the Prometheus data model and of OpenMetrics 1.0, without UTF-8 names.
enum MetricNaming {
  static let longestName = 200
  static let longestLabelName = 100
  /// Suffixes that the exposition formats give to the samples of a family.
  static let suffixes = ["_total", "_created", "_bucket", "_count", "_sum"]

  /// A gauge may end with `_total`, where others know it by that name; it is exported without a type then.
  static func suffixes(forbiddenTo kind: MetricKind) -> [String] { Array(suffixes.dropFirst(kind == .gauge ? 1 : 0)) }

  /// What is wrong with the name of a family, or nil.
  static func problem(withMetric name: String) -> String? {
    if name.isEmpty { return "is empty" }
    if name.utf8.count > longestName { return "is longer than \(longestName) characters" }
    guard name.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: ":") }) else {
      return "may have letters, digits, '_' and ':' only"
    }
    return isDigit(name.utf8.first) ? "begins with a digit" : nil
  }

  /// What is wrong with the name of a label, or nil.
  static func problem(withLabel name: String, kind: MetricKind) -> String? {
    if name.isEmpty { return "is empty" }
    if name.utf8.count > longestLabelName { return "is longer than \(longestLabelName) characters" }
    guard name.utf8.allSatisfy(isWord) else { return "may have letters, digits and '_' only" }
    if isDigit(name.utf8.first) { return "begins with a digit" }
    if name.hasPrefix("__") { return "begins with '__', which is reserved" }
    if name == "le", kind == .histogram { return "is what the buckets of a histogram are told by" }
    if name == "quantile", kind == .summary { return "is what the quantiles of a summary are told by" }
    return nil
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func isDigit(_ byte: UInt8?) -> Bool {
    byte.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
  }
}
