extension Renderer {
  /// What a use of a partial leads to.
  private struct Target {
    let program: Int
    let begin: Int
    /// Where the content was written, for inline partials and blocks: its block parameters count there.
    var definer: Int32 = -1
    var isBlock = false
  }

  mutating func define(_ name: String, at begin: UInt32, in program: Int) {
    let place = frames.count - 1
    let extras = extras(&frames[place])
    if frames[place].scope != Int32(place) {
      frames[place].outerScope = frames[place].scope
      frames[place].scope = Int32(place)
    }
    extras.inlines.removeAll { $0.name == name }
    extras.inlines.append(
      FrameExtras.Inline(name: name, program: Int32(program), begin: Int32(begin), frame: Int32(place)))
  }

  /// Enters a partial: where its content begins, or nil if nothing is to be written.
  mutating func enterPartial(
    _ index: Int, in program: Int, at pc: Int
  ) throws(TemplateError) -> (place: Int, program: Int)? {
    let use = programs[program].partials[index]
    guard let target = try target(of: use, in: program) else { return nil }
    try descend()
    var frame = frame(.partial, in: target.program)
    frame.returnTo = Int32(pc + 1)
    frame.returnProgram = Int32(program)
    frame.caller = next - 1
    frame.parameters = target.definer >= 0 ? frames[Int(target.definer)].parameters : -1
    try setContext(of: &frame, use, in: program)
    if target.definer >= 0 { setLexicalParent(of: &frame, target.definer) }
    if target.isBlock { frame.block = frames[Int(target.definer)].block }
    if use.body > 0 {
      frame.blockBegin = Int32(use.body)
      if !target.isBlock { frame.block = next }
    }
    setIndent(of: &frame, use, in: program)
    if use.isParent { setOverrides(of: &frame, use, in: program) }
    frames.append(frame)
    return (target.begin, target.program)
  }

  // MARK: Finding the content

  private mutating func target(of use: PartialUse, in program: Int) throws(TemplateError) -> Target? {
    switch use.target {
    case .block: return try blockTarget(of: use, in: program)
    case .fixed(let name, let known):
      if let target = try target(named: name, known, use, in: program) { return target }
      return try missing("'\(name)'", use, in: program)
    case .dynamic(let operand):
      let value = try condition(operand, in: program)
      if let name = name(of: value) {
        let key = TemplateSet.Key(name: name, output: programs[program].output, start: use.start)
        if let target = try target(named: name, library?.index[key], use, in: program) { return target }
      }
      // The name is data, so it is not told.
      return try missing("that this expression names", use, in: program)
    }
  }

  private func name(of value: TemplateValue) -> String? {
    switch value {
    case .string(let name): name
    case .integer(let number): String(number)
    default: nil
    }
  }

  private func target(
    named name: String, _ known: Int?, _ use: PartialUse, in program: Int
  ) throws(TemplateError) -> Target? {
    if let inline = inline(name, past: use.hasScope) {
      try checkStart(of: use, in: program)
      return Target(program: Int(inline.program), begin: Int(inline.begin), definer: inline.frame)
    }
    return known.map { Target(program: $0, begin: 0) }
  }

  /// A partial that does not exist is its own block, if it has one.
  private func missing(_ name: String, _ use: PartialUse, in program: Int) throws(TemplateError) -> Target? {
    if use.body > 0 {
      try checkStart(of: use, in: program)
      return Target(program: program, begin: Int(use.body), definer: next - 1, isBlock: true)
    }
    let code = programs[program]
    if code.dialect == .mustache && !code.isStrict { return nil }
    throw TemplateError(.unknownPartial, "The partial \(name) could not be found")
  }

  private func blockTarget(of use: PartialUse, in program: Int) throws(TemplateError) -> Target? {
    let place = Int(frames[frames.count - 1].block)
    guard place >= 0 else { return try missing("'@partial-block'", use, in: program) }
    try checkStart(of: use, in: program)
    let frame = frames[place]
    return Target(
      program: Int(frame.returnProgram), begin: Int(frame.blockBegin), definer: frame.caller, isBlock: true)
  }

