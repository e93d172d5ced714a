extension String: PostgresCodable {
  /// `text`. Where another type is needed (an enumeration, `uuid`, `inet`), the server wants a cast, `\(text)::inet`, or a
  /// text without a type, `\(untyped: text)`.
  @inlinable public static var postgresType: PostgresType { .text }

  /// Appends the text in UTF-8. Throws if it holds U+0000, which PostgreSQL cannot store.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) { try writer.write(self) }

  /// Reads `text`, `varchar`, `character`, `name`, `json`, `jsonb`, enumerated types and other types that a database
  /// defines; and every type in text form. `character(n)` keeps the blanks at its end.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard cell.format == .binary else {
      self = try cell.text()
      return
    }
    switch cell.type {
    case .text, .varchar, .bpchar, .name, .char, .unknown, .json, .xml: self = try cell.text()
    case .jsonb: self = try cell.jsonText()
    case let type where type.isDefinedByDatabase: self = try cell.text()
    default: throw cell.unsupported()
    }
  }
}

extension PostgresCell {
  /// The text of a `jsonb` in binary form: a version, which is 1, and the text.
  func jsonText() throws(PostgresError) -> String {
    guard bytes.first == 1 else { throw malformed() }
    return try PostgresCell(
      bytes: UnsafeRawBufferPointer(rebasing: bytes.dropFirst()), type: type, format: format
    ).text()
  }
}

// Enumerations of strings, and other types that stand for one.
extension PostgresEncodable where Self: RawRepresentable, RawValue == String {
  /// Not said, so that it fits columns of type `text` and of an enumerated type.
  @inlinable public static var postgresType: PostgresType { .unspecified }
  /// Text.
  @inlinable public static var postgresFormat: PostgresFormat { .text }

  /// Appends the raw value.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) { try writer.write(rawValue) }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue == String {
  /// Reads a raw value; one that the type does not have is an error.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard let value = Self(rawValue: try String(from: cell)) else { throw PostgresCell.unknownRawValue }
    self = value
  }
}

// Enumerations of integers and other types that stand for a value.
extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
  /// As the raw value.
  @inlinable public static var postgresType: PostgresType { RawValue.postgresType }
  /// As the raw value.
  @inlinable public static var postgresFormat: PostgresFormat { RawValue.postgresFormat }
  /// As the raw value.
  @inlinable public var isPostgresNull: Bool { rawValue.isPostgresNull }

  /// Appends the raw value.
  @inlinable public func encode(into writer: inout PostgresWriter) throws(PostgresError) {
    try rawValue.encode(into: &writer)
  }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
  /// Reads a raw value; one that the type does not have is an error.
  public init(from cell: borrowing PostgresCell) throws(PostgresError) {
    guard let value = Self(rawValue: try RawValue(from: cell)) else { throw PostgresCell.unknownRawValue }
    self = value
  }
}

extension PostgresCell {
  @usableFromInline static var unknownRawValue: PostgresError {
    PostgresError(.decoding, "the value is none of the type's cases")
  }
}
