import CMd4c
import MainstayKernel
import MainstayTemplating

/// Markdown as HTML, by md4c (https://github.com/mity/md4c): CommonMark with tables, strikethrough and task lists.
///
/// HTML in the source is text, links that could run something lose their address, and the size of what comes out, its
/// nesting and the time are limited.
struct MarkdownPage {
  /// Why a source could not be turned into HTML.
  enum Mistake: Error, Equatable {
    case tooDeep, tooLong, timedOut, failed

    var words: String {
      switch self {
      case .tooDeep: "nests quotes or lists deeper than \(deepest)"
      case .tooLong: "is longer than the longest output allowed"
      case .timedOut: "is not done in time"
      case .failed: "cannot be read"
      }
    }
  }

  /// How deep quotes and lists may nest.
  fileprivate static let deepest = 64

  private var html: [UInt8] = []
  /// The first heading, as text.
  private var title = ""
  private var isTitle = false
  /// How many images are open: their descriptions may hold others.
  private var images = 0
  private var depth = 0
  private let mostBytes: Int
  private let isTimeOver: () -> Bool
  private var events = 0
  private var mistake: Mistake?

  private init(mostBytes: Int, isTimeOver: @escaping () -> Bool) {
    self.mostBytes = mostBytes
    self.isTimeOver = isTimeOver
  }

  /// A fragment of HTML, and the first heading.
  static func fragment(
    of source: String, mostBytes: Int, isTimeOver: @escaping () -> Bool = { false }
  ) throws(Mistake) -> (html: String, title: String) {
    var page = MarkdownPage(mostBytes: mostBytes, isTimeOver: isTimeOver)
    var source = source
    guard let size = MD_SIZE(exactly: source.utf8.count), source.utf8.count <= mostBytes else { throw .tooLong }
    let result = withUnsafeMutablePointer(to: &page) { page in
      source.withUTF8 { bytes in
        var parser = parser
        return bytes.withMemoryRebound(to: MD_CHAR.self) { md_parse($0.baseAddress, size, &parser, page) }
      }
    }
    if let mistake = page.mistake { throw mistake }
    guard result == 0 else { throw .failed }
    return (String(decoding: page.html, as: UTF8.self), page.title)
  }

  /// A whole page.
  static func page(
    of source: String, style: Style, language: String, title: String, mostBytes: Int,
    isTimeOver: @escaping () -> Bool = { false }
  ) throws(Mistake) -> String {
    let (fragment, heading) = try fragment(of: source, mostBytes: mostBytes, isTimeOver: isTimeOver)
    let name = heading.isEmpty ? title : heading
    return """
      <!DOCTYPE html>
      <html lang="\(HTMLEntities.escaped(language))">
      <head>
      <meta charset="utf-8">
      <title>\(HTMLEntities.escaped(name))</title>
      <style>\(style.rules)</style>
      </head>
      <body>
      \(fragment)</body>
      </html>

      """
  }

  // MARK: The parser

  private static let parser: MD_PARSER = {
    var parser = MD_PARSER()
    parser.flags = UInt32(
      MD_FLAG_NOHTMLBLOCKS | MD_FLAG_NOHTMLSPANS | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH
        | MD_FLAG_TASKLISTS)
    parser.enter_block = { type, detail, page in MarkdownPage.read(page) { $0.enter(type, detail) } }
    parser.leave_block = { type, detail, page in MarkdownPage.read(page) { $0.leave(type, detail) } }
    parser.enter_span = { type, detail, page in MarkdownPage.read(page) { $0.enterSpan(type, detail) } }
    parser.leave_span = { type, detail, page in MarkdownPage.read(page) { $0.leaveSpan(type, detail) } }
    parser.text = { type, text, size, page in
      MarkdownPage.read(page) { $0.write(type, UnsafeBufferPointer(start: text, count: Int(size))) }
    }
    return parser
  }()

