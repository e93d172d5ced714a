/// What PostgreSQL, or the way to it, refused: a code to act on, the server's state, and what it means for the
/// connection and the transaction.
///
/// `description` and `message` never hold data of rows or parameters. The server's texts that may hold some are kept
/// apart as `unsafeMessage` and `unsafeDetail`; do not log them where patients' data must not be.
public struct PostgresError: Error, Sendable {
  // One reference, so that a typed throw costs a register and not fifteen words.
  private let box: Box

  /// An error that did not come from the server.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    box = Box(Fields(code: code, message: PostgresError.clipped(message), cause: cause, effect: Effect(code: code)))
  }

  /// What the server answered.
  init(_ response: ServerResponse, code: Code = .server) {
    var fields = Fields(code: code, message: PostgresError.clipped(response.safeMessage), effect: response.effect)
    fields.isIndeterminate = response.state == .statementCompletionUnknown
    fields.response = response
    box = Box(fields)
  }

  private init(_ fields: Fields) { box = Box(fields) }

  /// What kind of failure it is.
  public var code: Code { box.fields.code }
  /// What happened and what to do about it, without data.
  public var message: String { box.fields.message }
  /// The error behind it, if there is one.
  public var cause: (any Error)? { box.fields.cause }
  /// What it means for the connection and the transaction.
  public var effect: Effect { box.fields.effect }
  /// Whether a write may have been done although the caller got an error: never repeat it blindly.
  public var isIndeterminate: Bool { box.fields.isIndeterminate }

  /// The same error, saying that its write may have been done.
  public func indeterminate() -> PostgresError { changed { $0.isIndeterminate = true } }

  /// The same error with another effect.
  public func with(effect: Effect) -> PostgresError { changed { $0.effect = effect } }

  /// The same error, its message preceded by where it happened.
  public func located(_ place: String) -> PostgresError {
    changed { $0.message = PostgresError.clipped("\(place): \($0.message)") }
  }

  /// The same error, where it is certain that nothing was done: what a transaction does counts when it is committed.
  func determinate() -> PostgresError { isIndeterminate ? changed { $0.isIndeterminate = false } : self }

  /// The server's error without the place that was put before it.
  func unlocated() -> PostgresError {
    changed { fields in
      if let response = fields.response { fields.message = PostgresError.clipped(response.safeMessage) }
    }
  }

  private func changed(_ change: (inout Fields) -> Void) -> PostgresError {
    var fields = box.fields
    change(&fields)
    return PostgresError(fields)
  }

  /// A message longer than this many bytes is cut: a server may be made to send any length.
  private static let longestMessage = 2_000

  private static func clipped(_ message: String) -> String {
    message.utf8.count <= longestMessage ? message : String(message.prefix(longestMessage)) + "…"
  }

  private struct Fields: Sendable {
    var code: Code
    var message: String
    var cause: (any Error)?
    var effect: Effect
    var isIndeterminate = false
    var response: ServerResponse?
  }

  private final class Box: Sendable {
    let fields: Fields

    init(_ fields: Fields) { self.fields = fields }
  }
}

// What the server said.
extension PostgresError {
  private var response: ServerResponse? { box.fields.response }

  /// The server's state, if the server answered.
  public var state: SQLState? { response?.state }
  /// How bad it is for the session, if the server answered.
  public var severity: Severity? { response?.severity }
  /// The server's hint, if it has one.
  public var hint: String? { response?.hint }
  /// The schema of the table or type that the error is about.
  public var schema: String? { response?.schema }
  /// The table that the error is about.
  public var table: String? { response?.table }
  /// The column that the error is about.
  public var column: String? { response?.column }
  /// The data type that the error is about.
  public var dataType: String? { response?.dataType }
  /// The constraint that was violated.
  public var constraint: String? { response?.constraint }
  /// Where in the statement's text the error is, in characters from 1.
  public var position: Int? { response?.position }
  /// The server's own message. It may hold data.
  public var unsafeMessage: String? { response?.unsafeMessage }
  /// The server's detail. It often holds data, such as the key that exists already.
  public var unsafeDetail: String? { response?.unsafeDetail }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Message, state, where it is and the hint; no data.
  public var description: String {
    var text = message
    if let state { text += " [\(state)]" }
    if let position { text += " at character \(position) of the statement" }
    if isIndeterminate { text += "; whether the write was done is unknown" }
    if let hint { text += "; hint: \(hint)" }
    return text
  }

  /// The description: what may hold data is not shown by `dump` or a debugger's `po` either.
  public var debugDescription: String { description }

  /// Shows nothing but the description.
  public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
