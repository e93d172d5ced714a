import MainstayInstruments

/// How the samples of a time are made one number.
enum Aggregation: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Of a gauge, the present values of all series added up; of a counter, what was added; of a histogram, what was observed, added up.
  case sum
  /// The mean of all samples, or of all observations.
  case avg
  /// The least sample.
  case min
  /// The largest sample.
  case max
  /// How many observations or events; of a gauge, how many series.
  case count
  /// Events or observations a second.
  case rate
  /// Events or observations.
  case increase
  /// The present values added up.
  case last
  /// `p95`: the value below which that share lies.
  case quantile(Double)
  /// `above:0.5`: observations of a histogram above a bound.
  case above(Double)

  private static let plain: [String: Aggregation] = [
    "sum": .sum, "avg": .avg, "min": .min, "max": .max, "count": .count, "rate": .rate, "increase": .increase,
    "last": .last,
  ]

  /// From its name.
  init?(_ text: String) {
    if let plain = Aggregation.plain[text] {
      self = plain
    } else if text.hasPrefix("p"), let percent = Double(text.dropFirst()), percent >= 0, percent <= 100 {
      self = .quantile(percent / 100)
    } else if text.hasPrefix("above:"), let bound = Double(text.dropFirst(6)), bound.isFinite {
      self = .above(bound)
    } else {
      return nil
    }
  }

  var description: String {
    switch self {
    case .quantile(let share): "p" + Aggregation.number(share * 100)
    case .above(let bound): "above:" + Aggregation.number(bound)
    default: Aggregation.plain.first { $0.value == self }?.key ?? ""
    }
  }

  static let names = "sum, avg, min, max, count, rate, increase, last, p50 (any percentile), above:0.5 (any bound)"

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Aggregation(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "is no aggregation; there are: \(Aggregation.names)")
    }
    self = value
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// Why it cannot be had of a metric of that kind, or nil.
  func problem(with kind: MetricKind) -> String? {
    switch (kind, self) {
    case (.counter, .sum), (.counter, .count), (.counter, .rate), (.counter, .increase), (.counter, .last): nil
    case (.counter, _): "a counter only grows: ask for its rate, increase or last value"
    case (.gauge, .rate), (.gauge, .increase):
      "a gauge goes up and down: ask for its avg, min, max, last or a percentile"
    case (.gauge, .above): "only a histogram has bounds to be above of"
    case (.histogram, .min), (.histogram, .max), (.histogram, .last):
      "a histogram does not keep single values: ask for a percentile, its avg, count, rate or sum"
    case (.summary, .quantile):
      "quantiles of several series cannot be made one: use a histogram, or scrape the summary's own quantiles"
    case (.summary, .min), (.summary, .max), (.summary, .last), (.summary, .above):
      "a summary does not keep single values: ask for its avg, count, rate or sum"
    default: nil
    }
  }

  static func number(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : value.description
  }
}
