/// Writes texts so that they cannot be more than text where they are written.
enum Escaper {
  /// What is written instead of a URL whose scheme could run a script.
  static let blockedURL = "#blocked-url"
  /// Schemes that only name a place.
  static let safeSchemes: Set<String> = ["http", "https", "mailto", "tel", "sms", "cid"]

  static func write(_ text: String, _ mode: EscapeMode, to out: inout [UInt8]) throws(TemplateError) {
    switch mode {
    case .raw: append(text, to: &out)
    case .html, .attribute: writeHTML(text, low: htmlMask, tick: false, to: &out)
    case .uniformHTML: writeHTML(text, low: uniformMask, tick: true, to: &out)
    case .comment: writeComment(text, to: &out)
    case .url: writeURL(isSafe(text) ? text : blockedURL, keeping: .path, to: &out)
    case .urlRest: writeURL(text, keeping: .rest, to: &out)
    case .urlPath: writeURL(text, keeping: .path, to: &out)
    case .urlQuery: writeURL(text, keeping: .component, to: &out)
    case .markdown: writeMarkdown(text, to: &out)
    case .csv: writeCSV(text, to: &out)
    case .csvQuoted: writeQuoted(text, to: &out)
    case .mailHeader: try writeHeader(text, to: &out)
    case .script:
      throw TemplateError(.context, "only the result of {{json value}} can stand in a script")
    }
  }

  @inline(__always)
  static func append(_ text: String, to out: inout [UInt8]) {
    var text = text
    text.withUTF8 { out.append(contentsOf: $0) }
  }

  // MARK: HTML

  /// One bit for each of the characters below 64 that are escaped.
  static let htmlMask: UInt64 = bits("&<>\"'")
  static let uniformMask: UInt64 = bits("&<>\"'=")

  private static func bits(_ characters: String) -> UInt64 {
    characters.utf8.reduce(0) { $0 | 1 << UInt64($1) }
  }

  @inline(__always)
  static func writeHTML(_ text: String, low: UInt64, tick: Bool, to out: inout [UInt8]) {
    var text = text
    text.withUTF8 { bytes in
      var start = 0
      for index in bytes.indices {
        let byte = bytes[index]
        guard byte < 64 ? low >> UInt64(byte) & 1 == 1 : tick && byte == 0x60 else { continue }
        out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
        appendEntity(byte, to: &out)
        start = index + 1
      }
      out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
    }
  }

  private static func appendEntity(_ byte: UInt8, to out: inout [UInt8]) {
    let entity: StaticString =
      switch byte {
      case UInt8(ascii: "&"): "&amp;"
      case UInt8(ascii: "<"): "&lt;"
      case UInt8(ascii: ">"): "&gt;"
      case UInt8(ascii: "\""): "&quot;"
      case UInt8(ascii: "'"): "&#x27;"
      case UInt8(ascii: "="): "&#x3D;"
      case UInt8(ascii: "-"): "&#x2D;"
      default: "&#x60;"
      }
    entity.withUTF8Buffer { out.append(contentsOf: $0) }
  }

  private static func writeComment(_ text: String, to out: inout [UInt8]) {
    for byte in text.utf8 {
      if byte == ASCII.dash || byte < 64 && htmlMask >> UInt64(byte) & 1 == 1 {
        appendEntity(byte, to: &out)
      } else {
        out.append(byte)
      }
    }
  }

  // MARK: URLs

  private enum URLPart {
    /// Reserved characters and percent signs stay.
    case path
    /// As `path`, without the colon.
    case rest
    /// Only unreserved characters stay.
    case component
  }

