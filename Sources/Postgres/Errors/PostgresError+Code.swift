extension PostgresError {
  /// What kind of failure it is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Base: String, Sendable {
      case server, connect, connectionLost, closed, timedOut, cancelled, notRun, encoding, decoding, options, misuse
      case protocolViolation, resultTooLarge
    }

    private let base: Base

    private init(_ base: Base) { self.base = base }

    /// The server refused the statement; `state` says why.
    public static let server = Code(.server)
    /// No connection could be made.
    public static let connect = Code(.connect)
    /// The connection broke while something was under way.
    public static let connectionLost = Code(.connectionLost)
    /// The connection or the pool was closed before.
    public static let closed = Code(.closed)
    /// A deadline passed.
    public static let timedOut = Code(.timedOut)
    /// The caller's task was cancelled.
    public static let cancelled = Code(.cancelled)
    /// The statement was not run, because one before it in the same pipeline failed.
    public static let notRun = Code(.notRun)
    /// A result, or one row of a stream, is larger than `maxResultSize`.
    public static let resultTooLarge = Code(.resultTooLarge)
    /// A parameter cannot be sent, such as a text with U+0000.
    public static let encoding = Code(.encoding)
    /// A cell cannot be read as the type that was asked for.
    public static let decoding = Code(.decoding)
    /// A connection string or an option is wrong.
    public static let options = Code(.options)
    /// The API was used in a way that cannot work; the message says what to do instead.
    public static let misuse = Code(.misuse)
    /// The server answered what it may not answer.
    public static let protocolViolation = Code(.protocolViolation)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// How bad an error is for the session.
  public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// The statement failed.
    case error = "ERROR"
    /// The session ended.
    case fatal = "FATAL"
    /// All sessions of the server ended.
    case panic = "PANIC"
    /// Only a notice.
    case warning = "WARNING"
    /// Only a notice.
    case notice = "NOTICE"
    /// Only a notice.
    case debug = "DEBUG"
    /// Only a notice.
    case info = "INFO"
    /// Only a notice.
    case log = "LOG"
  }

  /// What an error means for the connection and the transaction.
  public enum Effect: Sendable, Hashable {
    /// Nothing: the statement failed, the connection is good.
    case none
    /// The connection must be closed.
    case evictConnection
    /// The connection must be closed, and its server may no longer be the primary: look for it again.
    case evictAndRediscover
    /// The transaction was rolled back by no fault of its own: run it again from its beginning.
    case retryTransaction
    /// The prepared statement is out of date: drop it, and outside a transaction run the statement once more.
    case dropStatementAndRetryOnce
  }
}

extension PostgresError.Effect {
  /// What an error means that did not come from the server.
  init(code: PostgresError.Code) {
    self = code == .connectionLost || code == .protocolViolation ? .evictConnection : .none
  }

  /// What a state means. `function` is the server's source function, the only thing that tells a plan that is out of
  /// date ("cached plan must not change result type") from other features that are not supported.
  init(state: SQLState, severity: PostgresError.Severity, function: String?) {
    switch state {
    case .serializationFailure, .deadlockDetected: self = .retryTransaction
    case .invalidSQLStatementName: self = .dropStatementAndRetryOnce
    case .featureNotSupported where function == "RevalidateCachedQuery": self = .dropStatementAndRetryOnce
    case .readOnlyTransaction, .adminShutdown, .crashShutdown, .cannotConnectNow: self = .evictAndRediscover
    default: self = .init(stateClass: state.stateClass, severity: severity)
    }
  }

  private init(stateClass: SQLState.Class, severity: PostgresError.Severity) {
    let endsSession = severity == .fatal || severity == .panic
    self = stateClass == .connectionException ? .evictAndRediscover : endsSession ? .evictConnection : .none
  }
}