  /// Hands on what the parser has read; other than zero ends it.
  private static func read(_ pointer: UnsafeMutableRawPointer?, _ body: (inout MarkdownPage) -> Void) -> Int32 {
    guard let page = pointer?.assumingMemoryBound(to: MarkdownPage.self) else { return 1 }
    body(&page.pointee)
    page.pointee.check()
    return page.pointee.mistake == nil ? 0 : 1
  }

  private mutating func check() {
    events += 1
    if html.count > mostBytes { mistake = .tooLong }
    if events % 1024 == 0, isTimeOver() { mistake = .timedOut }
  }

  // MARK: Blocks

  private mutating func enter(_ type: MD_BLOCKTYPE, _ detail: UnsafeMutableRawPointer?) {
    depth += 1
    if depth > Self.deepest { mistake = .tooDeep }
    switch type {
    case MD_BLOCK_QUOTE: open("<blockquote>\n")
    case MD_BLOCK_UL: open("<ul>\n")
    case MD_BLOCK_OL:
      let start = detail?.load(as: MD_BLOCK_OL_DETAIL.self).start ?? 1
      open(start == 1 ? "<ol>\n" : "<ol start=\"\(start)\">\n")
    case MD_BLOCK_LI: enterItem(detail)
    case MD_BLOCK_HR: open("<hr>\n")
    case MD_BLOCK_H:
      isTitle = title.isEmpty
      open("<h\(level(detail))>")
    case MD_BLOCK_CODE: open("<pre><code>")
    case MD_BLOCK_P: open("<p>")
    case MD_BLOCK_TABLE: open("<table>\n")
    case MD_BLOCK_THEAD: open("<thead>\n")
    case MD_BLOCK_TBODY: open("<tbody>\n")
    case MD_BLOCK_TR: open("<tr>")
    case MD_BLOCK_TH: enterCell("th", detail)
    case MD_BLOCK_TD: enterCell("td", detail)
    default: break
    }
  }

  private func level(_ detail: UnsafeMutableRawPointer?) -> Int {
    min(max(Int(detail?.load(as: MD_BLOCK_H_DETAIL.self).level ?? 1), 1), 6)
  }

  private mutating func enterItem(_ detail: UnsafeMutableRawPointer?) {
    open("<li>")
    guard let item = detail?.load(as: MD_BLOCK_LI_DETAIL.self), item.is_task != 0 else { return }
    open(item.task_mark == 0x20 ? "☐ " : "☑ ")
  }

  private mutating func enterCell(_ name: String, _ detail: UnsafeMutableRawPointer?) {
    switch detail?.load(as: MD_BLOCK_TD_DETAIL.self).align {
    case MD_ALIGN_CENTER?: open("<\(name) style=\"text-align:center\">")
    case MD_ALIGN_RIGHT?: open("<\(name) style=\"text-align:right\">")
    default: open("<\(name)>")
    }
  }

  private mutating func leave(_ type: MD_BLOCKTYPE, _ detail: UnsafeMutableRawPointer?) {
    depth -= 1
    switch type {
    case MD_BLOCK_QUOTE: open("</blockquote>\n")
    case MD_BLOCK_UL: open("</ul>\n")
    case MD_BLOCK_OL: open("</ol>\n")
    case MD_BLOCK_LI: open("</li>\n")
    case MD_BLOCK_H:
      isTitle = false
      open("</h\(level(detail))>\n")
    case MD_BLOCK_CODE: open("</code></pre>\n")
    case MD_BLOCK_P: open("</p>\n")
    case MD_BLOCK_TABLE: open("</table>\n")
    case MD_BLOCK_THEAD: open("</thead>\n")
    case MD_BLOCK_TBODY: open("</tbody>\n")
    case MD_BLOCK_TR: open("</tr>\n")
    case MD_BLOCK_TH: open("</th>")
    case MD_BLOCK_TD: open("</td>")
    default: break
    }
  }

  // MARK: Spans

