import Glibc

/// Why a private server does not run: what is wrong, with the last lines of its log, and what to do.
public struct DevServerError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Code: String, Sendable, Hashable {
    /// The program is not on this machine; the message says what to install.
    case notInstalled
    /// What was asked for cannot work: a path that is too long, data of another version, a user who is missing.
    case badOptions
    /// Its folder could not be made or is in use by another server.
    case folder
    /// A process could not be started.
    case spawn
    /// The server ended before it answered.
    case endedAtStart
    /// The server did not answer within the limit.
    case noAnswer
    /// Asked for something that only a running server can do.
    case notRunning
  }

  /// What kind of failure it is.
  public let code: Code
  /// What happened, and what to do about it.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// A failed call of the system, with its reason.
  static func system(_ code: Code, _ what: String, _ number: Int32) -> DevServerError {
    DevServerError(code, "\(what): \(String(cString: strerror(number)))")
  }

  /// The message.
  public var description: String { message }
}
