import CLibPQ

/// The fields of an error or notice that the server sent ("Error and Notice Message Fields" in PostgreSQL's manual).
struct ServerResponse: Sendable {
  var state = SQLState("")
  var severity = PostgresError.Severity.error
  var unsafeMessage = ""
  var unsafeDetail: String?
  var hint: String?
  var schema: String?
  var table: String?
  var column: String?
  var dataType: String?
  var constraint: String?
  var position: Int?
  var sourceFunction: String?

  var effect: PostgresError.Effect {
    PostgresError.Effect(state: state, severity: severity, function: sourceFunction)
  }
}

extension ServerResponse {
  /// Reads a result of status PGRES_FATAL_ERROR or PGRES_NONFATAL_ERROR. The result stays the caller's.
  init(result: OpaquePointer) {
    func field(_ code: UnicodeScalar) -> String? {
      PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
    }
    state = SQLState(field("C") ?? "")
    severity = field("V").flatMap(PostgresError.Severity.init(field:)) ?? .error
    unsafeMessage = field("M") ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
    unsafeDetail = field("D")
    hint = field("H") ?? ServerResponse.hints[state]
    schema = field("s")
    table = field("t")
    column = field("c")
    dataType = field("d")
    constraint = field("n")
    position = field("P").flatMap { Int($0) }
    sourceFunction = field("R")
  }
}

extension ServerResponse {
  private static let pooler =
    "behind a pooler that hands out another server connection for each transaction, set `statement_cache: 0`"

  /// Hints for what the server has none for.
  private static let hints: [SQLState: String] = [
    .invalidSQLStatementName: pooler, .duplicatePreparedStatement: pooler,
  ]
}

extension PostgresError.Severity {
  /// The server's word; `DEBUG1` to `DEBUG5` are one.
  init?(field: String) { self.init(rawValue: field.hasPrefix("DEBUG") ? "DEBUG" : field) }
}

// Messages without data.
extension ServerResponse {
  /// The message as it may be logged. The server writes values into its messages where it speaks of data; everywhere
  /// else what stands in quotes is a name.
  var safeMessage: String {
    if state.rawValue.isEmpty { return unsafeMessage }
    switch state.stateClass {
    case .dataException: return ServerResponse.withoutValues(unsafeMessage)
    case .syntaxErrorOrAccessRuleViolation where state == .syntaxError:
      // It quotes the statement, and so whatever was spliced into it.
      return ServerResponse.withoutValues(unsafeMessage)
    case .raised: return "an exception was raised by a function of the database (its text is in unsafeMessage)"
    case let stateClass where ServerResponse.namesOnly.contains(stateClass): return unsafeMessage
    default: return ServerResponse.withheld
    }
  }

  /// Classes whose messages are written by the server itself and name objects, not values.
  private static let namesOnly: Set<SQLState.Class> = [
    .connectionException, .featureNotSupported, .integrityConstraintViolation, .invalidTransactionState,
    .invalidStatementName, .invalidAuthorization, .transactionRollback, .syntaxErrorOrAccessRuleViolation,
    .insufficientResources, .programLimitExceeded, .objectNotInPrerequisiteState, .operatorIntervention,
    .systemError, .internalError, .init(rawValue: "3D"), .init(rawValue: "3F"), .init(rawValue: "2B"),
    .init(rawValue: "21"), .init(rawValue: "24"), .init(rawValue: "34"), .init(rawValue: "3B"),
    .init(rawValue: "0L"), .init(rawValue: "0P"), .init(rawValue: "2D"), .init(rawValue: "F0"),
  ]

  /// `value "12a" is out of range` without what stands between the first quote and the last, which may itself hold
  /// quotes. Languages that quote with other characters than ASCII's are not taken apart but withheld.
  static func withoutValues(_ message: String) -> String {
    var kept = message
    if let first = message.firstIndex(of: "\""), let last = message.lastIndex(of: "\"") {
      kept = message[...first] + "…" + message[last...]
      guard first != last else { return withheld }
    }
    return kept.unicodeScalars.allSatisfy { $0.isASCII || $0 == "…" } ? kept : withheld
  }

  private static let withheld = "the server refused the statement (its text is in unsafeMessage)"
}
