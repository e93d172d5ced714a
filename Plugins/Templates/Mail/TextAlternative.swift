import MainstayTemplating

/// A page as plain text or as Markdown: what a reader sees, without layout.
struct TextAlternative {
  private let isMarkdown: Bool
  private var output = ""
  private var pendingBreaks = 0
  private var pendingSpace = false
  private var hidden = 0
  private var lists: [(ordered: Bool, number: Int)] = []
  private var links: [String?] = []
  private var linkStarts: [Int] = []
  private var cells = 0
  private var preformatted = 0

  private static let unseen: Set<String> = ["head", "script", "style", "title", "template", "noscript"]
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
    return FrontMatter.trimmed(alternative.output) + "\n"
  }

  private init(isMarkdown: Bool) { self.isMarkdown = isMarkdown }

  private mutating func read(_ token: HTMLToken) {
    switch token {
    case .text(let text): if hidden == 0 { write(HTMLEntities.decoded(text)) }
    case .start(let tag): start(tag)
    case .end(let name, _): end(name)
    case .other: break
    }
  }

  private mutating func start(_ tag: HTMLTag) {
    if hidden > 0 || Self.unseen.contains(tag.name) || isHidden(tag) {
      if !tag.isVoid { hidden += 1 }
      return
    }
    if let breaks = Self.blocks[tag.name] { breakLine(breaks) }
    switch tag.name {
    case "br": pendingBreaks = max(pendingBreaks, 0) + 1
    case "hr":
      breakLine(2)
      literal(isMarkdown ? "---" : String(repeating: "-", count: 40))
      breakLine(2)
    case "h1", "h2", "h3", "h4", "h5", "h6":
      if isMarkdown, let level = tag.name.last?.wholeNumberValue { literal(String(repeating: "#", count: level) + " ") }
    case "ul", "ol": lists.append((tag.name == "ol", 0))
    case "li": startItem()
    case "a":
      links.append(tag["href"])
      flush()
      linkStarts.append(output.utf8.count)
      if isMarkdown, tag["href"] != nil { literal("[") }
    case "img":
      if let alt = tag["alt"], !alt.isEmpty { image(alt, tag["src"] ?? "") }
    case "tr": cells = 0
    case "td", "th":
      if cells > 0 { literal(isMarkdown ? " | " : "  ") }
      cells += 1
    case "b", "strong": if isMarkdown { literal("**") }
    case "i", "em": if isMarkdown { literal("*") }
    case "pre": preformatted += 1
    case "blockquote": if isMarkdown { literal("> ") }
    default: break
    }
  }

  /// What the page itself hides, such as a preheader.
  private func isHidden(_ tag: HTMLTag) -> Bool {
    let style = (tag["style"] ?? "").filter { $0 != " " }.lowercased()
    return style.contains("display:none") || tag["hidden"] != nil
  }

  private mutating func image(_ alternative: String, _ source: String) {
    guard isMarkdown else { return write("[\(alternative)]") }
    literal("![")
    write(alternative)
    literal("](\(Self.destination(source)))")
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

  private mutating func startItem() {
    let depth = max(lists.count - 1, 0)
    guard let last = lists.indices.last else { return literal("- ") }
    lists[last].number += 1
    let mark = lists[last].ordered ? "\(lists[last].number). " : "- "
    literal(String(repeating: "  ", count: depth) + mark)
  }

  private mutating func end(_ name: String) {
    if hidden > 0 {
      hidden -= 1
      return
    }
    switch name {
    case "a": endLink()
    case "ul", "ol": _ = lists.popLast()
    case "b", "strong": if isMarkdown { literal("**") }
    case "i", "em": if isMarkdown { literal("*") }
    case "pre": preformatted = max(preformatted - 1, 0)
    default: break
    }
    if let breaks = Self.blocks[name] { breakLine(breaks) }
  }

  private mutating func endLink() {
    guard let target = links.popLast(), let start = linkStarts.popLast(), let url = target else { return }
    if isMarkdown { return literal("](\(Self.destination(url)))") }
    let shown = String(decoding: output.utf8.dropFirst(start), as: UTF8.self)
    if !url.hasPrefix("#") && shown != url && "mailto:" + shown != url { literal(" <\(url)>") }
  }

  // MARK: Writing

  private mutating func write(_ text: String) {
    if preformatted > 0 { return literal(text) }
    for character in text {
      if character.isWhitespace && character != "\u{A0}" {
        pendingSpace = true
      } else {
        flush()
        if isMarkdown && "\\`*_[]<>".contains(character) { output.append("\\") }
        output.append(character == "\u{A0}" ? " " : character)
      }
    }
  }

  private mutating func literal(_ text: String) {
    flush()
    output += text
  }

  private mutating func breakLine(_ count: Int) {
    pendingBreaks = max(pendingBreaks, count)
    pendingSpace = false
  }

  private mutating func flush() {
    if pendingBreaks > 0 {
      while output.last == " " { output.removeLast() }
      if !output.isEmpty { output += String(repeating: "\n", count: min(pendingBreaks, 2)) }
    } else if pendingSpace && !output.isEmpty && output.last != "\n" && output.last != " " {
      output.append(" ")
    }
    pendingBreaks = 0
    pendingSpace = false
  }
}
