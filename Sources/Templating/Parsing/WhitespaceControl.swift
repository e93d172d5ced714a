/// What `~` and lines that hold nothing but a block tag remove from the text around them, in Handlebars.
///
/// The rules: `~` removes all white space on its side. An opening, closing or `else` tag, a comment or a partial that
/// stands alone on its line takes the line with it. A partial that stands alone indents what it writes.
struct WhitespaceControl {
  let bytes: [UInt8]
  let standalone: Bool

  func apply(to root: Body) { visit(root, isRoot: true) }

  /// What a node asks of the text beside it.
  private struct Demand {
    var strip = Strip()
    var opensAlone = false
    var closesAlone = false
    var standsAlone = false
  }

  private func visit(_ body: Body, isRoot: Bool = false) {
    for index in body.nodes.indices {
      guard let demand = demand(of: body.nodes[index]) else { continue }
      let before = isBlankBefore(index, in: body, isRoot: isRoot)
      let after = isBlankAfter(index, in: body, isRoot: isRoot)
      if demand.strip.close { trimStart(index + 1, in: body, all: true) }
      if demand.strip.open { trimEnd(index - 1, in: body, all: true) }
      guard standalone else { continue }
      if demand.standsAlone && before && after { removeLine(around: index, in: body) }
      guard case .block(let block) = body.nodes[index] else { continue }
      if demand.opensAlone && before {
        if let first = block.program ?? block.inverse { trimStart(0, in: first) }
        trimEnd(index - 1, in: body)
      }
      if demand.closesAlone && after {
        trimStart(index + 1, in: body)
        if let last = block.inverse ?? block.program { trimEnd(last.nodes.count - 1, in: last) }
      }
    }
  }

  private func demand(of node: Node) -> Demand? {
    switch node {
    case .text, .lineStart, .slot: nil
    case .output(let output): Demand(strip: output.strip)
    case .comment(let strip): Demand(strip: strip, standsAlone: true)
    case .partial(let partial): Demand(strip: partial.strip, standsAlone: true)
    case .block(let block): demand(of: block)
    }
  }

  private func demand(of block: BlockNode) -> Demand {
    if let program = block.program { visit(program) }
    if let inverse = block.inverse { visit(inverse) }
    guard let program = block.program ?? block.inverse else { return Demand() }
    let inverse = block.program == nil ? nil : block.inverse
    let (first, last) = chain(inverse)
    let demand = Demand(
      strip: Strip(open: block.openStrip.open, close: block.closeStrip.close),
      opensAlone: isBlankAfter(-1, in: program, isRoot: false),
      closesAlone: isBlankBefore((first ?? program).nodes.count, in: first ?? program, isRoot: false))
    if block.openStrip.close { trimStart(0, in: program, all: true) }
    guard let first, let last else {
      if block.closeStrip.open { trimEnd(program.nodes.count - 1, in: program, all: true) }
      return demand
    }
    if block.inverseStrip.open { trimEnd(program.nodes.count - 1, in: program, all: true) }
    if block.inverseStrip.close { trimStart(0, in: first, all: true) }
    if block.closeStrip.open { trimEnd(last.nodes.count - 1, in: last, all: true) }
    if standalone && isBlankBefore(program.nodes.count, in: program, isRoot: false)
      && isBlankAfter(-1, in: first, isRoot: false)
    {
      trimEnd(program.nodes.count - 1, in: program)
      trimStart(0, in: first)
    }
    return demand
  }

  /// Where the else part begins and ends in the text. In a chain, both lie in its first block; what closes the chain
  /// trims the blocks further inside when they are visited.
  private func chain(_ inverse: Body?) -> (first: Body?, last: Body?) {
    guard let inverse, inverse.isChained, case .block(let head)? = inverse.nodes.first else {
      return (inverse, inverse)
    }
    return (head.program, head.program)
  }

  private func removeLine(around index: Int, in body: Body) {
    trimStart(index + 1, in: body)
    guard trimEnd(index - 1, in: body), case .partial(let partial) = body.nodes[index] else { return }
    guard let text = body.nodes[index - 1].text else { return }
    partial.indent = blankEnd(of: text.original)
  }

  // MARK: Looking at text

  private func text(_ index: Int, in body: Body) -> TextNode? {
    body.nodes.indices.contains(index) ? body.nodes[index].text : nil
  }

  /// Whether nothing but blanks stands between the start of the line and the node at `index`.
  private func isBlankBefore(_ index: Int, in body: Body, isRoot: Bool) -> Bool {
    guard index > 0 else { return isRoot }
    guard let text = text(index - 1, in: body) else { return false }
    var position = text.original.upperBound
    while position > text.original.lowerBound {
      let byte = bytes[position - 1]
      if byte == ASCII.lineFeed { return true }
      if !byte.isSpace { return false }
      position -= 1
    }
    return isRoot && index == 1
  }

  /// Whether nothing but blanks stands between the node at `index` and the end of the line.
  private func isBlankAfter(_ index: Int, in body: Body, isRoot: Bool) -> Bool {
    guard index + 1 < body.nodes.count else { return isRoot }
    guard let text = text(index + 1, in: body) else { return false }
    for byte in bytes[text.original] {
      if byte == ASCII.lineFeed { return true }
      if !byte.isSpace { return false }
    }
    return isRoot && index + 2 >= body.nodes.count
  }

  /// The spaces and tabs that end a text.
  private func blankEnd(of range: Range<Int>) -> Range<Int> {
    var start = range.upperBound
    while start > range.lowerBound, bytes[start - 1] == ASCII.space || bytes[start - 1] == ASCII.tab { start -= 1 }
    return start..<range.upperBound
  }

  // MARK: Trimming

  /// Removes white space from the start of a text: all of it, or blanks up to and with one line end.
  private func trimStart(_ index: Int, in body: Body, all: Bool = false) {
    guard let text = text(index, in: body), all || !text.rightStripped else { return }
    var start = text.range.lowerBound
    let end = text.range.upperBound
    if all {
      while start < end, bytes[start].isSpace { start += 1 }
    } else {
      while start < end, bytes[start] == ASCII.space || bytes[start] == ASCII.tab { start += 1 }
      if start < end, bytes[start] == ASCII.carriageReturn, start + 1 < end, bytes[start + 1] == ASCII.lineFeed {
        start += 1
      }
      if start < end, bytes[start] == ASCII.lineFeed { start += 1 }
    }
    text.rightStripped = start != text.range.lowerBound
    text.range = start..<end
  }

  /// Removes white space from the end of a text: all of it, or blanks. Whether there was any.
  @discardableResult
  private func trimEnd(_ index: Int, in body: Body, all: Bool = false) -> Bool {
    guard let text = text(index, in: body), all || !text.leftStripped else { return false }
    let start = text.range.lowerBound
    var end = text.range.upperBound
    while end > start {
      let byte = bytes[end - 1]
      guard all ? byte.isSpace : byte == ASCII.space || byte == ASCII.tab else { break }
      end -= 1
    }
    text.leftStripped = end != text.range.upperBound
    text.range = start..<end
    return text.leftStripped
  }
}
