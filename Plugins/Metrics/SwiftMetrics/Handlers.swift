import CoreMetrics
import MainstayInstruments
import Synchronization

/// A series that ends when the library destroys its last handler.
protocol RemovableSeries {
  var key: SeriesKey { get }
  func remove()
}

/// Which series a handler records into; values beyond the limits have become `other`, so there are no more keys than series.
struct SeriesKey: Hashable, Sendable {
  let name: String
  let values: [String]
}

/// A counter of swift-metrics. A counter that its library resets begins anew at zero.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler, RemovableSeries {
  private let family: Family<MainstayInstruments.Counter>
  private let values: [String]
  private let series: Mutex<MainstayInstruments.Counter>

  init(_ family: Family<MainstayInstruments.Counter>, _ values: [String]) {
    self.family = family
    self.values = values
    series = Mutex(family.labels(values))
  }

  func increment(by amount: Int64) {
    guard amount > 0 else { return }
    series.withLock { $0 }.increment(by: UInt64(amount))
  }

  func increment(by amount: Double) { series.withLock { $0 }.add(amount) }

  var key: SeriesKey { SeriesKey(name: family.descriptor.name, values: series.withLock { $0 }.labelValues) }

  func reset() {
    family.remove(values)
    series.withLock { $0 = family.labels(values) }
  }

  func remove() { family.remove(key.values) }
}

/// A meter, or a recorder that does not aggregate.
final class GaugeSeries: MeterHandler, RecorderHandler, RemovableSeries {
  private let family: Family<MainstayInstruments.Gauge>
  private let values: [String]
  private let series: MainstayInstruments.Gauge

  init(_ family: Family<MainstayInstruments.Gauge>, _ values: [String]) {
    self.family = family
    self.values = values
    series = family.labels(values)
  }

  var key: SeriesKey { SeriesKey(name: family.descriptor.name, values: series.labelValues) }

  func set(_ value: Int64) { series.set(Double(value)) }
  func set(_ value: Double) { series.set(value) }
  func increment(by amount: Double) { series.add(amount) }
  func decrement(by amount: Double) { series.add(-amount) }
  func record(_ value: Int64) { series.set(Double(value)) }
  func record(_ value: Double) { series.set(value) }
  func remove() { family.remove(key.values) }
}

/// A timer, whose durations become seconds, or a recorder that aggregates.
final class HistogramSeries: TimerHandler, RecorderHandler, RemovableSeries {
  private let family: Family<Histogram>
  private let values: [String]
  private let series: Histogram

  init(_ family: Family<Histogram>, _ values: [String]) {
    self.family = family
    self.values = values
    series = family.labels(values)
  }

  var key: SeriesKey { SeriesKey(name: family.descriptor.name, values: series.labelValues) }

  func recordNanoseconds(_ duration: Int64) { series.observe(Double(duration) * 1e-9) }
  func record(_ value: Int64) { series.observe(Double(value)) }
  func record(_ value: Double) { series.observe(value) }
  func remove() { family.remove(key.values) }
}
