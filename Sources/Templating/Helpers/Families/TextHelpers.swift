/// Text: case, parts, padding, search and replacement.
enum TextHelpers {
  static let all: HelperTable = {
    var table = HelperTable()
    table["uppercase"] = Helper(arguments: 1...1) { call in .string(call.text(0).uppercased()) }
    table["lowercase"] = Helper(arguments: 1...1) { call in .string(call.text(0).lowercased()) }
    table["capitalize"] = Helper(arguments: 1...1) { call in .string(capitalized(call.text(0))) }
    table["titlecase"] = Helper(arguments: 1...1) { call in
      .string(
        call.text(0).split(separator: " ", omittingEmptySubsequences: false).map { capitalized(String($0)) }.joined(
          separator: " "))
    }
    table["trim"] = Helper(arguments: 1...1) { call in .string(trimmed(call.text(0))) }
    table["truncate"] = Helper(arguments: 2...3) { call in
      let text = call.text(0)
      let length = max(try call.whole(1), 0)
      guard text.count > length else { return .string(text) }
      let ending = call.arguments.count > 2 ? call.text(2) : "…"
      return .string(text.prefix(max(length - ending.count, 0)) + ending)
    }
    table["concat"] = Helper(arguments: 1...Int.max) { call in
      try call.joined(call.arguments.map { TemplateText.text(of: $0) })
    }
    table["replace"] = Helper(arguments: 3...3) { call in
      let search = call.text(1)
      if search.isEmpty { return .string(call.text(0)) }
      return try call.joined(parts(of: call.text(0), search), separator: call.text(2))
    }
    table["split"] = Helper(arguments: 2...2) { call in
      let separator = call.text(1)
      if separator.isEmpty { return .array(call.text(0).map { .string(String($0)) }) }
      return .array(parts(of: call.text(0), separator).map { .string($0) })
    }
    table["startsWith"] = Helper(arguments: 2...2) { call in .bool(call.text(0).hasPrefix(call.text(1))) }
    table["endsWith"] = Helper(arguments: 2...2) { call in .bool(call.text(0).hasSuffix(call.text(1))) }
    table["padStart"] = padding(atStart: true)
    table["padEnd"] = padding(atStart: false)
    table["repeat"] = Helper(arguments: 2...2) { call in .string(try call.repeated(call.text(0), try call.whole(1))) }
    table["initials"] = Helper(arguments: 1...1) { call in
      .string(call.text(0).split(whereSeparator: \.isWhitespace).compactMap { $0.first?.uppercased() }.joined())
    }
    table["slug"] = Helper(arguments: 1...1) { call in .string(slug(call.text(0))) }
    table["urlEncode"] = Helper(arguments: 1...1) { call in
      var bytes: [UInt8] = []
      try Escaper.write(call.text(0), .urlQuery, to: &bytes)
      return .string(String(decoding: bytes, as: UTF8.self))
    }
    table["lineBreaks"] = Helper(arguments: 1...1) { call in .markup(try lineBreaks(call.text(0))) }
    return table
  }()

  static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

  static func trimmed(_ text: String) -> String {
    let start = text.drop { $0.isWhitespace }
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...end])
  }

  /// The parts between occurrences of a text that is not empty.
  static func parts(of text: String, _ separator: String) -> [String] {
    let bytes = Array(text.utf8)
    let search = Array(separator.utf8)
    var parts: [String] = []
    var start = 0
    var index = 0
    while index + search.count <= bytes.count {
      if bytes[index] == search[0] && bytes[index..<(index + search.count)].elementsEqual(search) {
        parts.append(String(decoding: bytes[start..<index], as: UTF8.self))
        index += search.count
        start = index
      } else {
        index += 1
      }
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }

  private static func padding(atStart: Bool) -> Helper {
    Helper(arguments: 2...3) { call in
      let text = call.text(0)
      let fill = call.arguments.count > 2 ? call.text(2).prefix(1) : " "
      let missing = try call.repeated(fill.isEmpty ? " " : String(fill), try call.whole(1) - text.count)
      return .string(atStart ? missing + text : text + missing)
    }
  }

  static func slug(_ text: String) -> String {
    var slug = ""
    for character in text.lowercased() {
      if character.isASCII && (character.isLetter || character.isNumber) {
        slug.append(character)
      } else if !slug.isEmpty && slug.last != "-" {
        slug.append("-")
      }
    }
    while slug.last == "-" { slug.removeLast() }
    return slug
  }

  /// Escaped HTML with `<br>` for each line end.
  private static func lineBreaks(_ text: String) throws(TemplateError) -> String {
    var bytes: [UInt8] = []
    try Escaper.write(text, .html, to: &bytes)
    let lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }
    return lines.joined(separator: "<br>\n")
  }
}
