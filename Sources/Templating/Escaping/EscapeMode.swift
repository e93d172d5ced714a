/// What is done to a value before it is written.
enum EscapeMode: UInt8 {
  /// Nothing.
  case raw
  /// HTML text: `& < > " '`. HTML that the host vouches for passes.
  case html
  /// A quoted attribute, `title` and `textarea`: the same characters, and nothing passes.
  case attribute
  /// The seven characters of handlebars.js.
  case uniformHTML
  /// In an HTML comment: as `html`, and no hyphens.
  case comment
  /// At the start of a URL: the scheme is checked, what cannot stand in a URL is percent-encoded.
  case url
  /// After a value that may hold the scheme: as `urlPath`, and no colon.
  case urlRest
  /// In the path of a URL.
  case urlPath
  /// In the query or the fragment of a URL: everything but letters, digits and `-._~` is percent-encoded.
  case urlQuery
  /// In a script: nothing but JSON.
  case script
  /// Markdown: what could be markup is escaped.
  case markdown
  /// A field of comma-separated values, quoted if need be.
  case csv
  /// Inside of quotes in comma-separated values.
  case csvQuoted
  /// A mail header: line ends are refused.
  case mailHeader
}

/// Where in the output a partial begins; it must end there too.
enum StartContext: UInt8, Sendable, Hashable {
  /// HTML text, or anywhere in the other kinds of output.
  case text
  case doubleQuoted
  case singleQuoted
}