  /// Whether a URL has no scheme, or one that cannot run anything.
  static func isSafe(_ url: String) -> Bool {
    for index in url.utf8.indices {
      switch url.utf8[index] {
      case UInt8(ascii: ":"):
        return safeSchemes.contains(url[..<index].lowercased())
      case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): return true
      default: continue
      }
    }
    return true
  }

  /// Percent-encodes what the part does not keep (RFC 3986), then what an attribute value does not keep.
  private static func writeURL(_ text: String, keeping part: URLPart, to out: inout [UInt8]) {
    for byte in text.utf8 {
      if byte.isLetter || byte.isDigit || isUnreserved(byte) || (part != .component && isReserved(byte, part)) {
        if byte == UInt8(ascii: "&") { appendEntity(byte, to: &out) } else { out.append(byte) }
      } else {
        out.append(UInt8(ascii: "%"))
        out.append(hexadecimal(byte >> 4))
        out.append(hexadecimal(byte & 15))
      }
    }
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    byte == ASCII.dash || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == ASCII.tilde
  }

  private static func isReserved(_ byte: UInt8, _ part: URLPart) -> Bool {
    switch byte {
    case UInt8(ascii: ":"): part == .path
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: "/"), UInt8(ascii: ";"),
      UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: "@"), UInt8(ascii: "["), UInt8(ascii: "]"):
      true
    default: false
    }
  }

  private static func hexadecimal(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
  }

  // MARK: Markdown

  /// Escapes what CommonMark and GitHub's tables could take for markup (https://spec.commonmark.org/0.31.2/). Since line
  /// ends become blanks, what only counts at the start of a line is escaped only at the start of the value.
  private static func writeMarkdown(_ text: String, to out: inout [UInt8]) {
    var isStart = true
    // Whether the value is a number so far, which with a dot would be an item of a list.
    var isNumber = false
    var isBlank = false
    for byte in text.utf8 {
      if byte.isSpace || byte == 0 {
        // Blanks that begin a line could make code of it; several in a row may have been an empty line.
        if !isStart && !isBlank { out.append(ASCII.space) }
        (isNumber, isBlank) = (false, true)
        continue
      }
      if isStart { isNumber = byte.isDigit }
      if isMarkup(byte) || isStart && beginsBlock(byte) || isNumber && byte == UInt8(ascii: ".") {
        out.append(ASCII.backslash)
      }
      out.append(byte)
      isNumber = isNumber && byte.isDigit
      (isStart, isBlank) = (false, false)
    }
  }

  private static func isMarkup(_ byte: UInt8) -> Bool {
    switch byte {
    case ASCII.backslash, UInt8(ascii: "`"), UInt8(ascii: "*"), UInt8(ascii: "_"), UInt8(ascii: "["), UInt8(ascii: "]"),
      UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"),
      UInt8(ascii: "|"), ASCII.tilde:
      true
    default: false
    }
  }

  /// Headings, lists, lines, underlines of headings.
  private static func beginsBlock(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "#"), ASCII.dash, UInt8(ascii: "+"), UInt8(ascii: "="): true
    default: false
    }
  }

  // MARK: CSV

  /// A field: quoted where its content would end it, and not read as a formula by spreadsheets.
  private static func writeCSV(_ text: String, to out: inout [UInt8]) {
    let special = text.utf8.contains { $0 == UInt8(ascii: ",") || $0 == ASCII.quote || $0 == 0x0A || $0 == 0x0D }
    guard special || isFormula(text) || text.utf8.first == ASCII.space || text.utf8.last == ASCII.space else {
      return append(text, to: &out)
    }
    out.append(ASCII.quote)
    writeQuoted(text, to: &out)
    out.append(ASCII.quote)
  }

  private static func writeQuoted(_ text: String, to out: inout [UInt8]) {
    if isFormula(text) { out.append(ASCII.apostrophe) }
    for byte in text.utf8 {
      if byte == ASCII.quote { out.append(byte) }
      out.append(byte)
    }
  }

  /// What spreadsheets take for a formula: OWASP, "CSV Injection". Numbers are none.
  private static func isFormula(_ text: String) -> Bool {
    switch text.utf8.first {
    case UInt8(ascii: "=")?, UInt8(ascii: "@")?, 0x09?, 0x0D?, 0x0A?: true
    case UInt8(ascii: "+")?, ASCII.dash?:
      !text.utf8.dropFirst().allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ",") }
    default: false
    }
  }

  // MARK: Mail headers

  private static func writeHeader(_ text: String, to out: inout [UInt8]) throws(TemplateError) {
    if text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 })
      || text.unicodeScalars.contains(where: { $0 == "\u{85}" || $0 == "\u{2028}" || $0 == "\u{2029}" })
    {
      throw TemplateError(.unsafeValue, "this value has a line end; a mail header is one line")
    }
    append(text, to: &out)
  }
}
