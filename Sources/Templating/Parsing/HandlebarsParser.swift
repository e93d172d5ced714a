/// Reads Handlebars: text, tags and blocks into nodes. A recursive descent as deep as `nesting`.
///
/// The language is that of handlebars.js 4.7 (https://handlebarsjs.com/guide/), without decorators other than
/// `inline`: those change functions of JavaScript.
struct HandlebarsParser {
  let source: TemplateSource
  let nesting: Int
  let bytes: [UInt8]
  var position = 0
  var depth = 0
  /// What the closing tag of a chain named, until the block at the chain's head has compared it.
  private var chainClose: (name: String, position: Int)?

  private let keepsStandaloneLines: Bool

  init(source: TemplateSource, options: TemplateOptions) {
    self.source = source
    nesting = options.nesting
    keepsStandaloneLines = options.keepsStandaloneLines
    bytes = source.bytes
  }

  mutating func parse() throws(TemplateError) -> Body {
    let body = try parseBody()
    guard position == bytes.count else {
      let tag = try readTag()
      switch tag.kind {
      case .close: throw error("this closes a block that is not open; remove it or open the block", at: tag.start)
      default: throw error("'else' stands outside of a block", at: tag.start)
      }
    }
    WhitespaceControl(bytes: bytes, standalone: !keepsStandaloneLines).apply(to: body)
    return body
  }

  // MARK: Bodies

  /// Nodes up to a closing tag, an `{{else}}` or the end, which stay unread.
  mutating func parseBody() throws(TemplateError) -> Body {
    try descend()
    defer { depth -= 1 }
    let body = Body()
    while position < bytes.count {
      appendText(to: body)
      guard position < bytes.count else { break }
      let start = position
      let tag = try readTag()
      if tag.kind.endsBody {
        position = start
        break
      }
      body.nodes.append(try parseNode(tag))
    }
    return body
  }

  private mutating func descend() throws(TemplateError) {
    guard depth < nesting else {
      throw TemplateError(
        .depthExceeded, "blocks nest deeper than \(nesting); move the inner ones to a partial", in: source, at: position
      )
    }
    depth += 1
  }

  private mutating func parseNode(_ tag: Tag) throws(TemplateError) -> Node {
    switch tag.kind {
    case .rawBlock: try parseRawBlock(tag)
    case .comment: try parseComment(tag)
    case .partial: try parsePartial(tag)
    case .partialBlock: try parsePartialBlock(tag)
    case .inlineBlock: try parseInline(tag)
    case .block, .inverted: try parseBlock(tag)
    case .value, .ampersand, .unescaped: try parseOutput(tag)
    case .decorator, .close, .inverse, .elseChain:
      throw error("decorators are not supported; only {{#*inline \"name\"}} is", at: tag.start)
    }
  }

  /// Text up to the next tag. `\{{` makes the tag text, `\\{{` is a backslash before a tag.
  private mutating func appendText(to body: Body) {
    var start = position
    while position < bytes.count {
      guard let open = nextOpen(from: position) else {
        position = bytes.count
        break
      }
      let slashes = open > start && bytes[open - 1] == ASCII.backslash
      if slashes && open - 1 > start && bytes[open - 2] == ASCII.backslash {
        position = open
        return append(start..<(open - 1), to: body)
      }
      guard slashes else {
        position = open
        break
      }
      append(start..<(open - 1), to: body)
      start = open
      position = endOfEscapedTag(from: open + 2)
      append(start..<position, to: body)
      start = position
    }
    append(start..<position, to: body)
  }

  private func append(_ range: Range<Int>, to body: Body) {
    if !range.isEmpty { body.nodes.append(.text(TextNode(range))) }
  }

  /// An escaped tag is text up to where the next tag, escaped or not, begins.
  private func endOfEscapedTag(from start: Int) -> Int {
    guard var open = nextOpen(from: start) else { return bytes.count }
    var slashes = 0
    while slashes < 2 && open > start && bytes[open - 1] == ASCII.backslash {
      open -= 1
      slashes += 1
    }
    return open
  }

  private func nextOpen(from start: Int) -> Int? {
    var index = start
    while index + 1 < bytes.count {
      if bytes[index] == ASCII.open && bytes[index + 1] == ASCII.open { return index }
      index += 1
    }
    return nil
  }

  // MARK: Output, comments

