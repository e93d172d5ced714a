/// Reads the EJS dialect: text, tags and blocks into nodes.
///
/// The tags are those of EJS (https://ejs.co): `<%= %>`, `<%- %>`, `<% %>`, `<%# %>`, `<%_`, `_%>`, `-%>`, `<%%`. What
/// stands in them is a small language of its own that looks like JavaScript and is not: expressions, conditions, loops and
/// `include`. Blocks may begin in one tag and end in another, so they lie on a stack.
struct EJSParser {
  let source: TemplateSource
  let nesting: Int
  let bytes: [UInt8]
  var position = 0
  /// Where the tag begins that is being read.
  var tagStart = 0
  /// The blocks that are open, innermost last.
  var open: [OpenBlock] = []
  private let root = Body()
  /// White space to leave out before the next text.
  private var trim = Trim.none

  /// What the end of a tag takes with it.
  private enum Trim {
    case none
    /// `-%>`: the line end that follows.
    case lineEnd
    /// `_%>`: blanks, and the line end after them.
    case blanks
  }

  init(source: TemplateSource, options: TemplateOptions) {
    self.source = source
    nesting = options.nesting
    bytes = source.bytes
  }

  mutating func parse() throws(TemplateError) -> Body {
    while position < bytes.count {
      let start = position
      let tag = nextTag(from: position)
      position = tag
      appendText(start..<tag)
      if position < bytes.count { try parseTag() }
    }
    if let block = open.last {
      throw error("the block that begins here is not closed; close it with <% \(block.closer) %>", at: block.position)
    }
    return root
  }

  /// Where nodes go.
  var body: Body { open.last?.body ?? root }

  // MARK: Text

  /// The next `<%` that is not `<%%`, or the end.
  private func nextTag(from start: Int) -> Int {
    var index = start
    while index + 1 < bytes.count {
      if bytes[index] == ASCII.less && bytes[index + 1] == ASCII.percent {
        guard index + 2 < bytes.count, bytes[index + 2] == ASCII.percent else { return index }
        index += 3
      } else {
        index += 1
      }
    }
    return bytes.count
  }

  /// Text before a tag. Of `<%%` and `%%>` one `%` is left out.
  private mutating func appendText(_ range: Range<Int>) {
    var start = trimmedStart(of: range)
    let end = trimmedEnd(of: start..<range.upperBound)
    var index = start
    while index + 2 < end {
      let opens = bytes[index] == ASCII.less && bytes[index + 1] == ASCII.percent && bytes[index + 2] == ASCII.percent
      let closes =
        bytes[index] == ASCII.percent && bytes[index + 1] == ASCII.percent && bytes[index + 2] == ASCII.greater
      if opens || closes {
        let kept = opens ? index + 2 : index + 1
        append(start..<kept)
        start = kept + 1
        index += 3
      } else {
        index += 1
      }
    }
    append(start..<end)
  }

  private func append(_ range: Range<Int>) {
    if !range.isEmpty { body.nodes.append(.text(TextNode(range))) }
  }

  private func trimmedStart(of range: Range<Int>) -> Int {
    var start = range.lowerBound
    if trim == .none { return start }
    while trim == .blanks, start < range.upperBound, bytes[start].isBlank { start += 1 }
    if start < range.upperBound, bytes[start] == ASCII.carriageReturn { start += 1 }
    if start < range.upperBound, bytes[start] == ASCII.lineFeed { start += 1 }
    return start
  }

  /// `<%_` leaves out the blanks before it.
  private func trimmedEnd(of range: Range<Int>) -> Int {
    var end = range.upperBound
    guard end + 2 < bytes.count, bytes[end + 2] == ASCII.underscore else { return end }
    while end > range.lowerBound, bytes[end - 1].isBlank { end -= 1 }
    return end
  }

  // MARK: Tags

  private mutating func parseTag() throws(TemplateError) {
    tagStart = position
    position += 2
    switch peek {
    case UInt8(ascii: "="):
      position += 1
      try parseOutput(isRaw: false)
    case ASCII.dash where !startsClose:
      position += 1
      if startsInclude { body.nodes.append(.partial(try parseInclude())) } else { try parseOutput(isRaw: true) }
    case UInt8(ascii: "#"):
      while position < bytes.count, !startsClose { position += 1 }
    default:
      if peek == ASCII.underscore, !startsClose { position += 1 }
      try parseStatements()
    }
    try closeTag()
  }

  private mutating func parseOutput(isRaw: Bool) throws(TemplateError) {
    let expression = try parseExpression()
    skipSpace()
    _ = accept(";")
    skipSpace()
    guard startsClose else { throw unexpected() }
    body.nodes.append(Self.output(expression, isRaw: isRaw))
  }

  /// A choice between two values is written as a condition around two outputs, so that each is treated as if it stood
  /// alone.
  private static func output(_ expression: Expression, isRaw: Bool) -> Node {
    if case .operation(let operation) = expression, operation.kind == .choose {
      let condition = CallExpression(
        callee: .literal(.undefined, text: "?", position: operation.position), arguments: [operation.operands[0]],
        position: operation.position)
      let block = BlockNode(kind: .condition, call: condition)
      block.program = Body([output(operation.operands[1], isRaw: isRaw)])
      block.inverse = Body([output(operation.operands[2], isRaw: isRaw)])
      return .block(block)
    }
    let call: CallExpression =
      if case .call(let call) = expression {
        call
      } else {
        CallExpression(callee: expression, position: expression.position)
      }
    return .output(OutputNode(call: call, isRaw: isRaw, strip: Strip()))
  }

  /// Whether the end of a tag stands here.
  var startsClose: Bool {
    var index = position
    if index < bytes.count, bytes[index] == ASCII.dash || bytes[index] == ASCII.underscore { index += 1 }
    return index + 1 < bytes.count && bytes[index] == ASCII.percent && bytes[index + 1] == ASCII.greater
  }

  private mutating func closeTag() throws(TemplateError) {
    skipSpace()
    if accept("-%>") {
      trim = .lineEnd
    } else if accept("_%>") {
      trim = .blanks
    } else if accept("%>") {
      trim = .none
    } else if position >= bytes.count {
      throw error("the tag that begins here does not end; close it with %>", at: tagStart)
    } else {
      throw unexpected()
    }
  }
}

/// A block whose end has not come yet.
struct OpenBlock {
  /// The text that closes it.
  let closer: String
  let position: Int
  /// The block itself; in a chain of `else if`, the last of its blocks.
  var block: BlockNode
  /// Where nodes go now.
  var body: Body
  /// How much it adds to the nesting: one, and one for each `else if`.
  var levels = 1
  var hasElse = false
  /// The names that a loop brings; nil for conditions.
  var names: [String]?
}
