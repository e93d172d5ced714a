/// Parses `keyword=value keyword='quoted value'` ("Keyword/Value Connection Strings" in libpq's manual): white space
/// around `=` is allowed, and a backslash makes the next character part of the value.
struct ConnectionPairs {
  private var rest: Substring.UnicodeScalarView
  private var parsed = ParsedOptions()

  init(_ text: String) { rest = text[...].unicodeScalars }

  mutating func parse() throws(PostgresError) -> ParsedOptions {
    skipSpace()
    while !rest.isEmpty {
      let keyword = try parseKeyword()
      let value = try parseValue()
      // A password with a blank that is not quoted goes on as if it were keywords.
      if keyword == "password" || keyword == "sslpassword" { parsed.mayShowKeywords = false }
      parsed.pairs.append((keyword, value))
      skipSpace()
    }
    return parsed
  }

  private mutating func parseKeyword() throws(PostgresError) -> String {
    let keyword = rest.prefix { $0 != "=" && !ConnectionPairs.isSpace($0) }
    rest = rest.dropFirst(keyword.count)
    skipSpace()
    guard rest.popFirst() == "=", !keyword.isEmpty else {
      throw PostgresError(
        .options,
        "the connection string is neither a URL (postgres://…) nor pairs keyword=value: '=' is missing in pair "
          + "\(parsed.pairs.count + 1); a value with blanks stands in single quotes")
    }
    skipSpace()
    return String(keyword)
  }

  private mutating func parseValue() throws(PostgresError) -> String {
    let isQuoted = rest.first == "'"
    if isQuoted { rest.removeFirst() }
    var value = String.UnicodeScalarView()
    while let scalar = rest.first, isQuoted ? scalar != "'" : !ConnectionPairs.isSpace(scalar) {
      rest.removeFirst()
      if scalar != "\\" {
        value.append(scalar)
      } else if let escaped = rest.popFirst() {
        value.append(escaped)
      }
    }
    if isQuoted, rest.popFirst() == nil {
      throw PostgresError(.options, "the quoted value of pair \(parsed.pairs.count + 1) does not end")
    }
    return String(value)
  }

  private mutating func skipSpace() { rest = rest.drop { ConnectionPairs.isSpace($0) } }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || ("\t"..."\r").contains(scalar)
  }
}
