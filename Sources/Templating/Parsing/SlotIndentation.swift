/// Takes from the content of an overriding part the indentation that its first line has.
struct SlotIndentation {
  let bytes: [UInt8]

  /// The white space with which the first line of a part's content begins.
  func intrinsic(of slot: SlotNode) -> Range<Int> {
    guard slot.startsLine, slot.body.nodes.count > 1, let text = slot.body.nodes[1].text else { return 0..<0 }
    var end = text.range.lowerBound
    while end < text.range.upperBound, isBlank(bytes[end]) { end += 1 }
    return text.range.lowerBound..<end
  }

  /// Removes up to `count` blanks from the start of each line, in nested parts too.
  func remove(_ count: Int, from body: Body) {
    guard count > 0 else { return }
    for (index, node) in body.nodes.enumerated() {
      switch node {
      case .text(let text):
        if index > 0, case .lineStart = body.nodes[index - 1] { text.range = shortened(text.range, by: count) }
      case .partial(let partial): partial.indent = partial.indent.map { shortened($0, by: count) }
      case .slot(let slot):
        slot.indent = shortened(slot.indent, by: count)
        remove(count, from: slot.body)
      case .block(let block): remove(count, from: block)
      case .output, .comment, .lineStart: break
      }
    }
  }

  private func remove(_ count: Int, from block: BlockNode) {
    if case .partial(let partial) = block.kind { partial.indent = partial.indent.map { shortened($0, by: count) } }
    if let program = block.program { remove(count, from: program) }
    if let inverse = block.inverse { remove(count, from: inverse) }
  }

  private func shortened(_ range: Range<Int>, by count: Int) -> Range<Int> {
    var start = range.lowerBound
    while start < range.upperBound, start < range.lowerBound + count, isBlank(bytes[start]) { start += 1 }
    return start..<range.upperBound
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }
}
