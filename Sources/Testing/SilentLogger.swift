public import Logging

extension Logger {
  /// A logger that keeps everything to itself.
  public static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
