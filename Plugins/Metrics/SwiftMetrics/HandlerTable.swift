import MainstayInstruments
import Synchronization

/// Finds the series for a label and dimensions of swift-metrics.
///
/// Dimensions are given with each use and may differ from use to use: the names of the first use are the family's labels; of
/// later uses, what is missing is empty and what is new is left out.
final class HandlerTable: Sendable {
  private let registry: MetricsRegistry
  /// For each exported name, the label it came from and its dimension names.
  private let origins = Mutex<[String: Origin]>([:])
  /// How many handlers there are of a series.
  private let uses = Mutex<[SeriesKey: Int]>([:])
  private let conflicts: Counter?
  /// swift-metrics has no help texts, without which Prometheus' own linter refuses a scrape.
  private static let help = "Recorded by a library through swift-metrics."

  private struct Origin: Sendable {
    let label: String
    let dimensions: [(given: String, exported: String)]
  }

  init(_ registry: MetricsRegistry) {
    self.registry = registry
    conflicts = try? registry.counter(
      "swift_metrics_conflicts_total", help: "Metrics of libraries that are not exported: their name is taken.")
  }

  func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries? {
    make(label, MetricMapping.name(label, counter: true), dimensions) { name, labels, values in
      let family = try registry.counter(name, help: HandlerTable.help, labels: labels)
      return CounterSeries(family, values)
    }
  }

  func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries? {
    make(label, MetricMapping.name(label), dimensions) { name, labels, values in
      GaugeSeries(try registry.gauge(name, help: HandlerTable.help, labels: labels), values)
    }
  }

  func recorder(_ label: String, _ dimensions: [(String, String)]) -> HistogramSeries? {
    make(label, MetricMapping.name(label), dimensions) { name, labels, values in
      let buckets = Buckets.exponential(from: 1, factor: 4, count: 12)
      return HistogramSeries(
        try registry.histogram(name, help: HandlerTable.help, labels: labels, buckets: buckets), values)
    }
  }

  func timer(_ label: String, _ dimensions: [(String, String)]) -> HistogramSeries? {
    let name = MetricMapping.name(label)
    return make(label, name.hasSuffix("_seconds") ? name : name + "_seconds", dimensions) { name, labels, values in
      HistogramSeries(try registry.timer(name, help: HandlerTable.help, labels: labels), values)
    }
  }

  /// Ends a series when the last handler of it is destroyed.
  func remove(_ handler: Any) {
    guard let handler = handler as? any RemovableSeries else { return }
    let isLast = uses.withLock { uses in
      let left = (uses[handler.key] ?? 1) - 1
      uses[handler.key] = left > 0 ? left : nil
      return left <= 0
    }
    if isLast { handler.remove() }
  }

  private func make<Handler: RemovableSeries>(
    _ label: String, _ name: String, _ dimensions: [(String, String)],
    _ body: (String, [Label], [String]) throws -> Handler
  ) -> Handler? {
    let origin = origins.withLock { origins in
      if let origin = origins[name] { return origin }
      let origin = Origin(label: label, dimensions: MetricMapping.labels(dimensions.map(\.0)))
      if origins.count < registry.limits.families { origins[name] = origin }
      return origin
    }
    // `a.b` and `a_b` would be one name: the first one has it.
    guard origin.label == label else {
      conflicts?.increment()
      return nil
    }
    let values = origin.dimensions.map { wanted in dimensions.first { $0.0 == wanted.given }?.1 ?? "" }
    do {
      let handler = try body(name, origin.dimensions.map { Label($0.exported) }, values)
      uses.withLock { $0[handler.key, default: 0] += 1 }
      return handler
    } catch {
      conflicts?.increment()
      return nil
    }
  }
}

/// Names that Prometheus can carry, from names that it cannot.
enum MetricMapping {
  /// Everything but letters, digits, `_` and `:` becomes `_`; suffixes that the formats give lose their meaning by one more `_`.
  static func name(_ label: String, counter: Bool = false) -> String {
    var name = String(decoding: label.utf8.prefix(180).map { isWord($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    if name.isEmpty || name.utf8.first.map({ $0 < 0x3A }) ?? true { name = "_" + name }
    let reserved = ["_created", "_bucket", "_count", "_sum"] + (counter ? [] : ["_total"])
    while let suffix = reserved.first(where: { name.hasSuffix($0) }) {
      name = String(name.dropLast(suffix.count)) + "_value"
    }
    return name
  }

  /// Label names for dimension names, without duplicates.
  static func labels(_ names: [String]) -> [(given: String, exported: String)] {
    var result: [(given: String, exported: String)] = []
    for given in names.prefix(16) where !result.contains(where: { $0.given == given }) {
      var name = String(
        decoding: given.utf8.prefix(90).map { isWord($0) && $0 != UInt8(ascii: ":") ? $0 : UInt8(ascii: "_") },
        as: UTF8.self)
      if name.isEmpty || name.hasPrefix("__") || name.utf8.first.map({ $0 < 0x3A }) ?? true {
        name = "dimension_" + name
      }
      if name == "le" || name == "quantile" { name += "_" }
      while result.contains(where: { $0.exported == name }) { name += "_" }
      result.append((given, name))
    }
    return result
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"):
      true
    default: false
    }
  }
}
