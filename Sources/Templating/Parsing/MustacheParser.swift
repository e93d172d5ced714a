/// Makes nodes of the lines that `MustacheLexer` finds.
struct MustacheParser {
  let source: TemplateSource
  let nesting: Int
  private var items: [Item] = []
  private var position = 0
  private var depth = 0

  /// What a line leaves after standalone tags have taken their lines with them.
  private enum Item {
    case lineStart
    case text(Range<Int>)
    case tag(MustacheLexer.Tag, indent: Range<Int>?, alone: Bool)
  }

  init(source: TemplateSource, nesting: Int) {
    self.source = source
    self.nesting = nesting
  }

  mutating func parse(delimiters: MustacheDelimiters) throws(TemplateError) -> Body {
    var lexer = MustacheLexer(source: source, delimiters: delimiters)
    for line in try lexer.lines() { append(line) }
    return try parseBody()
  }

  private mutating func append(_ line: MustacheLexer.Line) {
    if !line.standsAlone { items.append(.lineStart) }
    var first = true
    for item in line.items {
      switch item {
      case .text(let range):
        if !line.standsAlone { items.append(.text(range)) }
        if range != line.indent { first = false }
      case .tag(let tag):
        items.append(.tag(tag, indent: first ? line.indent : nil, alone: line.standsAlone))
        first = false
      }
    }
  }

  /// Nodes up to a closing tag, which stays unread, or the end.
  private mutating func parseBody() throws(TemplateError) -> Body {
    let body = Body()
    guard depth < nesting else {
      throw TemplateError(
        .depthExceeded, "sections nest deeper than \(nesting); move the inner ones to a partial", in: source,
        at: position < items.count ? offset(of: items[position]) : 0)
    }
    depth += 1
    defer { depth -= 1 }
    while position < items.count {
      switch items[position] {
      case .lineStart: body.nodes.append(.lineStart)
      case .text(let range): body.nodes.append(.text(TextNode(range)))
      case .tag(let tag, let indent, let alone):
        if tag.kind == .close { return body }
        position += 1
        if let node = try parseNode(tag, indent, alone) { body.nodes.append(node) }
        continue
      }
      position += 1
    }
    return body
  }

  private func offset(of item: Item) -> Int {
    switch item {
    case .lineStart: 0
    case .text(let range): range.lowerBound
    case .tag(let tag, _, _): tag.range.lowerBound
    }
  }

  private mutating func parseNode(
    _ tag: MustacheLexer.Tag, _ indent: Range<Int>?, _ alone: Bool
  ) throws(TemplateError) -> Node? {
    switch tag.kind {
    case .value, .raw:
      return .output(OutputNode(call: call(tag), isRaw: tag.kind == .raw, strip: Strip()))
    case .section, .inverted: return .block(try parseSection(tag))
    case .partial: return .partial(partial(tag, alone ? indent : nil))
    case .parent: return .block(try parseParent(tag, alone ? indent : nil))
    case .slot: return .slot(try parseSlot(tag, indent, alone))
    case .comment, .delimiters, .close: return nil
    }
  }

  private mutating func parseSection(_ tag: MustacheLexer.Tag) throws(TemplateError) -> BlockNode {
    let block = BlockNode(kind: .block, call: call(tag))
    let body = try parseBody()
    if tag.kind == .section { block.program = body } else { block.inverse = body }
    block.delimiters = tag.delimiters
    block.inner = tag.range.upperBound..<closeTag()
    return block
  }

  private mutating func parseParent(_ tag: MustacheLexer.Tag, _ indent: Range<Int>?) throws(TemplateError) -> BlockNode
  {
    let partial = partial(tag, indent)
    partial.isParent = true
    let block = BlockNode(kind: .partial(partial), call: call(tag))
    block.program = try parseBody()
    _ = closeTag()
    return block
  }

  private mutating func parseSlot(
    _ tag: MustacheLexer.Tag, _ indent: Range<Int>?, _ alone: Bool
  ) throws(TemplateError) -> SlotNode {
    let body = try parseBody()
    let slot = SlotNode(name: tag.name, position: tag.range.lowerBound, body: body)
    slot.indent = indent ?? 0..<0
    slot.standsAlone = alone
    if case .lineStart? = body.nodes.first { slot.startsLine = true }
    if body.nodes.isEmpty { slot.startsLine = alone }
    _ = closeTag()
    return slot
  }

  /// Passes the closing tag; where it begins. The lexer has checked that it is there and that its name is right.
  private mutating func closeTag() -> Int {
    guard position < items.count, case .tag(let tag, _, _) = items[position] else { return source.bytes.count }
    position += 1
    return tag.range.lowerBound
  }

  private func call(_ tag: MustacheLexer.Tag) -> CallExpression {
    CallExpression(callee: .path(path(tag.name, at: tag.range.lowerBound)), position: tag.range.lowerBound)
  }

  private func path(_ name: String, at position: Int) -> PathExpression {
    if name == "." { return PathExpression(original: name, isScoped: true, position: position) }
    let segments = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    return PathExpression(original: name, segments: segments, position: position)
  }

  private func partial(_ tag: MustacheLexer.Tag, _ indent: Range<Int>?) -> PartialNode {
    let position = tag.range.lowerBound
    let name: PartialNode.Name
    if tag.name.hasPrefix("*") {
      let path = tag.name.dropFirst().drop { $0.isWhitespace }
      name = .dynamic(.path(self.path(String(path), at: position)))
    } else {
      name = .fixed(tag.name)
    }
    let partial = PartialNode(name: name, position: position)
    partial.indent = indent
    return partial
  }
}
