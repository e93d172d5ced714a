/// The five characters with which a server says what went wrong, as the SQL standard and the table in PostgreSQL's
/// manual ("PostgreSQL Error Codes") define them. Compare with the named ones: `error.state == .uniqueViolation`.
public struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The five characters, such as `23505`.
  public let rawValue: String

  /// A state by its characters. Anything is accepted: extensions and functions may raise states of their own.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// A state by its characters.
  public init(_ rawValue: String) { self.rawValue = rawValue }

  /// The first two characters, which say what kind of failure it is.
  public var stateClass: Class { Class(rawValue: String(rawValue.prefix(2))) }

  /// The five characters.
  public var description: String { rawValue }
}

extension SQLState {
  /// The first two characters of a state: the kind of failure.
  public struct Class: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The two characters, such as `23`.
    public let rawValue: String

    /// A class by its characters.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The connection could not be made, or broke.
    public static let connectionException = Class(rawValue: "08")
    /// The server lacks the feature.
    public static let featureNotSupported = Class(rawValue: "0A")
    /// A value does not fit its type, its range or its format.
    public static let dataException = Class(rawValue: "22")
    /// A constraint was violated.
    public static let integrityConstraintViolation = Class(rawValue: "23")
    /// The statement does not fit the state of the transaction.
    public static let invalidTransactionState = Class(rawValue: "25")
    /// A prepared statement is not known under that name.
    public static let invalidStatementName = Class(rawValue: "26")
    /// User name, password or certificate were refused.
    public static let invalidAuthorization = Class(rawValue: "28")
    /// The transaction was rolled back; it may succeed if it is run again.
    public static let transactionRollback = Class(rawValue: "40")
    /// The statement is wrong, or names something that is not there or not permitted.
    public static let syntaxErrorOrAccessRuleViolation = Class(rawValue: "42")
    /// Memory, disk or connections are used up.
    public static let insufficientResources = Class(rawValue: "53")
    /// The statement exceeds a limit of the server.
    public static let programLimitExceeded = Class(rawValue: "54")
    /// An object is not in the state that the statement needs.
    public static let objectNotInPrerequisiteState = Class(rawValue: "55")
    /// Someone stepped in: a cancellation, a shutdown, a terminated session.
    public static let operatorIntervention = Class(rawValue: "57")
    /// An error outside the server, such as of its disks.
    public static let systemError = Class(rawValue: "58")
    /// Raised by a function in the database.
    public static let raised = Class(rawValue: "P0")
    /// The server found its own data or code to be broken.
    public static let internalError = Class(rawValue: "XX")

    /// The two characters.
    public var description: String { rawValue }
  }
}

// The states that programs decide on.
extension SQLState {
  // Constraints

  /// Another row has that key.
  public static let uniqueViolation = SQLState("23505")
  /// The row that a reference points to is not there, or a row is still referred to.
  public static let foreignKeyViolation = SQLState("23503")
  /// A column that must have a value has none.
  public static let notNullViolation = SQLState("23502")
  /// A check constraint refused the row.
  public static let checkViolation = SQLState("23514")
  /// An exclusion constraint refused the row: it overlaps another.
  public static let exclusionViolation = SQLState("23P01")
  /// The referenced row is still in use.
  public static let restrictViolation = SQLState("23001")

  // Values

  /// A text is not a value of the type.
  public static let invalidTextRepresentation = SQLState("22P02")
  /// The bytes of a parameter are not a value of the type.
  public static let invalidBinaryRepresentation = SQLState("22P03")
  /// A number is too large or too small for its type.
  public static let numericValueOutOfRange = SQLState("22003")
  /// A text is too long for its column.
  public static let stringDataRightTruncation = SQLState("22001")
  /// A date or time is out of range.
  public static let datetimeFieldOverflow = SQLState("22008")
  /// A text is not a date or time.
  public static let invalidDatetimeFormat = SQLState("22007")
  /// Division by zero.
  public static let divisionByZero = SQLState("22012")
  /// A byte sequence does not exist in the encoding.
  public static let characterNotInRepertoire = SQLState("22021")

  // Transactions

