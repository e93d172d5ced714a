/// A page as a browser gets it to print: it may show what it holds, and can load and open nothing.
enum PrintedPage {
  private static let policy = """
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    font-src data:; form-action 'none'; base-uri 'none'">
    """

  /// The page with a policy before everything that could load something, and without what could lead elsewhere.
  static func restricted(_ html: String) -> String {
    var output = ""
    var hasPolicy = false
    for token in HTMLToken.tokens(of: html) {
      if !hasPolicy, !precedesHead(token) {
        output += policy
        hasPolicy = true
      }
      if case .start(let tag) = token, leadsElsewhere(tag) { continue }
      output += token.source
    }
    return hasPolicy ? output : policy + output
  }

  /// The declaration of the document type has to stay first.
  private static func precedesHead(_ token: HTMLToken) -> Bool {
    switch token {
    case .text(let text): text.allSatisfy(\.isWhitespace)
    case .other(let source): source.lowercased().hasPrefix("<!doctype")
    default: false
    }
  }

  private static func leadsElsewhere(_ tag: HTMLTag) -> Bool {
    switch tag.name {
    case "meta": tag["http-equiv"].map { $0.lowercased().contains("refresh") } ?? false
    case "base", "iframe", "frame", "object", "embed", "portal": true
    default: false
    }
  }
}
