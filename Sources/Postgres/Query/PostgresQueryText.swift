/// Collects the pieces of a `PostgresQuery` literal.
public struct PostgresQueryText: StringInterpolationProtocol, Sendable {
  var sql: String
  @usableFromInline var parameters = PostgresParameters()
  private var endsInPlaceholder = false

  /// Room for the text and for placeholders of three characters.
  public init(literalCapacity: Int, interpolationCount: Int) {
    sql = ""
    sql.reserveCapacity(literalCapacity + 3 * interpolationCount)
  }

  /// Text of the literal itself.
  public mutating func appendLiteral(_ literal: String) { append(sql: literal[...]) }

  /// A parameter.
  @inlinable public mutating func appendInterpolation(_ value: some PostgresEncodable) {
    parameters.append(value, placeholder: startPlaceholder())
    appendPlaceholder()
  }

  /// A parameter that may be NULL. (Without this the compiler would warn of optionals in interpolations.)
  @inlinable public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
    parameters.append(value, placeholder: startPlaceholder())
    appendPlaceholder()
  }

  /// A parameter sent as a literal would be: the server takes it for whatever type the place needs.
  public mutating func appendInterpolation(untyped text: String?) {
    appendInterpolation(text.map { PostgresUntyped($0) })
  }

  /// A name of a table, column or other object, quoted.
  public mutating func appendInterpolation(identifier: String) {
    appendInterpolation(identifiers: identifier)
  }

  /// A qualified name, such as schema and table, each part quoted: `\(identifiers: "clinic", "patients")`.
  public mutating func appendInterpolation(identifiers: String...) {
    var separator: Substring = ""
    for identifier in identifiers {
      append(sql: separator)
      append(identifier)
      separator = "."
    }
  }

  /// SQL as it is. Never with outside data.
  public mutating func appendInterpolation(unsafe sql: String) { append(sql: sql[...]) }

  /// A part of a statement with parameters of its own, which are numbered anew.
  public mutating func appendInterpolation(_ part: PostgresQuery) {
    if let failure = part.parameters.failure { parameters.fail(part: failure) }
    var copied = part.sql.utf8.startIndex
    part.parameters.forEach { entry, bytes in
      guard let place = part.place(of: entry) else { return parameters.fail(part: PostgresQueryText.positional) }
      append(sql: part.sql[copied..<place.lowerBound])
      copied = place.upperBound
      parameters.append(entry, bytes: bytes, placeholder: startPlaceholder())
      appendPlaceholder()
    }
    append(sql: part.sql[copied...])
  }

  private static var positional: PostgresError {
    PostgresError(
      .misuse,
      "a query with positional parameters was interpolated; only one built by interpolation can be part of another")
  }

  private mutating func append(sql more: Substring) {
    if endsInPlaceholder, let first = more.utf8.first, PostgresQueryText.continuesName(first) { sql += " " }
    endsInPlaceholder = endsInPlaceholder && more.isEmpty
    sql += more
  }

  /// Where the next placeholder stands: behind a space if it would become part of a name (`a$1` is one).
  @usableFromInline mutating func startPlaceholder() -> UInt32 {
    if let last = sql.utf8.last, PostgresQueryText.continuesName(last) { sql += " " }
    return UInt32(clamping: sql.utf8.count)
  }

  static func continuesName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...: true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"): true
    default: false
    }
  }

  /// `$n` for the last parameter.
  @usableFromInline mutating func appendPlaceholder() {
    endsInPlaceholder = true
    sql +=
      PostgresQueryText.usualPlaceholders.indices.contains(parameters.count)
      ? PostgresQueryText.usualPlaceholders[parameters.count] : "$\(parameters.count)"
  }

  private static let usualPlaceholders = (0..<32).map { "$\($0)" }

  private mutating func append(_ identifier: String) {
    do {
      append(sql: try PostgresIdentifier.quoted(identifier)[...])
    } catch {
      parameters.fail(part: error)
    }
  }
}

extension PostgresQuery {
  /// Where the `$n` of a parameter stands, or nil if the text was not built by interpolation.
  fileprivate func place(of entry: PostgresParameters.Entry) -> Range<String.Index>? {
    guard entry.placeholder < UInt32.max else { return nil }
    let bytes = sql.utf8
    guard let start = bytes.index(bytes.startIndex, offsetBy: Int(entry.placeholder), limitedBy: bytes.endIndex)
    else { return nil }
    let digits = bytes[start...].dropFirst().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return start..<digits.endIndex
  }
}

/// Quoting of names, as `quote_ident` and PQescapeIdentifier do it: double quotes around, those within doubled.
enum PostgresIdentifier {
  static func quoted(_ name: String) throws(PostgresError) -> String {
    guard !name.isEmpty, name.utf8.firstIndex(of: 0) == nil else {
      throw PostgresError(.encoding, "an identifier is empty or holds U+0000")
    }
    var quoted = "\""
    for scalar in name.unicodeScalars {
      if scalar == "\"" { quoted += "\"" }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}

/// A text without a type: the server takes it for whatever the place needs, as it does with a literal in quotes.
public struct PostgresUntyped: PostgresEncodable, Hashable {
  /// The text.
  public let text: String

  /// A text.
  public init(_ text: String) { self.text = text }

  /// Not said.
  public static var postgresType: PostgresType { .unspecified }
  /// Text.
  public static var postgresFormat: PostgresFormat { .text }

  /// Appends the text.
  public func encode(into writer: inout PostgresWriter) throws(PostgresError) { try writer.write(text) }
}
