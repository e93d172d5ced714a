public import MainstayKernel

/// Records business, performance and healthcare metrics by name, where a plugin has no instrument of its own.
///
/// A name must be defined, in the manifest or over HTTP. Of the context, only the keys that the definition declares become
/// labels; the rest is left out, so that nothing from a request ends up in a scrape by accident.
public protocol MetricsRecorder: Sendable {
  /// Records a value: adds to a counter or an up-down counter, sets a gauge, observes into a histogram, timer or summary.
  func recordBusiness(_ name: String, value: Double, context: [String: String]) throws(MetricsError)

  /// Records how long an operation took, into `operation_duration_seconds`.
  func recordPerformance(_ operation: String, duration: Duration, context: [String: String]) throws(MetricsError)

  /// Records a value of a facility and a department. The values must be anonymised: counts and durations, of nobody in particular.
  func recordHealthcare(
    _ name: String, value: Double, facility: String, department: String, context: [String: String]
  ) throws(MetricsError)
}

extension Capability where Value == any MetricsRecorder {
  /// Records metrics by name.
  public static var metricsRecorder: Self { Self("metrics_recorder") }
}
