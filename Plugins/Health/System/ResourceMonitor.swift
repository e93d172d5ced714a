import MainstayKernel
import Synchronization

/// What the process uses at one moment, and how much of it is too much.
struct ResourceReading: Sendable {
  let memory: HealthReadings.Memory
  let processor: ProcessorUsage.Share?
  let system: HealthReadings.System
  /// Percent of the file system that `disk` of the configuration lies on.
  let diskPercent: Double?
  /// Pressure stall information: `cpu`, `memory`, `io`, in percent of the last ten seconds.
  let pressure: [(resource: String, percent: Double)]
  /// How long tasks wait for a thread, at worst, lately.
  let lag: Duration

  /// Processor time in percent of what may be used.
  var processorPercent: Double? {
    guard let share = processor?.percent, let cores = system.usableCores, cores > 0 else { return nil }
    return share / cores
  }

  /// What has thresholds.
  var measures: [(resource: String, value: Double)] {
    [
      ("memory", memory.usedPercent), ("cpu", processorPercent), ("disk", diskPercent),
      ("thread_pool_lag", lag / .milliseconds(1)),
    ].compactMap { name, value in value.map { (name, $0) } }
  }
}

/// Reads what the process uses, and tells when it is too much.
final class ResourceMonitor: Sendable {
  private struct State {
    var processor: ProcessorUsage
    var thresholds: [String: Threshold]
  }

  private let readings: HealthReadings
  private let clock: any HostClock
  private let lag: ThreadPoolLag
  private let disk: String
  private let bus: EventBus
  private let state: Mutex<State>

  init(
    _ configuration: HealthThresholds, disk: String, readings: HealthReadings, lag: ThreadPoolLag, clock: any HostClock,
    bus: EventBus
  ) {
    self.readings = readings
    self.clock = clock
    self.lag = lag
    self.disk = disk
    self.bus = bus
    state = Mutex(
      State(
        processor: ProcessorUsage(used: readings.processorTime ?? .zero, at: clock.now),
        thresholds: configuration.thresholds))
  }

  /// What the process uses now.
  func reading() -> ResourceReading {
    let now = clock.now
    let used = readings.processorTime
    let share = used.flatMap { used in state.withLock { $0.processor.look(used: used, at: now) } }
    return ResourceReading(
      memory: readings.memory, processor: share, system: readings.system, diskPercent: readings.diskPercent(disk),
      pressure: ["cpu", "memory", "io"].compactMap { name in readings.pressure(name).map { (name, $0) } },
      lag: lag.worst)
  }

  /// Compares a reading with the thresholds. True if some level has changed.
  @discardableResult
  func judge(_ reading: ResourceReading) -> Bool {
    var events: [any Event] = []
    for (resource, value) in reading.measures {
      let news = state.withLock { state -> (Threshold, Threshold.Level, Threshold.Level)? in
        guard var threshold = state.thresholds[resource] else { return nil }
        let before = threshold.level
        guard let level = threshold.measure(value) else { return nil }
        state.thresholds[resource] = threshold
        return (threshold, before, level)
      }
      guard let (threshold, before, level) = news else { continue }
      if level > before {
        events.append(
          ThresholdExceeded(
            resource: resource, level: level.rawValue, value: value.twoDigits, threshold: threshold.bound(level)))
      } else {
        events.append(ThresholdRecovered(resource: resource, level: level.rawValue, value: value.twoDigits))
      }
    }
    for event in events { publish(event) }
    return !events.isEmpty
  }

  /// What is too much now, a sentence each; all of it, or only what is critical.
  func reasons(from level: Threshold.Level) -> [String] {
    state.withLock { $0.thresholds }.filter { $0.value.level >= level }.sorted { $0.key < $1.key }.map {
      "\($0.key.replacing("_", with: " ")) is above its \($0.value.level.rawValue) threshold"
    }
  }

  /// The levels, by resource.
  var levels: [(resource: String, level: Threshold.Level)] {
    state.withLock { $0.thresholds }.sorted { $0.key < $1.key }.map { ($0.key, $0.value.level) }
  }

  private func publish(_ event: some Event) { bus.publish(event) }
}