  private mutating func enterSpan(_ type: MD_SPANTYPE, _ detail: UnsafeMutableRawPointer?) {
    if type == MD_SPAN_IMG { images += 1 }
    // In an image stands its description, which is text.
    guard images == 0 || type == MD_SPAN_IMG && images == 1 else { return }
    switch type {
    case MD_SPAN_EM: open("<em>")
    case MD_SPAN_STRONG: open("<strong>")
    case MD_SPAN_DEL: open("<del>")
    case MD_SPAN_CODE: open("<code>")
    case MD_SPAN_A:
      guard let link = detail?.load(as: MD_SPAN_A_DETAIL.self) else { return open("<a>") }
      open("<a")
      writeURL("href", link.href)
      writeTitle(link.title)
      open(">")
    case MD_SPAN_IMG:
      open("<img")
      if let image = detail?.load(as: MD_SPAN_IMG_DETAIL.self) {
        writeURL("src", image.src)
        writeTitle(image.title)
      }
      open(" alt=\"")
    default: break
    }
  }

  private mutating func leaveSpan(_ type: MD_SPANTYPE, _ detail: UnsafeMutableRawPointer?) {
    if type == MD_SPAN_IMG {
      images -= 1
      if images == 0 { open("\">") }
      return
    }
    guard images == 0 else { return }
    switch type {
    case MD_SPAN_EM: open("</em>")
    case MD_SPAN_STRONG: open("</strong>")
    case MD_SPAN_DEL: open("</del>")
    case MD_SPAN_CODE: open("</code>")
    case MD_SPAN_A: open("</a>")
    default: break
    }
  }

  /// An address, if it only names a place. An entity that nobody here can read could spell anything.
  private mutating func writeURL(_ name: String, _ attribute: MD_ATTRIBUTE) {
    var url = ""
    for (type, text) in Self.parts(of: attribute) {
      let decoded = type == MD_TEXT_ENTITY ? HTMLEntities.decoded(text) : text
      if type == MD_TEXT_ENTITY, decoded == text { return }
      url += decoded
    }
    guard TemplateURL.isSafe(url) || name == "src" && url.hasPrefix("data:image/") else { return }
    open(" \(name)=\"")
    open(HTMLEntities.escaped(url))
    open("\"")
  }

  private mutating func writeTitle(_ attribute: MD_ATTRIBUTE) {
    guard attribute.size > 0 else { return }
    open(" title=\"")
    for (type, text) in Self.parts(of: attribute) { open(type == MD_TEXT_ENTITY ? text : HTMLEntities.escaped(text)) }
    open("\"")
  }

  private static func parts(of attribute: MD_ATTRIBUTE) -> [(MD_TEXTTYPE, String)] {
    guard let text = attribute.text, let types = attribute.substr_types, let offsets = attribute.substr_offsets else {
      return []
    }
    var parts: [(MD_TEXTTYPE, String)] = []
    var index = 0
    while offsets[index] < attribute.size {
      let range = Int(offsets[index])..<Int(offsets[index + 1])
      let bytes = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(start: text, count: Int(attribute.size))[range])
      let part = bytes.withMemoryRebound(to: UInt8.self) { String(decoding: $0, as: UTF8.self) }
      parts.append((types[index], types[index] == MD_TEXT_NULLCHAR ? "\u{FFFD}" : part))
      index += 1
    }
    return parts
  }

  // MARK: Text

  private mutating func write(_ type: MD_TEXTTYPE, _ text: UnsafeBufferPointer<MD_CHAR>) {
    switch type {
    case MD_TEXT_NULLCHAR: open("\u{FFFD}")
    case MD_TEXT_BR: open(images > 0 ? " " : "<br>\n")
    case MD_TEXT_SOFTBR: open("\n")
    default:
      let plain = text.withMemoryRebound(to: UInt8.self) { String(decoding: $0, as: UTF8.self) }
      if isTitle, title.utf8.count < 200 { title += type == MD_TEXT_ENTITY ? HTMLEntities.decoded(plain) : plain }
      open(type == MD_TEXT_ENTITY ? plain : HTMLEntities.escaped(plain))
    }
  }

  private mutating func open(_ markup: String) { html.append(contentsOf: markup.utf8) }
}
