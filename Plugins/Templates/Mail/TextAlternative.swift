import MainstayTemplating

/// A page as plain text or as Markdown: what a reader sees, without layout.
struct TextAlternative {
  private let isMarkdown: Bool
  private var output = ""
  private var pendingBreaks = 0
  private var pendingSpace = false
  /// The element that is not shown and is open, and how many of its name are open in it.
  private var hidden: (name: String, depth: Int)?
  private var lists: [(ordered: Bool, number: Int)] = []
  private var links: [(url: String?, start: Int)] = []
  /// What a line has shown so far, which decides on what Markdown would read at its start.
  private var line = LineStart.nothing
  /// Whether the mark of an item stands alone in its line.
  private var isItemOpen = false
  /// What Markdown writes before each line of what is open: quotes and items of lists.
  private var prefixes: [String] = []
  /// Whether the pending break is one in a paragraph.
  private var isHardBreak = false
  private var preformatted = 0
  private var code = ""
  private var table = MarkdownTable()
  private var cells = 0

  private enum LineStart { case nothing, digits, text }

  private static let unseen: Set<String> = ["head", "script", "style", "title", "template", "noscript"]
  /// Elements that a start tag of the same name ends.
  private static let endsItself: Set<String> = ["p", "li", "td", "th", "tr", "dt", "dd", "option"]
  private static let blocks: [String: Int] = [
    "p": 2, "div": 1, "section": 1, "article": 1, "header": 1, "footer": 1, "main": 1, "table": 2, "ul": 2, "ol": 2,
    "h1": 2, "h2": 2, "h3": 2, "h4": 2, "h5": 2, "h6": 2, "blockquote": 2, "pre": 2, "tr": 1, "li": 1, "dt": 1, "dd": 1,
    "address": 2, "figure": 2, "form": 1, "body": 1, "caption": 1,
  ]

  static func text(of html: String) -> String { make(html, isMarkdown: false) }
  static func markdown(of html: String) -> String { make(html, isMarkdown: true) }

  private static func make(_ html: String, isMarkdown: Bool) -> String {
    var alternative = TextAlternative(isMarkdown: isMarkdown)
    for token in HTMLToken.tokens(of: html) { alternative.read(token) }
    if isMarkdown { alternative.endCode() }
    var text = alternative.output.drop(while: \.isNewline)
    while text.last?.isWhitespace ?? false { text.removeLast() }
    return text + "\n"
  }

  private init(isMarkdown: Bool) { self.isMarkdown = isMarkdown }

  private mutating func read(_ token: HTMLToken) {
    switch token {
    case .text(let text): if hidden == nil { write(HTMLEntities.decoded(text)) }
    case .start(let tag): if !isUnseen(tag) { start(tag) }
    case .end(let name, _): end(name)
    case .other: break
    }
  }

  // MARK: What is not shown

  /// Whether a start tag is in an element that is not shown, or begins one.
  private mutating func isUnseen(_ tag: HTMLTag) -> Bool {
    if let open = hidden {
      let endsOpen =
        open.name == "head" && tag.name == "body" || open.name == tag.name && Self.endsItself.contains(tag.name)
      guard endsOpen else {
        if open.name == tag.name, !tag.isVoid { hidden = (open.name, open.depth + 1) }
        return true
      }
      hidden = nil
    }
    guard Self.unseen.contains(tag.name) || isHidden(tag) else { return false }
    if !tag.isVoid { hidden = (tag.name, 1) }
    return true
  }

  /// What the page itself hides, such as a preheader.
  private func isHidden(_ tag: HTMLTag) -> Bool {
    let style = (tag["style"] ?? "").filter { $0 != " " }.lowercased()
    return style.contains("display:none") || tag["hidden"] != nil
  }

  // MARK: Tags

