import Glibc
import Logging

extension LogSettings {
  /// Settings as the manifest's `logging:` section says.
  public convenience init(_ configuration: LoggingConfiguration) {
    self.init()
    update(from: configuration)
  }

  /// Takes over a changed `logging:` section.
  public func update(from configuration: LoggingConfiguration) {
    update(
      level: configuration.level.loggerLevel, plugins: configuration.levels.mapValues(\.loggerLevel),
      format: configuration.format.logFormat)
  }
}

extension LoggingConfiguration.Level {
  fileprivate var loggerLevel: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

extension LoggingConfiguration.Format {
  /// Colours only where a person looks and has not asked for none.
  fileprivate var logFormat: LogFormat {
    let isTerminal = isatty(STDERR_FILENO) == 1
    return switch self {
    case .json: .json
    case .text: isTerminal && getenv("NO_COLOR") == nil ? .colored : .text
    case .auto: !isTerminal ? .json : getenv("NO_COLOR") == nil ? .colored : .text
    }
  }
}
