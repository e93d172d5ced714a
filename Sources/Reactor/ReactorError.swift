/// What the reactor could not do.
public struct ReactorError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Code: Sendable {
    /// The system refused a descriptor or a thread.
    case unavailable
    /// The system refused to watch a descriptor.
    case watchRefused
    /// The reactor has been shut down.
    case stopped
  }

  /// What kind of failure it is.
  public let code: Code
  /// The system's error number, 0 where there is none.
  public let errno: Int32
  /// What happened, and what to do about it.
  public let message: String

  init(_ code: Code, _ message: String, errno: Int32 = 0) {
    self.code = code
    self.errno = errno
    self.message = message
  }

  /// The message.
  public var description: String { message }

  static var stopped: ReactorError { ReactorError(.stopped, "the reactor has been shut down") }

  static func unavailable(_ call: String, _ number: Int32) -> ReactorError {
    ReactorError(
      .unavailable, "\(call) failed with error \(number); check the limits on open files and threads (ulimit -n, -u)",
      errno: number)
  }
}
