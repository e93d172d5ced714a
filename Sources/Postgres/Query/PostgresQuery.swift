/// A statement and its parameters.
///
/// A literal with interpolations binds what is interpolated; nothing is spliced into the text:
/// ```swift
/// "SELECT name FROM patients WHERE clinic = \(clinic) AND id = ANY(\(ids))"          // $1, $2
/// "SELECT count(*) FROM \(identifier: table) WHERE \(condition)"                     // condition: PostgresQuery
/// PostgresQuery("SELECT name FROM patients WHERE id = $1", id)
/// ```
/// What stands in the text otherwise is written there by the programmer, or marked `unsafe:`.
public struct PostgresQuery: Sendable {
  /// The text, with `$1`, `$2` and so on where parameters stand.
  public let sql: String
  /// The parameters.
  public let parameters: PostgresParameters
  /// Whether the caller declares that the statement only reads. Declared reads of several callers may share a round
  /// trip and may be sent again after a lost connection. The server is not asked.
  public private(set) var isRead = false
  /// Whether the statement is worth preparing: once parsed, it is kept for the next time. Switch it off for texts
  /// that are seen once, and behind a pooler that does not keep prepared statements.
  public private(set) var isPrepared = true
  /// The form of the answer's cells.
  public private(set) var resultFormat = PostgresFormat.binary

  init(sql: String, parameters: PostgresParameters) {
    self.sql = sql
    self.parameters = parameters
  }

  /// A text that stands in the program, with positional parameters.
  @inlinable public init<each Value: PostgresEncodable>(_ text: Text, _ values: repeat each Value) {
    self.init(unsafe: text.sql, parameters: PostgresParameters(repeat each values))
  }

  /// A text that was put together at run time, with positional parameters. Never put outside data into the text.
  @inlinable public init<each Value: PostgresEncodable>(unsafe sql: String, _ values: repeat each Value) {
    self.init(unsafe: sql, parameters: PostgresParameters(repeat each values))
  }

  /// A text that was put together at run time, with parameters put together at run time.
  public init(unsafe sql: String, parameters: PostgresParameters) {
    self.init(sql: sql, parameters: parameters)
  }

  /// A text that stands in the program: only a literal without interpolations makes one.
  public struct Text: ExpressibleByStringLiteral, Sendable {
    /// The text.
    public let sql: String

    /// A literal.
    public init(stringLiteral sql: String) { self.sql = sql }
  }

  /// The same query, declared to only read: `connection.query(.read("SELECT …"))`.
  public static func read(_ query: PostgresQuery) -> PostgresQuery {
    var query = query
    query.isRead = true
    return query
  }

  /// The same query, which is not to be prepared and kept.
  public func unprepared() -> PostgresQuery {
    var query = self
    query.isPrepared = false
    return query
  }

  /// The same query, answered in that form.
  public func answered(in format: PostgresFormat) -> PostgresQuery {
    var query = self
    query.resultFormat = format
    return query
  }
}

extension PostgresQuery: ExpressibleByStringInterpolation {
  /// A text without parameters.
  public init(stringLiteral sql: String) { self.init(sql: sql, parameters: PostgresParameters()) }

  /// A text and what is interpolated into it.
  public init(stringInterpolation text: PostgresQueryText) {
    self.init(sql: text.sql, parameters: text.parameters)
  }
}

extension PostgresQuery: CustomStringConvertible, CustomReflectable {
  /// The text; the values of the parameters are not shown.
  public var description: String { sql }
  /// Shows the text only.
  public var customMirror: Mirror { Mirror(self, children: ["sql": sql]) }
}