  /// Content that was compiled for text cannot stand anywhere else.
  private func checkStart(of use: PartialUse, in program: Int) throws(TemplateError) {
    guard use.start == .text || programs[program].output != .html else {
      throw TemplateError(.context, "content that is passed to a partial can only stand in text; write a value here")
    }
  }

  /// The inline partial of that name; not one of the innermost frame, if that is to be passed.
  private func inline(_ name: String, past innermost: Bool) -> FrameExtras.Inline? {
    let top = frames[frames.count - 1]
    var place = innermost ? top.outerScope : top.scope
    while place >= 0 {
      if let inline = frames[Int(place)].extras?.inlines.last(where: { $0.name == name }) { return inline }
      place = frames[Int(place)].outerScope
    }
    return nil
  }

  // MARK: The frame

  private mutating func setContext(of frame: inout Frame, _ use: PartialUse, in program: Int) throws(TemplateError) {
    var context: TemplateValue?
    if let operand = use.context {
      context = try evaluate(operand, in: program)
    } else if programs[program].options.isolatesPartials {
      context = .object(TemplateObject([]))
    }
    if !use.hash.isEmpty {
      let hash = try hash(use.hash, in: program)
      if case .object(let object) = context ?? frame.context {
        context = .object(object.merging(hash.pairs))
      } else {
        context = .object(hash.object)
      }
    }
    if let context { enter(context, &frame, above: next - 1) }
  }

  /// What was written elsewhere sees as `../` what surrounds it where it was written.
  private func setLexicalParent(of frame: inout Frame, _ definer: Int32) {
    let parent = frames[Int(definer)]
    frame.up = frame.owner == parent.owner ? parent.up : definer
  }

  private mutating func setIndent(of frame: inout Frame, _ use: PartialUse, in program: Int) {
    if programs[program].dialect == .mustache {
      guard !indent.isEmpty || !use.indent.isEmpty else { return }
      extras(&frame).outerIndent = indent
      indent = use.standsAlone ? indent + use.indent : []
    } else if !use.indent.isEmpty {
      let extras = extras(&frame)
      extras.indent = use.indent
      extras.outputStart = out.count
    }
  }

  // MARK: Inheritance

  private func setOverrides(of frame: inout Frame, _ use: PartialUse, in program: Int) {
    let extras = extras(&frame)
    extras.overrides = use.overrides.map {
      FrameExtras.Override(name: $0.name, program: Int32(program), begin: Int32($0.body), startsLine: $0.startsLine)
    }
    frame.outerScope = frame.scope
    frame.scope = next
  }

  /// Enters what overrides a part; nil if nothing does, so that its default content follows.
  mutating func enterSlot(_ index: Int, in program: Int) throws(TemplateError) -> (place: Int, program: Int)? {
    let slot = programs[program].slots[index]
    guard let override = override(of: slot.name) else { return nil }
    guard slot.start == .text || programs[program].output != .html else {
      throw TemplateError(.context, "a part that is overridden can only stand in text")
    }
    try descend()
    var frame = frame(.partial, in: Int(override.program))
    frame.returnTo = Int32(slot.end)
    frame.returnProgram = Int32(program)
    frame.caller = next - 1
    if !indent.isEmpty || !slot.indent.isEmpty {
      extras(&frame).outerIndent = indent
      indent += slot.indent
      if override.startsLine {
        skipsIndent = !slot.standsAlone
      } else if slot.standsAlone {
        out.append(contentsOf: indent)
      }
    }
    frames.append(frame)
    return (Int(override.begin), Int(override.program))
  }

  /// The override of the outermost child.
  private func override(of name: String) -> FrameExtras.Override? {
    var found: FrameExtras.Override?
    var place = frames[frames.count - 1].scope
    while place >= 0 {
      if let override = frames[Int(place)].extras?.overrides.first(where: { $0.name == name }) { found = override }
      place = frames[Int(place)].outerScope
    }
    return found
  }
}
