/// A value that can be sent as a parameter.
///
/// Enumerations of strings need no code: `enum Status: String, PostgresCodable { … }` is sent as a literal would be,
/// so it fits columns of type `text` and of an enumerated type alike.
public protocol PostgresEncodable: Sendable {
  /// The type as which it is sent.
  static var postgresType: PostgresType { get }
  /// The form in which it is sent. Binary unless said otherwise.
  static var postgresFormat: PostgresFormat { get }
  /// Whether it is NULL, in which case it is not asked to encode itself. False unless said otherwise.
  var isPostgresNull: Bool { get }
  /// Appends the value's bytes. Throws `PostgresError` of code `encoding` if the value cannot be sent.
  func encode(into writer: inout PostgresWriter) throws(PostgresError)

  /// The type of an array of these.
  static var postgresArrayType: PostgresType { get }
  /// The form in which an array of these is sent.
  static var postgresArrayFormat: PostgresFormat { get }
  /// Appends an array of these. An element type with a form of its own for arrays (bytes do) says so here.
  static func encodeArray(_ elements: [Self], into writer: inout PostgresWriter) throws(PostgresError)
}

extension PostgresEncodable {
  /// Binary.
  @inlinable public static var postgresFormat: PostgresFormat { .binary }
  /// False.
  @inlinable public var isPostgresNull: Bool { false }
  /// The array type that belongs to the element's type.
  public static var postgresArrayType: PostgresType { postgresType.array }
  /// As the elements.
  public static var postgresArrayFormat: PostgresFormat { postgresFormat }
}

/// A value that can be read from a cell.
public protocol PostgresDecodable: Sendable {
  /// Reads a cell that is not NULL. Throws `PostgresError` of code `decoding`, which the row completes with the
  /// column's name, its type and the number of the row; the message must not hold data.
  init(from cell: borrowing PostgresCell) throws(PostgresError)
  /// What a NULL is read as. Throws unless said otherwise.
  static func decodeNull() throws(PostgresError) -> Self

  /// Reads an array of these. An element type with a form of its own for arrays (bytes do) says so here.
  static func decodeArray(from cell: borrowing PostgresCell) throws(PostgresError) -> [Self]
}

extension PostgresDecodable {
  /// Throws: only optionals can hold a NULL.
  public static func decodeNull() throws(PostgresError) -> Self {
    throw PostgresError(.decoding, "the value is NULL; ask for \(Self.self)? instead")
  }
}

/// A value that can be sent and read.
public typealias PostgresCodable = PostgresDecodable & PostgresEncodable
