/// What the kernel could not do: a code to act on, a message that says what, where and what to do, and the cause.
public struct KernelError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Base: String, Sendable {
      case configuration, undeclared, missingCapability, startFailed, startTimedOut, stopTimedOut, runFailed
      case reloadRejected, cancelled
    }

    private let base: Base

    private init(_ base: Base) { self.base = base }

    /// The manifest cannot be used; the message lists every error.
    public static let configuration = Code(.configuration)
    /// A plugin used a capability or a contribution point that its manifest does not list.
    public static let undeclared = Code(.undeclared)
    /// A provider did not provide a capability that its manifest lists.
    public static let missingCapability = Code(.missingCapability)
    /// A plugin's `init` threw.
    public static let startFailed = Code(.startFailed)
    /// A plugin's `init` overran its budget.
    public static let startTimedOut = Code(.startTimedOut)
    /// A plugin's `run()` did not end, or `stop()` did not return, within its budget.
    public static let stopTimedOut = Code(.stopTimedOut)
    /// A plugin's `run()` threw.
    public static let runFailed = Code(.runFailed)
    /// A reload was refused; the host goes on with the configuration it has.
    public static let reloadRejected = Code(.reloadRejected)
    /// The host was asked to stop before it was ready.
    public static let cancelled = Code(.cancelled)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// What kind of failure it is.
  public let code: Code
  /// What happened, where, and what to do about it.
  public let message: String
  /// The error behind it, if there is one.
  public let cause: (any Error)?

  /// An error with its cause.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The message, and the cause.
  public var description: String {
    cause.map { "\(message): \($0)" } ?? message
  }

  static func undeclared(plugin: String, verb: String, name: String) -> KernelError {
    KernelError(
      .undeclared,
      "plugin '\(plugin)' \(verb) '\(name)' without declaring it; add it to `\(verb):` in its PluginManifest")
  }
}
