extension Compiler {
  /// Content that runs elsewhere: it begins and ends in text.
  private mutating func compileDetached(_ body: Body, at position: Int) throws(TemplateError) -> UInt32 {
    let jump = emit(.jump(0), at: position)
    let outer = state
    state = OutputState(options.output, start: .text)
    let before = state
    let begin = here()
    try compile(body)
    emit(.leave(loop: 0), at: position)
    guard OutputState.join(before, state) == before else {
      throw error(
        .context, "this content begins in text and ends in \(state.description); close what it opens", position)
    }
    state = outer
    parts.instructions[jump] = .jump(here())
    return begin
  }

  mutating func compileInline(_ name: String, _ block: BlockNode) throws(TemplateError) {
    let index = self.name(name)
    let begin = try compileDetached(block.program ?? Body(), at: block.call.position)
    emit(.define(name: index, body: begin), at: block.call.position)
  }

  /// `{{> name}}`, with or without a block.
  mutating func compilePartial(_ partial: PartialNode, body: Body?) throws(TemplateError) {
    // White space that does not become indentation stays where it stands.
    if options.keepsPartialIndentation, let blanks = partial.indent { try compileText(TextNode(blanks)) }
    guard let start = state.start else {
      throw error(
        .context, "a partial cannot stand in \(state.description); only in text and in plain quoted attributes",
        partial.position)
    }
    let hasScope = !partial.isParent && body.map(Self.definesInlines) ?? false
    if hasScope { emit(.scope, at: partial.position) }
    if hasScope, let body {
      for node in body.nodes {
        if case .block(let block) = node, case .inline(let name) = block.kind { try compileInline(name, block) }
      }
    }
    var use = PartialUse(
      target: try compileTarget(partial, start, hasBlock: body != nil && !partial.isParent), start: start,
      context: try partial.context.map { expression throws(TemplateError) in try compile(expression) },
      hash: try compileHash(partial.hash), indent: indent(of: partial), standsAlone: partial.indent != nil,
      isParent: partial.isParent, isLayout: partial.isLayout, hasScope: hasScope,
      position: UInt32(partial.position))
    if let body {
      if partial.isParent {
        use.overrides = try compileOverrides(body)
      } else {
        use.body = try compileDetached(withoutInlines(body), at: partial.position)
      }
    }
    parts.partials.append(use)
    emit(.partial(UInt32(parts.partials.count - 1)), at: partial.position)
    if hasScope { emit(.leave(loop: 0), at: partial.position) }
  }

  private func withoutInlines(_ body: Body) -> Body {
    Body(
      body.nodes.filter { node in
        if case .block(let block) = node, case .inline = block.kind { false } else { true }
      })
  }

  private func indent(of partial: PartialNode) -> [UInt8] {
    guard let range = partial.indent, !options.keepsPartialIndentation else { return [] }
    return Array(source.bytes[range])
  }

  private mutating func compileTarget(
    _ partial: PartialNode, _ start: StartContext, hasBlock: Bool
  ) throws(TemplateError) -> PartialUse.Target {
    switch partial.name {
    case .fixed("@partial-block"): return .block
    case .fixed(let name):
      let program = resolver?.program(named: name, output: options.output, start: start)
      return .fixed(name: name, program: program)
    case .dynamic(let expression):
      resolver?.needsAll(output: options.output, start: start)
      return .dynamic(try compile(expression))
    }
  }

  // MARK: Inheritance

  private mutating func compileOverrides(
    _ body: Body
  ) throws(TemplateError) -> [(name: String, body: UInt32, startsLine: Bool)] {
    var overrides: [(name: String, body: UInt32, startsLine: Bool)] = []
    let indentation = SlotIndentation(bytes: source.bytes)
    for node in body.nodes {
      guard case .slot(let slot) = node else { continue }
      indentation.remove(indentation.intrinsic(of: slot).count, from: slot.body)
      overrides.append((slot.name, try compileDetached(slot.body, at: slot.position), slot.startsLine))
    }
    return overrides
  }

  mutating func compileSlot(_ slot: SlotNode) throws(TemplateError) {
    guard let start = state.start else {
      throw error(
        .context, "a part that can be overridden cannot stand in \(state.description)", slot.position)
    }
    let intrinsic = SlotIndentation(bytes: source.bytes).intrinsic(of: slot)
    let indent = intrinsic.isEmpty ? slot.indent : intrinsic
    let index = parts.slots.count
    parts.slots.append(
      Slot(name: slot.name, indent: Array(source.bytes[indent]), standsAlone: slot.standsAlone, start: start))
    emit(.slot(UInt32(index)), at: slot.position)
    let before = state
    try compile(slot.body)
    guard OutputState.join(before, state) == before else {
      throw error(.context, "this part ends in another place than it begins; close what it opens", slot.position)
    }
    state = before
    parts.slots[index].end = here()
  }
}
