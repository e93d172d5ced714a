/// Cuts Mustache into lines of text and tags, and finds the lines that hold nothing but a tag.
///
/// The language is that of the Mustache specification 1.4 with its optional modules (https://github.com/mustache/spec).
struct MustacheLexer {
  struct Tag {
    enum Kind { case value, raw, section, inverted, close, partial, parent, slot, comment, delimiters }

    let kind: Kind
    let name: String
    /// The whole tag.
    let range: Range<Int>
    /// The delimiters in force at the tag.
    let delimiters: MustacheDelimiters
    /// What a closing tag closes.
    var closes: Kind?

    /// Whether the tag may take its line with it.
    var mayStandAlone: Bool { kind != .value && kind != .raw }
    var isInheritance: Bool { [kind, closes ?? kind].contains { $0 == .parent || $0 == .slot } }
  }

  enum Item {
    case text(Range<Int>)
    case tag(Tag)
  }

  /// One line of the source, longer where a tag spans several.
  struct Line {
    var items: [Item] = []
    /// Whether nothing but tags stands on it, so that it leaves no line in the output.
    var standsAlone = false
    /// The white space before its first tag.
    var indent: Range<Int> = 0..<0
  }

  let source: TemplateSource
  let bytes: [UInt8]
  var delimiters: MustacheDelimiters
  private var position = 0
  private var open: [Tag] = []

  init(source: TemplateSource, delimiters: MustacheDelimiters) {
    self.source = source
    self.delimiters = delimiters
    bytes = source.bytes
  }

  mutating func lines() throws(TemplateError) -> [Line] {
    var lines: [Line] = []
    while position < bytes.count { lines.append(try readLine()) }
    if let unclosed = open.last {
      throw error("the section '\(unclosed.name)' that begins here is not closed", at: unclosed.range.lowerBound)
    }
    return lines
  }

  private mutating func readLine() throws(TemplateError) -> Line {
    var line = Line()
    var start = position
    while position < bytes.count {
      if bytes[position] == ASCII.lineFeed {
        position += 1
        break
      }
      if bytes[position...].starts(with: delimiters.open) {
        if start < position { line.items.append(.text(start..<position)) }
        line.items.append(.tag(try readTag()))
        start = position
      } else {
        position += 1
      }
    }
    if start < position { line.items.append(.text(start..<position)) }
    classify(&line)
    return line
  }

  // MARK: Lines

  private func classify(_ line: inout Line) {
    if case .text(let range)? = line.items.first, isBlank(range), line.items.count > 1 { line.indent = range }
    let tags = line.items.compactMap { if case .tag(let tag) = $0 { tag } else { nil } }
    let blank = line.items.allSatisfy { if case .text(let range) = $0 { isBlank(range) } else { true } }
    guard blank, let first = tags.first, tags.allSatisfy(\.mayStandAlone) else { return }
    line.standsAlone = tags.count == 1 || (tags.allSatisfy(\.isInheritance) && !isSlotInline(tags, first))
  }

  /// Whether a part to be overridden opens and closes on this line: then its line is one of the output.
  private func isSlotInline(_ tags: [Tag], _ first: Tag) -> Bool {
    first.kind == .slot && tags.contains { $0.kind == .close && $0.closes == .slot }
  }

  private func isBlank(_ range: Range<Int>) -> Bool { bytes[range].allSatisfy(\.isSpace) }

  // MARK: Tags

  private mutating func readTag() throws(TemplateError) -> Tag {
    let start = position
    let current = delimiters
    position += current.open.count
    let isTriple = current == .standard && position < bytes.count && bytes[position] == ASCII.open
    let (kind, skipped) = isTriple ? (.raw, 1) : sigil()
    position += skipped
    let closing: [UInt8] =
      isTriple ? Array("}}}".utf8) : kind == .delimiters ? [UInt8(ascii: "=")] + current.close : current.close
    guard let end = find(closing, from: position) else {
      let close = String(decoding: closing, as: UTF8.self)
      throw error("the tag that begins here does not end; close it with \(close)", at: start)
    }
    let name = trimmed(position..<end)
    position = end + closing.count
    var tag = Tag(kind: kind, name: name, range: start..<position, delimiters: current)
    if kind == .delimiters { try change(to: name, at: start) } else if kind != .comment { try nest(&tag) }
    return tag
  }

  private func sigil() -> (Tag.Kind, Int) {
    var index = position
    while index < bytes.count && bytes[index].isSpace { index += 1 }
    guard index < bytes.count else { return (.value, 0) }
    let kind: Tag.Kind? =
      switch bytes[index] {
      case UInt8(ascii: "#"): .section
      case UInt8(ascii: "^"): .inverted
      case UInt8(ascii: "/"): .close
      case UInt8(ascii: ">"): .partial
      case UInt8(ascii: "<"): .parent
      case UInt8(ascii: "$"): .slot
      case UInt8(ascii: "&"): .raw
      case UInt8(ascii: "!"): .comment
      case UInt8(ascii: "="): .delimiters
      default: nil
      }
    return kind.map { ($0, index - position + 1) } ?? (.value, 0)
  }

  private mutating func nest(_ tag: inout Tag) throws(TemplateError) {
    if tag.name.isEmpty { throw error("a name is missing in this tag", at: tag.range.lowerBound) }
    switch tag.kind {
    case .section, .inverted, .parent, .slot: open.append(tag)
    case .close:
      guard let opened = open.popLast() else {
        throw error("this closes '\(tag.name)', which is not open", at: tag.range.lowerBound)
      }
      guard opened.name == tag.name else {
        throw error("'\(opened.name)' is open here, but '\(tag.name)' is closed", at: tag.range.lowerBound)
      }
      tag.closes = opened.kind
    default: break
    }
  }

  private mutating func change(to text: String, at start: Int) throws(TemplateError) {
    let parts = text.utf8.split(whereSeparator: \.isSpace).map(Array.init)
    guard parts.count == 2, let open = parts.first, let close = parts.last,
      !open.contains(UInt8(ascii: "=")), !close.contains(UInt8(ascii: "="))
    else { throw error("delimiters are changed as in {{=<% %>=}}", at: start) }
    delimiters = MustacheDelimiters(open: open, close: close)
  }

  private func find(_ text: [UInt8], from start: Int) -> Int? {
    guard let first = text.first else { return nil }
    var index = start
    while index + text.count <= bytes.count {
      if bytes[index] == first && bytes[index...].starts(with: text) { return index }
      index += 1
    }
    return nil
  }

  private func trimmed(_ range: Range<Int>) -> String {
    let content = bytes[range]
    guard let first = content.firstIndex(where: { !$0.isSpace }), let last = content.lastIndex(where: { !$0.isSpace })
    else { return "" }
    return source.text(first..<(last + 1))
  }

  private func error(_ message: String, at offset: Int) -> TemplateError {
    TemplateError(.syntax, message, in: source, at: offset)
  }
}
