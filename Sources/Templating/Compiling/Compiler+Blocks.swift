extension Compiler {
  mutating func compileBlock(_ block: BlockNode) throws(TemplateError) {
    switch block.kind {
    case .inline: break
    case .partial(let partial): try compilePartial(partial, body: block.program)
    case .block: try compileCallBlock(block)
    case .condition: try compileCondition(block, negated: false)
    case .loop: try compileEach(block)
    }
  }

  private mutating func compileCallBlock(_ block: BlockNode) throws(TemplateError) {
    let call = block.call
    if let name = helperName(of: call), options.helpers[name] == nil {
      switch name {
      case "if", "unless": return try compileCondition(block, negated: name == "unless")
      case "each": return try compileEach(block)
      case "with": return try compileWith(block)
      default: break
      }
    }
    if call.isBare && !isHelperBlock(call) { return try compileSection(block) }
    try compileHelperBlock(block)
  }

  private func isHelperBlock(_ call: CallExpression) -> Bool {
    helperName(of: call).flatMap { helper(named: $0, for: call) } != nil
  }

  // MARK: Conditions

  private mutating func compileCondition(_ block: BlockNode, negated: Bool) throws(TemplateError) {
    let call = block.call
    let operand = try soleArgument(of: call)
    let zero = call.hash.contains { $0.name == "includeZero" && $0.value.isTrue }
    let kind: BranchKind = negated ? (zero ? .falsyNotZero : .falsy) : (zero ? .truthyOrZero : .truthy)
    let branch = emit(.branch(operand, otherwise: 0, kind), at: call.position)
    let before = state
    try compileScoped(block.program)
    let afterProgram = state
    state = before
    if let inverse = block.inverse {
      let jump = emit(.jump(0), at: call.position)
      parts.instructions[branch] = .branch(operand, otherwise: here(), kind)
      try compileScoped(inverse)
      parts.instructions[jump] = .jump(here())
    } else {
      parts.instructions[branch] = .branch(operand, otherwise: here(), kind)
    }
    try join(afterProgram, at: call.position)
  }

  /// A body without a frame of its own gets one if it defines inline partials.
  private mutating func compileScoped(_ body: Body?) throws(TemplateError) {
    guard let body else { return }
    guard Self.definesInlines(body) else { return try compile(body) }
    emit(.scope, at: 0)
    try compile(body)
    emit(.leave(loop: 0), at: 0)
  }

  private mutating func soleArgument(of call: CallExpression) throws(TemplateError) -> Operand {
    guard call.arguments.count == 1, let argument = call.arguments.first else {
      throw error(.syntax, "#\(call.name) requires exactly one argument", call.position)
    }
    return try compile(argument)
  }

  /// Both branches must end in the same place of the output.
  private mutating func join(_ other: OutputState, at position: Int) throws(TemplateError) {
    guard let joined = OutputState.join(other, state) else {
      throw error(
        .context,
        "the parts of this block end in different places: \(other.description) and \(state.description);"
          + " open and close quotes and tags in the same part", position)
    }
    state = joined
  }

  /// A part that may run any number of times must end where it begins.
  private mutating func loop(
    at position: Int, _ body: (inout Compiler) throws(TemplateError) -> Void
  ) throws(TemplateError) {
    let before = state
    try body(&self)
    guard OutputState.join(before, state) == before else {
      throw error(
        .context,
        "the block begins in \(before.description) and ends in \(state.description); let it end where it begins",
        position)
    }
    state = before
  }

  // MARK: Loops and contexts

  private mutating func compileEach(_ block: BlockNode) throws(TemplateError) {
    let call = block.call
    guard !call.arguments.isEmpty else { throw error(.syntax, "Must pass iterator to #each", call.position) }
    let operand = try soleArgument(of: call)
    let parameters = UInt8(clamping: block.program?.parameters.count ?? 0)
    let each = emit(.each(operand, otherwise: 0, parameters: parameters), at: call.position)
    let loop = here()
    let before = state
    try self.loop(at: call.position) { compiler throws(TemplateError) in
      try compiler.compileFramed(block.program)
    }
    emit(.leave(loop: loop), at: call.position)
    let afterLoop = state
    state = before
    let jump = block.inverse == nil ? nil : emit(.jump(0), at: call.position)
    parts.instructions[each] = .each(operand, otherwise: here(), parameters: parameters)
    guard let jump else { return }
    try compileScoped(block.inverse)
    parts.instructions[jump] = .jump(here())
    try join(afterLoop, at: call.position)
  }

  private mutating func compileWith(_ block: BlockNode) throws(TemplateError) {
    let call = block.call
    let operand = try soleArgument(of: call)
    let parameters = UInt8(clamping: block.program?.parameters.count ?? 0)
    let with = emit(.with(operand, otherwise: 0, parameters: parameters), at: call.position)
    let before = state
    try compileFramed(block.program)
    emit(.leave(loop: 0), at: call.position)
    let afterProgram = state
    state = before
    let jump = block.inverse == nil ? nil : emit(.jump(0), at: call.position)
    parts.instructions[with] = .with(operand, otherwise: here(), parameters: parameters)
    if let jump {
      try compileScoped(block.inverse)
      parts.instructions[jump] = .jump(here())
    }
    try join(afterProgram, at: call.position)
  }

  /// A body that has a frame, with its block parameters.
  private mutating func compileFramed(_ body: Body?) throws(TemplateError) {
    guard let body else { return }
    if !body.parameters.isEmpty { scopes.append(body.parameters) }
    defer { if !body.parameters.isEmpty { scopes.removeLast() } }
    try compile(body)
  }

  private mutating func compileSection(_ block: BlockNode) throws(TemplateError) {
    let call = block.call
    var section = Section(
      value: try compileCallee(call.callee), name: call.name, inner: block.inner, delimiters: block.delimiters)
    section.parameters = UInt8(clamping: block.program?.parameters.count ?? 0)
    let index = parts.sections.count
    parts.sections.append(section)
    emit(.section(UInt32(index)), at: call.position)
    let targets = try compileParts(of: block, at: call.position)
    parts.sections[index].body = targets.body
    parts.sections[index].inverse = targets.inverse
    parts.sections[index].end = targets.end
  }

  private mutating func compileHelperBlock(_ block: BlockNode) throws(TemplateError) {
    let index = try compileCall(block.call)
    let mode: EscapeMode
    do {
      mode = try state.interpolate(isJSON: false, isRaw: false)
    } catch {
      // Where no value can stand, a block helper may still choose what of its block is written.
      mode = .script
    }
    emit(.block(index, mode), at: block.call.position)
    parts.calls[Int(index)].parameters = UInt8(clamping: block.program?.parameters.count ?? 0)
    let targets = try compileParts(of: block, at: block.call.position)
    parts.calls[Int(index)].body = targets.body
    parts.calls[Int(index)].inverse = targets.inverse
    parts.calls[Int(index)].end = targets.end
  }

  /// Both parts of a block, each ended by a `leave`; zero for a part that is not there.
  private mutating func compileParts(
    of block: BlockNode, at position: Int
  ) throws(TemplateError) -> (body: UInt32, inverse: UInt32, end: UInt32) {
    var body: UInt32 = 0
    var inverse: UInt32 = 0
    var jump: Int?
    if let program = block.program {
      body = here()
      try loop(at: position) { compiler throws(TemplateError) in try compiler.compileFramed(program) }
      emit(.leave(loop: body), at: position)
      if block.inverse != nil { jump = emit(.jump(0), at: position) }
    }
    if let other = block.inverse {
      inverse = here()
      try loop(at: position) { compiler throws(TemplateError) in try compiler.compileFramed(other) }
      emit(.leave(loop: inverse), at: position)
    }
    let end = here()
    if let jump { parts.instructions[jump] = .jump(end) }
    return (body, inverse, end)
  }
}

extension Expression {
  var isTrue: Bool {
    if case .literal(.bool(true), _, _) = self { true } else { false }
  }
}
