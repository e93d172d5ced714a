import MainstayInstruments
import MainstayKernel
import Synchronization

/// Records by name what has been defined.
final class NamedMetrics: MetricsRecorder {
  /// What is recorded by name, in a registry of its own.
  let registry: MetricsRegistry
  private let defined = Mutex<[String: Entry]>([:])
  private let operations: Family<Histogram>

  private struct Entry: Sendable {
    let definition: MetricDefinition
    let instrument: Instrument
  }

  private enum Instrument: Sendable {
    case counter(Family<Counter>)
    case upDown(Family<Gauge>)
    case gauge(Family<Gauge>)
    case histogram(Family<Histogram>)
    case summary(Family<Summary>)
  }

  init(_ definitions: [MetricDefinition], clock: any HostClock) throws(MetricsError) {
    registry = MetricsRegistry(clock: clock)
    operations = try registry.timer(
      "operation_duration_seconds", help: "How long operations took that were recorded by name.",
      labels: [Label("operation", limit: 200), Label("result", limit: 20)])
    for definition in definitions { try define(definition) }
  }

  /// What is defined, by name.
  var definitions: [MetricDefinition] {
    defined.withLock { $0.values.map(\.definition) }.sorted { $0.name < $1.name }
  }

  /// The families that are recorded by name.
  var families: Set<String> { Set(registry.descriptors.map(\.familyName)) }

  /// Defines a metric. The same definition again changes nothing; another one of the name throws.
  func define(_ definition: MetricDefinition) throws(MetricsError) {
    let base = NamedMetrics.base(definition.name)
    if let other = defined.withLock({ $0[base]?.definition.type }), other != definition.type {
      throw MetricsError(
        .conflict, "metric '\(base)' is already a \(other.rawValue), and cannot also be a \(definition.type.rawValue)")
    }
    let instrument = try self.instrument(definition)
    declare(instrument, labels: definition.labels.count)
    defined.withLock { $0[base] = Entry(definition: definition, instrument: instrument) }
  }

  private func instrument(_ definition: MetricDefinition) throws(MetricsError) -> Instrument {
    let labels = definition.labels.map { Label($0) }
    let help = definition.help.isEmpty ? "Recorded by name." : definition.help
    let buckets = definition.buckets.isEmpty ? Buckets.durations : Buckets(definition.buckets)
    let name = definition.name
    switch definition.type {
    case .counter: return .counter(try registry.counter(name, help: help, labels: labels))
    case .upDown: return .upDown(try registry.gauge(name, help: help, labels: labels))
    case .gauge: return .gauge(try registry.gauge(name, help: help, labels: labels))
    case .histogram: return .histogram(try registry.histogram(name, help: help, labels: labels, buckets: buckets))
    case .timer: return .histogram(try registry.timer(name, help: help, labels: labels, buckets: buckets))
    case .summary: return .summary(try registry.summary(name, help: help, labels: labels))
    }
  }

  /// Makes the series of records that say nothing of the labels, so that what counts is exported as zero from the beginning. Of a gauge
  /// and of quantiles nothing can be said before the first record.
  private func declare(_ instrument: Instrument, labels: Int) {
    let nothing = Array(repeating: "", count: labels)
    switch instrument {
    case .counter(let family): _ = family.labels(nothing)
    case .upDown(let family): _ = family.labels(nothing)
    case .histogram(let family): _ = family.labels(nothing)
    case .gauge, .summary: break
    }
  }

  func recordBusiness(_ name: String, value: Double, context: [String: String]) throws(MetricsError) {
    guard value.isFinite else { throw MetricsError(.invalidOptions, "the value of '\(name)' is not a finite number") }
    guard let entry = defined.withLock({ $0[NamedMetrics.base(name)] }) else {
      let shown = String(name.unicodeScalars.prefix(60).filter { $0.isASCII && $0.value >= 0x20 })
      throw MetricsError(
        .undefined,
        "no metric '\(shown)' is defined; define it under plugins.metrics.definitions or with POST /metrics/definitions"
      )
    }
    let values = entry.definition.labels.map { context[$0] ?? "" }
    switch entry.instrument {
    case .counter(let family):
      guard value >= 0 else { throw MetricsError(.invalidOptions, "'\(name)' is a counter: it cannot be lowered") }
      family.labels(values).add(value)
    case .upDown(let family): family.labels(values).add(value)
    case .gauge(let family): family.labels(values).set(value)
    case .histogram(let family): family.labels(values).observe(value)
    case .summary(let family): family.labels(values).observe(value)
    }
  }

  func recordPerformance(
    _ operation: String, duration: Duration, context: [String: String]
  ) throws(MetricsError) {
    guard !operation.isEmpty else { throw MetricsError(.invalidName, "an operation must have a name") }
    operations.labels(operation, context["result"] ?? "").record(duration)
  }

  func recordHealthcare(
    _ name: String, value: Double, facility: String, department: String, context: [String: String]
  ) throws(MetricsError) {
    var context = context
    context["facility"] = facility
    context["department"] = department
    try recordBusiness(name, value: value, context: context)
  }

  static func base(_ name: String) -> String {
    name.hasSuffix("_total") ? String(name.dropLast(6)) : name
  }
}
