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
    case gauge(Family<Gauge>)
    case histogram(Family<Histogram>)
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

  /// Defines a metric. The same definition again changes nothing; another one of the name throws.
  func define(_ definition: MetricDefinition) throws(MetricsError) {
    let labels = definition.labels.map { Label($0) }
    let (name, help) = (definition.name, definition.help)
    let instrument: Instrument
    switch definition.type {
    case .counter: instrument = .counter(try registry.counter(name, help: help, labels: labels))
    case .gauge: instrument = .gauge(try registry.gauge(name, help: help, labels: labels))
    case .histogram:
      let buckets = definition.buckets.isEmpty ? Buckets.durations : Buckets(definition.buckets)
      instrument = .histogram(try registry.histogram(name, help: help, labels: labels, buckets: buckets))
    }
    defined.withLock { $0[NamedMetrics.base(name)] = Entry(definition: definition, instrument: instrument) }
  }

  func recordBusiness(_ name: String, value: Double, context: [String: String]) throws(MetricsError) {
    guard value.isFinite else { throw MetricsError(.invalidOptions, "the value of '\(name)' is not a finite number") }
    guard let entry = defined.withLock({ $0[NamedMetrics.base(name)] ?? $0[NamedMetrics.base(name) + "_seconds"] })
    else {
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
    case .gauge(let family): family.labels(values).set(value)
    case .histogram(let family): family.labels(values).observe(value)
    }
  }

  func recordPerformance(
    _ operation: String, duration: Duration, context: [String: String]
  ) throws(MetricsError) {
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