  private mutating func start(_ tag: HTMLTag) {
    if tag.name == "li" { isItemOpen = false }
    breakBlock(tag.name)
    switch tag.name {
    case "br": breakOnce()
    case "hr":
      breakLine(2)
      literal(isMarkdown ? "---" : String(repeating: "-", count: 40))
      breakLine(2)
    case "h1", "h2", "h3", "h4", "h5", "h6":
      if let level = tag.name.last?.wholeNumberValue { mark(String(repeating: "#", count: level) + " ") }
    case "ul", "ol":
      lists.append((tag.name == "ol", 0))
      prefixes.append(Self.itemPrefix)
    case "li": startItem()
    case "a":
      flush()
      links.append((tag["href"], output.utf8.count))
      if tag["href"] != nil { mark("[") }
    case "img": if let text = tag["alt"], !text.isEmpty { image(text, tag["src"] ?? "") }
    case "table", "tr", "td", "th": startCell(tag)
    case "b", "strong": mark("**")
    case "i", "em": mark("*")
    case "pre": preformatted += 1
    case "blockquote": prefixes.append(Self.quotePrefix)
    default: break
    }
  }

  private mutating func end(_ name: String) {
    if let open = hidden {
      if open.name == name { hidden = open.depth > 1 ? (name, open.depth - 1) : nil }
      return
    }
    switch name {
    case "a": endLink()
    case "ul", "ol":
      if lists.popLast() != nil { close(Self.itemPrefix) }
    case "li": isItemOpen = false
    case "b", "strong": mark("**")
    case "i", "em": mark("*")
    case "pre":
      if isMarkdown { endCode() }
      preformatted = max(preformatted - 1, 0)
    case "blockquote": close(Self.quotePrefix)
    case "table", "tr", "td", "th": endCell(name)
    default: break
    }
    breakBlock(name)
  }

  private mutating func close(_ prefix: String) {
    if let place = prefixes.lastIndex(of: prefix) { prefixes.remove(at: place) }
  }

  private mutating func startItem() {
    let depth = min(max(lists.count - 1, 0), Self.deepest)
    if let last = lists.indices.last { lists[last].number += 1 }
    let mark = lists.last.map { $0.ordered ? "\($0.number). " : "- " } ?? "- "
    let isOuter = prefixes.last == Self.itemPrefix
    if isOuter { prefixes.removeLast() }
    literal((isMarkdown ? "" : String(repeating: "  ", count: depth)) + mark)
    if isOuter { prefixes.append(Self.itemPrefix) }
    line = .nothing
    isItemOpen = true
  }

  private mutating func image(_ alternative: String, _ source: String) {
    guard isMarkdown, preformatted == 0 else { return write("[\(alternative)]") }
    literal("![")
    write(alternative)
    literal("](\(Self.destination(source)))")
  }

  private mutating func endLink() {
    guard let (target, start) = links.popLast(), let url = target else { return }
    if isMarkdown { return mark("](\(Self.destination(url)))") }
    let shown = String(decoding: output.utf8.dropFirst(start), as: UTF8.self)
    if !url.hasPrefix("#") && shown != url && "mailto:" + shown != url { literal(" <\(url)>") }
  }

