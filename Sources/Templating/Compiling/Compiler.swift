/// Finds the compiled form of partials while a set of templates is compiled.
protocol PartialResolver: AnyObject {
  /// The place of a partial among the programs of the set, or nil if there is none of that name.
  func program(named name: String, output: TemplateOutput, start: StartContext) -> Int?
  /// Notes that any partial may be asked for here.
  func needsAll(output: TemplateOutput, start: StartContext)
}

/// Turns nodes into instructions, following the output's state so that each value is escaped for its place.
struct Compiler {
  let source: TemplateSource
  let options: TemplateOptions
  let start: StartContext
  let resolver: (any PartialResolver)?
  var parts = ProgramParts()
  var state: OutputState
  /// The block parameters in force, innermost last.
  var scopes: [[String]] = []
  private var nameIndex: [String: UInt32] = [:]

  init(
    _ source: TemplateSource, options: TemplateOptions, start: StartContext = .text,
    resolver: (any PartialResolver)? = nil
  ) {
    self.source = source
    self.options = options
    self.start = start
    self.resolver = resolver
    state = OutputState(options.output, start: start)
  }

  /// Compiles a whole template.
  static func compile(
    _ source: TemplateSource, options: TemplateOptions, start: StartContext = .text,
    delimiters: MustacheDelimiters = .standard, layout: String? = nil, resolver: (any PartialResolver)? = nil
  ) throws(TemplateError) -> Program {
    guard source.bytes.count < Int(UInt32.max) / 2 else {
      throw TemplateError(.syntax, "the template is larger than two gibibytes")
    }
    var compiler = Compiler(source, options: options, start: start, resolver: resolver)
    switch options.dialect {
    case .handlebars:
      var parser = HandlebarsParser(source: source, options: options)
      try compiler.compileRoot(try parser.parse(), layout: layout)
    case .mustache:
      var parser = MustacheParser(source: source, nesting: options.nesting)
      try compiler.compileRoot(try parser.parse(delimiters: delimiters), layout: layout)
    case .ejs:
      var parser = EJSParser(source: source, options: options)
      try compiler.compileRoot(try parser.parse(), layout: layout)
    }
    return Program(compiler.parts, source: source, options: options)
  }

  private mutating func compileRoot(_ body: Body, layout: String?) throws(TemplateError) {
    let before = state
    // Zero means "no block" wherever the place of a block is stored, so nothing real may begin there.
    emit(.text(offset: 0, count: 0), at: 0)
    if let layout { try compile(body, in: layout) } else { try compile(body) }
    emit(.leave(loop: 0), at: source.bytes.count)
    if state != before && OutputState.join(before, state) != before {
      throw error(
        .context, "the template ends in \(state.description), but it begins in \(before.description); close it",
        source.bytes.count)
    }
  }

  /// A template in a layout is the block of a partial, or overrides a part of it.
  private mutating func compile(_ body: Body, in layout: String) throws(TemplateError) {
    let partial = PartialNode(name: .fixed(layout), position: 0)
    guard options.dialect == .mustache else { return try compilePartial(partial, body: body) }
    partial.isParent = true
    try compilePartial(partial, body: Body([.slot(SlotNode(name: "content", position: 0, body: body))]))
  }

  // MARK: Bodies

  mutating func compile(_ body: Body) throws(TemplateError) {
    for node in body.nodes {
      if case .block(let block) = node, case .inline(let name) = block.kind { try compileInline(name, block) }
    }
    for node in body.nodes {
      switch node {
      case .text(let text): try compileText(text)
      case .output(let output): try compileOutput(output)
      case .block(let block): try compileBlock(block)
      case .partial(let partial): try compilePartial(partial, body: nil)
      case .slot(let slot): try compileSlot(slot)
      case .lineStart: emit(.lineStart, at: 0)
      case .comment: break
      }
    }
  }

  /// Whether a body defines inline partials, and so needs a frame of its own.
  static func definesInlines(_ body: Body) -> Bool {
    body.nodes.contains { node in
      if case .block(let block) = node, case .inline = block.kind { true } else { false }
    }
  }

  private mutating func compileText(_ text: TextNode) throws(TemplateError) {
    guard !text.range.isEmpty else { return }
    let bytes = source.bytes[text.range]
    if let (message, offset) = state.advance(bytes) { throw error(.context, message, offset) }
    let offset = UInt32(parts.text.count)
    parts.text.append(contentsOf: bytes)
    appendText(offset: offset, count: UInt32(bytes.count), at: text.range.lowerBound)
  }

  /// Texts in a row become one instruction, in Mustache also over line ends.
  private mutating func appendText(offset: UInt32, count: UInt32, at position: Int) {
    guard options.dialect == .mustache else {
      emit(.text(offset: offset, count: count), at: position)
      return
    }
    if case .lineStart? = parts.instructions.last, parts.instructions.count > 1, !isTarget(parts.instructions.count),
      case .lines(let first, let length) = parts.instructions[parts.instructions.count - 2], first + length == offset,
      !isTarget(parts.instructions.count - 1)
    {
      parts.instructions.removeLast()
      parts.positions.removeLast()
      parts.instructions[parts.instructions.count - 1] = .lines(offset: first, count: length + count)
      return
    }
    emit(.lines(offset: offset, count: count), at: position)
  }

  /// Instructions that others jump to must not be merged with what precedes them.
  private var targets: Set<Int> = []
  private func isTarget(_ index: Int) -> Bool { targets.contains(index) }

  // MARK: Output

  private mutating func compileOutput(_ output: OutputNode) throws(TemplateError) {
    let call = output.call
    let mode = try interpolate(call, isRaw: output.isRaw)
    if let path = fieldPath(call) {
      let index = try compilePath(path)
      let range = parts.paths[Int(index)].names
      emit(.field(name: UInt32(range.lowerBound), path: index, mode), at: call.position)
      return
    }
    switch try compileValue(call) {
    case .call(let index): emit(.call(index, mode), at: call.position)
    case let operand: emit(.emit(operand, mode), at: call.position)
    }
  }

  private mutating func interpolate(_ call: CallExpression, isRaw: Bool) throws(TemplateError) -> EscapeMode {
    do {
      return try state.interpolate(isJSON: call.name == "json" && !call.arguments.isEmpty, isRaw: isRaw)
    } catch {
      throw error.located(in: source, at: call.position, includedBy: [])
    }
  }

  /// The path, if it is one name that can mean nothing but a member of `this`.
  private func fieldPath(_ call: CallExpression) -> PathExpression? {
    guard call.isBare, case .path(let path) = call.callee, path.depth == 0, !path.isData, path.segments.count == 1,
      !isOutward, !isParameter(path), path.isScoped || !meansHelper(call)
    else { return nil }
    return path
  }

  var isOutward: Bool { options.dialect == .mustache || options.looksOutward }

  // MARK: Emitting

  @discardableResult
  mutating func emit(_ instruction: Instruction, at position: Int) -> Int {
    parts.instructions.append(instruction)
    parts.positions.append(UInt32(position))
    return parts.instructions.count - 1
  }

  /// The place of the next instruction, for jumps.
  mutating func here() -> UInt32 {
    targets.insert(parts.instructions.count)
    return UInt32(parts.instructions.count)
  }

  mutating func name(_ text: String) -> UInt32 {
    if let index = nameIndex[text] { return index }
    let index = UInt32(parts.names.count)
    parts.names.append(text)
    nameIndex[text] = index
    return index
  }

  func error(_ code: TemplateError.Code, _ message: String, _ position: Int) -> TemplateError {
    TemplateError(code, message, in: source, at: position)
  }
}
