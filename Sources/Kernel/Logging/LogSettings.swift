public import Logging
import Synchronization

/// How lines look.
public enum LogFormat: Int, Sendable, CaseIterable {
  /// One JSON object a line.
  case json
  /// Text for people.
  case text
  /// Text for people, with the colours of a terminal.
  case colored
}

/// What all log handlers of a host share and what may change while it runs: levels and format.
public final class LogSettings: Sendable {
  /// The level of one plugin. A logger asks for it at each call: it costs one atomic load.
  final class Threshold: Sendable {
    let level: Atomic<Int>

    init(_ level: Logger.Level) { self.level = Atomic(level.rank) }
  }

  private struct State {
    var level: Logger.Level
    var plugins: [String: Logger.Level]
    var thresholds: [String: Threshold] = [:]
  }

  /// How many plugins and labels have a threshold of their own; further ones follow the default level.
  private static let limit = 4096

  private let state: Mutex<State>
  private let shared: Threshold
  private let storedFormat: Atomic<Int>

  /// Settings for a host.
  public init(level: Logger.Level = .info, plugins: [String: Logger.Level] = [:], format: LogFormat = .json) {
    state = Mutex(State(level: level, plugins: plugins))
    shared = Threshold(level)
    storedFormat = Atomic(format.rawValue)
  }

  /// How lines look.
  public var format: LogFormat { LogFormat(rawValue: storedFormat.load(ordering: .relaxed)) ?? .json }

  /// Replaces everything. Loggers that exist follow at their next line.
  public func update(level: Logger.Level, plugins: [String: Logger.Level] = [:], format: LogFormat) {
    storedFormat.store(format.rawValue, ordering: .relaxed)
    state.withLock { state in
      state.level = level
      state.plugins = plugins
      shared.level.store(level.rank, ordering: .relaxed)
      for (name, threshold) in state.thresholds {
        threshold.level.store((plugins[name] ?? level).rank, ordering: .relaxed)
      }
    }
  }

  /// The threshold of a plugin, or of a label that stands for no plugin.
  func threshold(for name: String) -> Threshold {
    state.withLock { state in
      if let known = state.thresholds[name] { return known }
      guard state.thresholds.count < LogSettings.limit else { return shared }
      let threshold = Threshold(state.plugins[name] ?? state.level)
      state.thresholds[name] = threshold
      return threshold
    }
  }
}

extension Logger.Level {
  /// The level's place in the order of levels.
  fileprivate var rank: Int { Logger.Level.allCases.firstIndex(of: self) ?? 0 }

  init(rank: Int) {
    let levels = Logger.Level.allCases
    self = levels[min(max(rank, 0), levels.count - 1)]
  }
}