  private mutating func parseOutput(_ tag: Tag) throws(TemplateError) -> Node {
    let call = try parseCall()
    let isRaw = tag.kind == .unescaped
    let close = try expectClose(isRaw ? "}}}" : "}}", of: tag)
    return .output(
      OutputNode(
        call: call, isRaw: isRaw || tag.kind == .ampersand, strip: Strip(open: tag.strips, close: close)))
  }

  private mutating func parseComment(_ tag: Tag) throws(TemplateError) -> Node {
    let isLong = bytes[position...].starts(with: "--".utf8)
    var index = position + (isLong ? 2 : 0)
    let end: [UInt8] = Array((isLong ? "--" : "").utf8)
    while index < bytes.count {
      if bytes[index...].starts(with: end) {
        var after = index + end.count
        let strips = after < bytes.count && bytes[after] == ASCII.tilde
        if strips { after += 1 }
        if bytes[min(after, bytes.count)...].starts(with: "}}".utf8) {
          position = after + 2
          return .comment(Strip(open: tag.strips, close: strips))
        }
      }
      index += 1
    }
    throw error("the comment that begins here does not end; close it with \(isLong ? "--}}" : "}}")", at: tag.start)
  }

  // MARK: Blocks

  private mutating func parseBlock(_ tag: Tag) throws(TemplateError) -> Node {
    let call = try parseCall()
    let parameters = try parseBlockParameters()
    let openClose = try expectClose("}}", of: tag)
    let block = BlockNode(kind: .block, call: call)
    block.openStrip = Strip(open: tag.strips, close: openClose)
    let first = try parseBody()
    first.parameters = parameters
    let second = try parseElse(of: block)
    if tag.kind == .inverted {
      block.inverse = first
      block.program = second
    } else {
      block.program = first
      block.inverse = second
    }
    if let second, second.isChained {
      try checkChainClose(of: call.name)
    } else {
      block.closeStrip = try parseClose(of: call.name, opened: tag.start)
    }
    return .block(block)
  }

  /// `{{else}}…`, `{{^}}…`, or a chain of `{{else if …}}…`; nil if there is none.
  private mutating func parseElse(of block: BlockNode) throws(TemplateError) -> Body? {
    let start = position
    guard position < bytes.count else { return nil }
    let tag = try readTag()
    switch tag.kind {
    case .inverse:
      let close = try expectClose("}}", of: tag)
      block.inverseStrip = Strip(open: tag.strips, close: close)
      return try parseBody()
    case .elseChain:
      return try parseChain(tag, of: block)
    default:
      position = start
      return nil
    }
  }

  /// `{{else if x}}` is a block inside the else part, which the outermost closing tag closes too.
  private mutating func parseChain(_ tag: Tag, of outer: BlockNode) throws(TemplateError) -> Body {
    try descend()
    defer { depth -= 1 }
    let call = try parseCall()
    let parameters = try parseBlockParameters()
    let close = try expectClose("}}", of: tag)
    let strip = Strip(open: tag.strips, close: close)
    outer.inverseStrip = strip
    let block = BlockNode(kind: .block, call: call)
    block.openStrip = strip
    let program = try parseBody()
    program.parameters = parameters
    block.program = program
    block.inverse = try parseElse(of: block)
    if let inverse = block.inverse, inverse.isChained, let last = inverse.nodes.last, case .block(let inner) = last {
      block.closeStrip = inner.closeStrip
    } else {
      block.closeStrip = try parseClose(of: nil, opened: tag.start)
    }
    outer.closeStrip = block.closeStrip
    let body = Body([.block(block)])
    body.isChained = true
    return body
  }

  private mutating func parseInline(_ tag: Tag) throws(TemplateError) -> Node {
    let call = try parseCall()
    let openClose = try expectClose("}}", of: tag)
    guard call.name == "inline" else {
      throw error("there is no decorator '\(call.name)'; only {{#*inline \"name\"}} is known", at: tag.start)
    }
    guard call.arguments.count == 1, call.hash.isEmpty, let name = call.arguments.first?.constantName else {
      throw error("an inline partial needs a name: {{#*inline \"name\"}}", at: tag.start)
    }
    let block = BlockNode(kind: .inline(name: name), call: call)
    block.openStrip = Strip(open: tag.strips, close: openClose)
    block.program = try parseBody()
    block.closeStrip = try parseClose(of: "inline", opened: tag.start)
    return .block(block)
  }

  private mutating func parseRawBlock(_ tag: Tag) throws(TemplateError) -> Node {
    let call = try parseCall()
    let parameters = try parseBlockParameters()
    skipSpace()
    guard accept("}}}}") else { throw error("a raw block opens with {{{{name}}}}; '}}}}' should stand here") }
    let start = position
    guard let end = endOfRawBlock(named: call.name) else {
      throw error("the raw block '\(call.name)' does not end; close it with {{{{/\(call.name)}}}}", at: tag.start)
    }
    let body = Body()
    append(start..<end, to: body)
    body.parameters = parameters
    let block = BlockNode(kind: .block, call: call)
    block.program = body
    return .block(block)
  }

  /// The end of the content; the position is moved past the closing tag. Raw blocks inside are text.
  private mutating func endOfRawBlock(named name: String) -> Int? {
    var level = 0
    var index = position
    while index < bytes.count {
      guard bytes[index...].starts(with: "{{{{".utf8) else {
        index += 1
        continue
      }
      if bytes[index...].starts(with: "{{{{/\(name)}}}}".utf8), level == 0 {
        position = index + name.utf8.count + 9
        return index
      }
      level += index + 4 < bytes.count && bytes[index + 4] == UInt8(ascii: "/") ? -1 : 1
      index += 4
    }
    return nil
  }

  /// `{{/name}}`; nil as name takes any, for the inner blocks of a chain.
  private mutating func parseClose(of name: String?, opened: Int) throws(TemplateError) -> Strip {
    guard position < bytes.count else {
      let what = name.map { "the block '\($0)'" } ?? "the block"
      throw error("\(what) that begins here is not closed", at: opened)
    }
    let start = position
    let tag = try readTag()
    guard tag.kind == .close else {
      throw error("an 'else' has come already; a closing tag should stand here", at: start)
    }
    let closing = try parseCalleeName()
    let close = try expectClose("}}", of: tag)
    if let name, closing != name {
      throw error("'\(name)' is open here, but '\(closing)' is closed", at: start)
    }
    if name == nil { chainClose = (closing, start) }
    return Strip(open: tag.strips, close: close)
  }

  /// The tag that closes a chain names the block at its head.
  private mutating func checkChainClose(of name: String) throws(TemplateError) {
    guard let close = chainClose else { return }
    chainClose = nil
    guard close.name == name else {
      throw error("'\(name)' is open here, but '\(close.name)' is closed", at: close.position)
    }
  }

  // MARK: Partials

  private mutating func parsePartial(_ tag: Tag) throws(TemplateError) -> Node {
    let partial = try parsePartialHead(tag)
    partial.strip = Strip(open: tag.strips, close: try expectClose("}}", of: tag))
    return .partial(partial)
  }

  private mutating func parsePartialBlock(_ tag: Tag) throws(TemplateError) -> Node {
    let partial = try parsePartialHead(tag)
    let openClose = try expectClose("}}", of: tag)
    let callee = Expression.literal(.undefined, text: partial.closingName, position: tag.start)
    let block = BlockNode(kind: .partial(partial), call: CallExpression(callee: callee, position: tag.start))
    block.openStrip = Strip(open: tag.strips, close: openClose)
    block.program = try parseBody()
    block.closeStrip = try parseClose(of: partial.closingName, opened: tag.start)
    return .block(block)
  }

  private mutating func parsePartialHead(_ tag: Tag) throws(TemplateError) -> PartialNode {
    let call = try parseCall()
    guard call.arguments.count <= 1 else {
      throw error("a partial takes one context at most; pass more as name=value", at: tag.start)
    }
    let name: PartialNode.Name =
      if case .call = call.callee { .dynamic(call.callee) } else { .fixed(call.name) }
    let partial = PartialNode(name: name, position: tag.start)
    partial.context = call.arguments.first
    partial.hash = call.hash
    return partial
  }

  // MARK: Errors

  func error(_ message: String, at offset: Int? = nil) -> TemplateError {
    TemplateError(.syntax, message, in: source, at: offset ?? position)
  }
}

extension PartialNode {
  var closingName: String {
    switch name {
    case .fixed(let name): name
    case .dynamic(.call(let call)): call.name
    case .dynamic: ""
    }
  }
}

extension Expression {
  /// The text of a literal or of a simple path, as names of inline partials are written.
  var constantName: String? {
    switch self {
    case .literal(_, let text, _): text
    case .path(let path): path.original
    case .call, .operation: nil
    }
  }
}
