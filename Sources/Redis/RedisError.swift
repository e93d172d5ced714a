public import MainstayKernel

/// What went wrong between a caller and Redis: a code to act on and a message that says what happened and what to do. It
/// never contains a key, a value or a password.
public struct RedisError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Base: String, Sendable {
      case server, timedOut, connectionLost, notConnected, overloaded, protocolViolation, decoding, configuration
      case transactionAborted, closed
    }

    private let base: Base

    private init(_ base: Base) { self.base = base }

    /// The server refused the command; ``RedisError/serverCode`` says why.
    public static let server = Code(.server)
    /// The deadline passed before the reply came.
    public static let timedOut = Code(.timedOut)
    /// The connection broke, or was given up, while the command waited for its reply.
    public static let connectionLost = Code(.connectionLost)
    /// There is no connection, and the attempt to open one failed.
    public static let notConnected = Code(.notConnected)
    /// A limit of the client is reached: commands in flight, bytes to be sent, dedicated connections, subscriptions.
    public static let overloaded = Code(.overloaded)
    /// The server sent what is not Redis' protocol, or a reply over a limit.
    public static let protocolViolation = Code(.protocolViolation)
    /// The reply is not of the type that was asked for.
    public static let decoding = Code(.decoding)
    /// The options or the arguments cannot be used.
    public static let configuration = Code(.configuration)
    /// A watched key changed each time, so that the transaction never was executed.
    public static let transactionAborted = Code(.transactionAborted)
    /// The client or the session has been closed.
    public static let closed = Code(.closed)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// What the client should do about its connection after an error of the server.
  public enum Effect: Sendable, Hashable {
    /// Nothing: the error is the command's.
    case none
    /// The server is not the one to talk to: the client opens another connection (`READONLY`, `MASTERDOWN`).
    case replaceConnection
    /// The server cannot answer yet: the same command may succeed later (`LOADING`, `BUSY`, `TRYAGAIN`).
    case retryLater
    /// The key lives on another node of a cluster (`MOVED`, `ASK`): this client speaks to single servers.
    case redirected
  }

  /// What kind of failure it is.
  public let code: Code
  /// The server's prefix, such as `WRONGTYPE`, `OOM` or `READONLY`; nil if the server did not say it.
  public let serverCode: String?
  /// The command's name, such as `GET`, without its arguments.
  public internal(set) var command: String?
  /// Whether the command may have been executed all the same: it was sent, and no reply tells what became of it.
  public private(set) var isIndeterminate: Bool
  /// The server's whole text, which can quote arguments of the command. Not part of the description.
  public let serverText: Secret<String>?
  private let text: String

  /// An error of the client.
  public init(_ code: Code, _ message: String, isIndeterminate: Bool = false, command: String? = nil) {
    self.code = code
    self.isIndeterminate = isIndeterminate
    self.command = command
    text = message
    serverCode = nil
    serverText = nil
  }

  /// An error of the server: `-CODE text`.
  public init(serverText reply: String, command: String? = nil) {
    code = .server
    isIndeterminate = false
    self.command = command
    serverCode = ServerErrorText.code(of: reply)
    serverText = Secret(reply)
    text = ServerErrorText.safeMessage(of: reply)
  }

  /// What happened and what to do, with the command's name before it.
  public var message: String { command.map { "\($0): \(text)" } ?? text }
  /// The message.
  public var description: String { message }

  /// What an error of the server means for the connection; `none` for errors of the client.
  public var effect: Effect {
    switch serverCode {
    case "READONLY", "MASTERDOWN": .replaceConnection
    case "LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN": .retryLater
    case "MOVED", "ASK": .redirected
    default: .none
    }
  }

  static var deadlinePassed: RedisError {
    RedisError(
      .timedOut, "no reply came before the deadline; the command may have been executed", isIndeterminate: true)
  }

  static var clientClosed: RedisError { RedisError(.closed, "the client has been closed") }

  func indeterminate(_ isIndeterminate: Bool) -> RedisError {
    var copy = self
    copy.isIndeterminate = isIndeterminate
    return copy
  }

  @usableFromInline
  func named(_ command: String) -> RedisError {
    var copy = self
    copy.command = copy.command ?? command
    return copy
  }
}

