import CoreMetrics
import MainstayInstruments

/// Where the metrics of libraries that use swift-metrics go (Hummingbird, AsyncHTTPClient, a user's own).
///
/// swift-metrics has one factory a process, set once: this one, with one registry, which every host of the process exports.
/// Names and labels that Prometheus cannot carry are mapped; what conflicts gets a handler that does nothing, and is
/// counted. Nothing ends the process.
struct MainstayMetricsFactory: MetricsFactory {
  /// The registry of the process.
  static let registry = MetricsRegistry()
  private static let handlers = HandlerTable(registry)

  /// Makes this the factory of the process, unless a program has set one itself.
  /// - Returns: Whether swift-metrics' metrics come here.
  static func install() -> Bool { installed }

  private static let installed: Bool = {
    // Setting it a second time would end the process.
    guard MetricsSystem.factory is NOOPMetricsHandler else { return MetricsSystem.factory is MainstayMetricsFactory }
    MetricsSystem.bootstrap(MainstayMetricsFactory())
    return true
  }()

  private var handlers: HandlerTable { MainstayMetricsFactory.handlers }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    handlers.counter(label, dimensions) ?? NOOPMetricsHandler.instance
  }

  func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
    handlers.counter(label, dimensions) ?? NOOPMetricsHandler.instance
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    handlers.gauge(label, dimensions) ?? NOOPMetricsHandler.instance
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    guard aggregate else { return handlers.gauge(label, dimensions) ?? NOOPMetricsHandler.instance }
    return handlers.recorder(label, dimensions) ?? NOOPMetricsHandler.instance
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    handlers.timer(label, dimensions) ?? NOOPMetricsHandler.instance
  }

  func destroyCounter(_ handler: any CounterHandler) { handlers.remove(handler) }
  func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { handlers.remove(handler) }
  func destroyMeter(_ handler: any MeterHandler) { handlers.remove(handler) }
  func destroyRecorder(_ handler: any RecorderHandler) { handlers.remove(handler) }
  func destroyTimer(_ handler: any TimerHandler) { handlers.remove(handler) }
}
