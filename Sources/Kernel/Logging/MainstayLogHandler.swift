import Instrumentation
public import Logging
import Synchronization

/// Writes log lines: JSON objects, or text for people.
///
/// A line has time, level, plugin, request id and trace id, message and metadata. Secrets and patients' identifiers are
/// removed before it is written (see `LogScrubber`), and control characters are escaped, so that nobody can forge a
/// line by what he sends.
public struct MainstayLogHandler: LogHandler {
  private let label: String
  private let settings: LogSettings
  private let output: any LogOutput
  private let clock: any HostClock
  private var threshold: LogSettings.Threshold
  private var ownLevel: Logger.Level?

  /// What each line of this logger carries. The value of `plugin` decides on the level.
  public var metadata: Logger.Metadata = [:] {
    didSet { if metadata["plugin"] != oldValue["plugin"] { threshold = settings.threshold(for: name) } }
  }

  /// Adds metadata to each line.
  public var metadataProvider: Logger.MetadataProvider?

  /// A handler for `LoggingSystem.bootstrap`.
  public init(
    label: String, settings: LogSettings, output: any LogOutput = DescriptorOutput.standardError,
    clock: any HostClock = SystemClock()
  ) {
    self.label = label
    self.settings = settings
    self.output = output
    self.clock = clock
    threshold = settings.threshold(for: label)
  }

  /// The level of the settings for this plugin, unless the logger was given one of its own.
  public var logLevel: Logger.Level {
    get { ownLevel ?? Logger.Level(rank: threshold.level.load(ordering: .relaxed)) }
    set { ownLevel = newValue }
  }

  /// One value of the metadata.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  private var name: String { metadata["plugin"]?.description ?? label }

  /// Writes a line.
  public func log(event: LogEvent) {
    output.write(line(event).rendered(as: settings.format))
  }

  private func line(_ event: LogEvent) -> LogLine {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let added = event.metadata { all.merge(added) { $1 } }
    let context = ServiceContext.current
    return LogLine(
      time: clock.timeSinceEpoch, level: event.level, label: label,
      plugin: all.removeValue(forKey: "plugin")?.description,
      requestID: all.removeValue(forKey: "request_id")?.description ?? context?.requestID,
      traceID: context?.traceContext?.traceID.description, message: event.message.description,
      error: event.error.map { String(describing: $0) }, metadata: all)
  }
}