  /// The transaction was rolled back.
  public static let transactionRollback = SQLState("40000")
  /// A concurrent transaction came first; run the transaction again.
  public static let serializationFailure = SQLState("40001")
  /// Two transactions waited for each other; run the transaction again.
  public static let deadlockDetected = SQLState("40P01")
  /// Whether the statement was completed is unknown.
  public static let statementCompletionUnknown = SQLState("40003")
  /// A write in a read-only transaction, or on a standby.
  public static let readOnlyTransaction = SQLState("25006")
  /// A statement after an error, before the rollback.
  public static let inFailedTransaction = SQLState("25P02")
  /// The session was idle within a transaction for too long and was ended.
  public static let idleInTransactionTimeout = SQLState("25P03")
  /// The statement needs a transaction, and there is none.
  public static let noActiveTransaction = SQLState("25P01")
  /// A lock could not be had at once, or in time.
  public static let lockNotAvailable = SQLState("55P03")
  /// Somebody uses the object, such as a database that is to be dropped.
  public static let objectInUse = SQLState("55006")

  // Statements

  /// The server cannot do that; also "cached plan must not change result type".
  public static let featureNotSupported = SQLState("0A000")
  /// A prepared statement is not known.
  public static let invalidSQLStatementName = SQLState("26000")
  /// A prepared statement of that name exists already.
  public static let duplicatePreparedStatement = SQLState("42P05")
  /// The text is not SQL.
  public static let syntaxError = SQLState("42601")
  /// The role may not do that.
  public static let insufficientPrivilege = SQLState("42501")
  /// No such table.
  public static let undefinedTable = SQLState("42P01")
  /// No such column.
  public static let undefinedColumn = SQLState("42703")
  /// No such function.
  public static let undefinedFunction = SQLState("42883")
  /// No such type, or other object.
  public static let undefinedObject = SQLState("42704")
  /// The table exists already.
  public static let duplicateTable = SQLState("42P07")
  /// The column exists already.
  public static let duplicateColumn = SQLState("42701")
  /// The object exists already.
  public static let duplicateObject = SQLState("42710")
  /// An expression is of another type than the place needs.
  public static let datatypeMismatch = SQLState("42804")
  /// The type of a parameter could not be told; write a cast behind it.
  public static let indeterminateDatatype = SQLState("42P18")

  // Sessions and servers

  /// Refused for a reason that has no state of its own.
  public static let invalidAuthorizationSpecification = SQLState("28000")
  /// The password is wrong.
  public static let invalidPassword = SQLState("28P01")
  /// No such database.
  public static let invalidCatalogName = SQLState("3D000")
  /// The server has no connection left.
  public static let tooManyConnections = SQLState("53300")
  /// A disk of the server is full.
  public static let diskFull = SQLState("53100")
  /// The server is out of memory.
  public static let outOfMemory = SQLState("53200")
  /// Something outside the server failed.
  public static let systemError = SQLState("58000")
  /// A disk of the server failed.
  public static let inputOutputError = SQLState("58030")
  /// The statement was cancelled, by a caller or by a timeout of the server.
  public static let queryCancelled = SQLState("57014")
  /// The server is shutting down, or the session was terminated.
  public static let adminShutdown = SQLState("57P01")
  /// Another session crashed and took the server's sessions with it.
  public static let crashShutdown = SQLState("57P02")
  /// The server is starting, stopping or recovering.
  public static let cannotConnectNow = SQLState("57P03")
  /// The database was dropped.
  public static let databaseDropped = SQLState("57P04")
  /// The session was idle for too long and was ended.
  public static let idleSessionTimeout = SQLState("57P05")
  /// The connection failed.
  public static let connectionFailure = SQLState("08006")
  /// No such connection.
  public static let connectionDoesNotExist = SQLState("08003")
  /// The client could not connect.
  public static let unableToConnect = SQLState("08001")
  /// The server refused the connection.
  public static let connectionRejected = SQLState("08004")
  /// The other side broke the protocol.
  public static let protocolViolation = SQLState("08P01")
  /// An exception raised by a function without a state of its own.
  public static let raisedException = SQLState("P0001")
}