/// What may be shown of the server's text. Redis quotes arguments in some of its errors, and scripts put anything into
/// theirs, so only the code and sentences known to be free of data are repeated.
enum ServerErrorText {
  static func code(of reply: String) -> String {
    let word = reply.utf8.prefix { $0 != UInt8(ascii: " ") }
    let isCode =
      !word.isEmpty && word.count <= 32 && word.allSatisfy { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
    return isCode ? String(Substring(word)) : "ERR"
  }

  static func safeMessage(of reply: String) -> String {
    let code = code(of: reply)
    if let remedy = remedies[code] { return "the server says \(code): \(remedy)" }
    let rest = reply.utf8.dropFirst(code.utf8.count).drop { $0 == UInt8(ascii: " ") }
    let sentence = String(Substring(rest))
    if harmless.contains(sentence) { return "the server says \(code): \(sentence)" }
    return "the server says \(code) (its text can quote data and is kept in serverText)"
  }

  private static let remedies = [
    "WRONGTYPE": "the key holds a value of another type than the command works on",
    "OOM": "it has reached maxmemory and evicts nothing; free memory or set maxmemory-policy",
    "READONLY": "it is a replica and takes no writes; the connection is replaced",
    "LOADING": "it is reading its data from disk; try again",
    "BUSY": "it is running a script that is taking long; try again",
    "MASTERDOWN": "it is a replica that has lost its primary",
    "MISCONF": "it cannot save its data to disk, and therefore takes no writes",
    "NOREPLICAS": "it has fewer replicas than min-replicas-to-write asks for",
    "NOAUTH": "it asks for a password; give it in the URL: redis://:password@host",
    "WRONGPASS": "the user's name or the password is wrong, or the user is disabled",
    "NOPERM": "the user may not run this command or reach this key",
    "NOSCRIPT": "it does not know the script",
    "EXECABORT": "a command of the transaction was refused, so none was executed",
    "UNKILLABLE": "the script has written already and cannot be stopped",
    "NOGROUP": "there is no such stream or consumer group",
    "BUSYGROUP": "the consumer group exists already",
    "MOVED": "it is part of a cluster and the key lives on another node; this client speaks to single servers",
    "ASK": "it is part of a cluster that is moving the key; this client speaks to single servers",
    "CROSSSLOT": "it is part of a cluster and the keys live on different nodes",
    "CLUSTERDOWN": "its cluster is down",
    "NOPROTO": "it does not know this version of the protocol",
  ]

  private static let harmless: Set<String> = [
    "syntax error", "no such key", "index out of range", "value is not an integer or out of range",
    "value is not a valid float", "hash value is not an integer", "hash value is not a float",
    "increment or decrement would overflow", "increment would produce NaN or Infinity", "offset is out of range",
    "bit is not an integer or out of range", "bit offset is not an integer or out of range",
    "timeout is negative", "timeout is not a float or out of range", "invalid cursor", "DB index is out of range",
    "string exceeds maximum allowed size (proto-max-bulk-len)", "min or max is not a float",
    "min or max not valid string range item", "invalid expire time in 'set' command",
    "Invalid stream ID specified as stream command argument", "EXEC without MULTI", "DISCARD without MULTI",
    "WATCH inside MULTI is not allowed", "max number of clients reached", "source and destination objects are the same",
    "The ID specified in XADD must be greater than 0-0",
    "The ID specified in XADD is equal or smaller than the target stream top item",
    "This instance has cluster support disabled", "wrong number of arguments", "Number of keys can't be negative",
    "Number of keys can't be greater than number of args",
  ]
}
