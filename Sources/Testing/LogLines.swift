public import Logging
import Synchronization

/// Keeps what is logged, so that a test can look at it.
public final class LogLines: Sendable {
  private let store = Mutex<[String]>([])

  /// Nothing yet.
  public init() {}

  /// What was logged: level, message and metadata.
  public var lines: [String] { store.withLock { $0 } }

  /// A logger that writes here, whatever the level.
  public var logger: Logger { Logger(label: "test", factory: { _ in Handler(lines: self) }) }

  private struct Handler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { _, own in own }
      lines.store.withLock { $0.append("\(event.level) \(event.message) \(all)") }
    }
  }
}