  /// An address as it can stand in the brackets of a link; none if it could run something.
  private static func destination(_ url: String) -> String {
    guard TemplateURL.isSafe(url) else { return "" }
    var text = ""
    for scalar in url.unicodeScalars {
      if scalar.value <= 0x20 || scalar.value == 0x7F || "()<>\\".unicodeScalars.contains(scalar) {
        text += "%" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16, uppercase: true)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  // MARK: Tables

  private mutating func startCell(_ tag: HTMLTag) {
    guard isMarkdown else {
      if tag.name == "tr" { cells = 0 }
      if tag.name == "td" || tag.name == "th" {
        if cells > 0 { literal("  ") }
        cells += 1
      }
      return
    }
    switch tag.name {
    case "table": table.depth += 1
    // A table in a table is its text.
    case "tr" where table.depth == 1:
      endRow()
      flush()
      table.begin(at: output.utf8.count)
    case "td" where table.depth == 1, "th" where table.depth == 1:
      guard table.isInRow else { return }
      let columns = min(max(tag["colspan"].flatMap { Int($0) } ?? 1, 1), 50)
      pendingSpace = false
      literal(table.cell(isHeader: tag.name == "th", columns: columns))
    default: pendingSpace = true
    }
  }

  private mutating func endCell(_ name: String) {
    guard isMarkdown else { return }
    switch name {
    case "table":
      if table.depth == 1 { endRow() }
      table.depth = max(table.depth - 1, 0)
      if table.depth == 0 { table = MarkdownTable() }
    case "tr" where table.depth == 1: endRow()
    default: pendingSpace = true
    }
  }

  private mutating func endRow() {
    guard table.isInRow else { return }
    pendingSpace = false
    guard let (head, tail) = table.end() else { return }
    while output.last == " " { output.removeLast() }
    output += tail
    if !head.isEmpty {
      output.insert(contentsOf: head, at: output.utf8.index(output.utf8.startIndex, offsetBy: table.start))
    }
    breakLine(1)
  }

  // MARK: Writing

  private mutating func write(_ text: String) {
    if preformatted > 0 { return isMarkdown ? code += text : literal(text) }
    let following = isMarkdown ? Array(text.unicodeScalars.dropFirst()) : []
    var place = 0
    for character in text {
      defer { place += character.unicodeScalars.count }
      if character.isWhitespace && character != "\u{A0}" {
        pendingSpace = true
        continue
      }
      flush()
      if isMarkdown { escape(character, before: place < following.count ? following[place] : " ") }
      output.append(character == "\u{A0}" ? " " : character)
      isItemOpen = false
    }
  }

  /// Writes a backslash before what CommonMark would read as markup here.
  private mutating func escape(_ character: Character, before next: Unicode.Scalar) {
    let isMarkup =
      switch character {
      case "\\", "`", "*", "_", "[", "]", "<", ">", "~": true
      case "|": table.isInRow
      case "&": next == "#" || next.properties.isAlphabetic
      case "#", "-", "+", "=": line == .nothing
      case ".", ")": line == .digits
      default: false
      }
    if isMarkup { output.append("\\") }
    let isDigit = character.isASCII && character.isNumber
    line = isDigit && line != .text ? .digits : .text
  }

  private mutating func literal(_ text: String) {
    flush()
    output += text
    line = .text
    isItemOpen = false
  }

  /// Writes what only Markdown has, and only where it is read.
  private mutating func mark(_ text: String) {
    if isMarkdown, preformatted == 0 { literal(text) }
  }

  /// Preformatted text in Markdown: indented, since nothing is markup there.
  private mutating func endCode() {
    guard !code.isEmpty else { return }
    if table.isInRow {
      let text = code.split(whereSeparator: \.isNewline).joined(separator: " ")
      (code, preformatted) = ("", 0)
      return write(text)
    }
    flush()
    let lines = code.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    output += lines.map { "    " + $0 }.joined(separator: "\n" + prefix)
    code = ""
  }

  private mutating func breakBlock(_ name: String) {
    guard let breaks = Self.blocks[name] else { return }
    let isNested = (name == "ul" || name == "ol") && !lists.isEmpty
    // In Markdown lines that follow each other are one paragraph.
    let isOneLine = isNested || ["li", "tr"].contains(name)
    breakLine(isNested ? 1 : isMarkdown && !isOneLine ? 2 : breaks)
  }

  private mutating func breakLine(_ count: Int) {
    if isItemOpen { return }
    if isMarkdown && table.isInRow { return pendingSpace = true }
    pendingBreaks = max(pendingBreaks, count)
    (pendingSpace, isHardBreak) = (false, false)
  }

  private mutating func breakOnce() {
    if isMarkdown && table.isInRow { return pendingSpace = true }
    if isMarkdown && preformatted > 0 { return code += "\n" }
    isHardBreak = pendingBreaks == 0
    pendingBreaks += 1
  }

  private static let quotePrefix = "> "
  private static let itemPrefix = "    "
  /// Deeper ones are written as if they were this deep.
  private static let deepest = 16

  private var prefix: String { isMarkdown ? prefixes.prefix(Self.deepest).joined() : "" }

  private mutating func flush() {
    if output.isEmpty {
      output = prefix
      line = .nothing
    } else if pendingBreaks > 0 {
      while output.last == " " { output.removeLast() }
      if isHardBreak && isMarkdown { output += "\\" }
      let prefix = prefix
      // No line ends in a blank, which would be a break to Markdown.
      if pendingBreaks > 1 { output += "\n" + FrontMatter.trimmed("x" + prefix).dropFirst() }
      output += "\n" + prefix
      line = .nothing
    } else if pendingSpace && output.last != "\n" && output.last != " " {
      output.append(" ")
    }
    pendingBreaks = 0
    (pendingSpace, isHardBreak) = (false, false)
  }
}
