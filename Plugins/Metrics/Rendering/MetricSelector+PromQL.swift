import MainstayInstruments

extension MetricSelector {
  /// The same question to Prometheus, of each instance for itself, as the host asks it of itself.
  /// - Parameter kind: What kind of metric it is.
  func promQL(_ kind: MetricKind, window: Double? = nil) -> String {
    let by = "by (" + PromQL.instance(groupBy).joined(separator: ", ") + ")"
    let range = "[\(PromQL.duration(window ?? self.window))]"
    func series(_ suffix: String = "", _ more: [String] = []) -> String {
      let matchers = labels.sorted { $0.key < $1.key }.map { $0.key + $0.value.promQL } + more
      // A gauge has no suffix but its own.
      let name = (kind == .gauge ? metric : family) + suffix
      return name + (matchers.isEmpty ? "" : "{\(matchers.joined(separator: ","))}")
    }
    switch kind {
    case .gauge: return gauge(by, range, series())
    case .counter: return counter(by, range, series("_total"))
    case .histogram, .summary: return observations(by, range, series)
    }
  }

  private func gauge(_ by: String, _ range: String, _ series: String) -> String {
    switch aggregation {
    case .min: "min \(by) (min_over_time(\(series)\(range)))"
    case .max: "max \(by) (max_over_time(\(series)\(range)))"
    case .avg: "avg \(by) (avg_over_time(\(series)\(range)))"
    case .count: "count \(by) (\(series))"
    case .quantile(let share): "avg \(by) (quantile_over_time(\(Aggregation.number(share)), \(series)\(range)))"
    case .sum, .last, .rate, .increase, .above: "sum \(by) (\(series))"
    }
  }

  private func counter(_ by: String, _ range: String, _ series: String) -> String {
    switch aggregation {
    case .rate: "sum \(by) (rate(\(series)\(range)))"
    case .last: "sum \(by) (\(series))"
    default: "sum \(by) (increase(\(series)\(range)))"
    }
  }

  private func observations(_ by: String, _ range: String, _ series: (String, [String]) -> String) -> String {
    switch aggregation {
    case .quantile(let share):
      let groups = (["le"] + PromQL.instance(groupBy)).joined(separator: ", ")
      return
        "histogram_quantile(\(Aggregation.number(share)), sum by (\(groups)) (rate(\(series("_bucket", []))\(range))))"
    case .above(let bound):
      // Prometheus 3 writes `1.0` where Prometheus 2 wrote `1`.
      let le = "le=~" + PromQL.quoted(PromQL.bounds(bound).map(PromQL.escapedExpression).joined(separator: "|"))
      return
        "(sum \(by) (increase(\(series("_count", []))\(range))) - sum \(by) (increase(\(series("_bucket", [le]))\(range))))"
    case .avg:
      return "(sum \(by) (rate(\(series("_sum", []))\(range))) / sum \(by) (rate(\(series("_count", []))\(range))))"
    case .sum: return "sum \(by) (increase(\(series("_sum", []))\(range)))"
    case .rate: return "sum \(by) (rate(\(series("_count", []))\(range)))"
    case .count, .increase, .last, .min, .max: return "sum \(by) (increase(\(series("_count", []))\(range)))"
    }
  }
}

extension PromQL {
  /// Labels that tell hosts apart, and the groups' own.
  static func instance(_ groupBy: [String]) -> [String] { ["job", "instance"] + groupBy }

  /// `5m`, `90s`: the largest unit that divides it.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(max(1, seconds.rounded()))
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] where whole % length == 0 {
      return "\(whole / length)\(unit)"
    }
    return "\(whole)s"
  }

  /// How a bound may be written.
  static func bounds(_ bound: Double) -> [String] {
    let (short, long) = (Aggregation.number(bound), bound.description)
    return short == long ? [short] : [short, long]
  }
}
