extension Renderer {
  /// Enters a section as its value asks for: not at all, once, or for each element. Where to go on.
  mutating func enterSection(_ index: Int, in program: Int) throws(TemplateError) -> Int {
    let code = programs[program]
    let section = code.sections[index]
    var value = try evaluate(section.value, in: program)
    let block = BlockTarget(
      program: program, body: Int(section.body), inverse: Int(section.inverse), parameters: section.parameters)
    if case .lambda(let lambda) = value {
      if code.dialect == .mustache {
        return try enterLambda(lambda, section, block, in: program)
      }
      value = try call(lambda.body, HelperCallParts(name: section.name, block: block))
    }
    if let hook = code.blockHelperMissing {
      let result = try call(hook.body, HelperCallParts(name: section.name, arguments: [value], block: block))
      try write(result, .raw)
      return Int(section.end)
    }
    return try enter(section, with: value, in: program)
  }

  private mutating func enter(
    _ section: Section, with value: TemplateValue, in program: Int
  ) throws(TemplateError) -> Int {
    switch value {
    case .undefined, .null, .bool(false): return enterInverse(section, in: program)
    case .bool(true):
      guard section.body > 0 else { return Int(section.end) }
      pushOnce(nil, 0, in: program)
    case .array(let elements):
      if elements.isEmpty { return enterInverse(section, in: program) }
      guard section.body > 0, try beginLoop(value, section.parameters, in: program) else { return Int(section.end) }
    default:
      guard section.body > 0 else { return Int(section.end) }
      pushOnce(value, section.parameters, in: program)
    }
    return Int(section.body)
  }

  private mutating func enterInverse(_ section: Section, in program: Int) -> Int {
    guard section.inverse > 0 else { return Int(section.end) }
    pushOnce(nil, 0, in: program)
    return Int(section.inverse)
  }

  // MARK: Mustache's lambdas

  /// The function gets the source of the section; a text that it gives back is a template.
  private mutating func enterLambda(
    _ lambda: TemplateLambda, _ section: Section, _ block: BlockTarget, in program: Int
  ) throws(TemplateError) -> Int {
    // A function is true, so an inverted section is not entered.
    guard section.body > 0 else { return Int(section.end) }
    let result = try call(lambda.body, HelperCallParts(name: section.name, block: block))
    switch result {
    case .string(let text): try renderText(text, section.delimiters, in: program)
    case .markup(let text), .json(let text): try write(.markup(text), .uniformHTML)
    default: return try enter(section, with: result, in: program)
    }
    return Int(section.end)
  }

  /// A function where a value is written. In Mustache, a text that it gives back is a template.
  mutating func emitResult(of lambda: TemplateLambda, _ mode: EscapeMode, in program: Int) throws(TemplateError) {
    let result = try call(lambda.body, HelperCallParts(name: "function"))
    guard programs[program].dialect == .mustache, case .string(let text) = result else {
      return try write(result, mode)
    }
    let start = out.count
    try renderText(text, .standard, in: program)
    guard mode != .raw else { return }
    let written = String(decoding: out[start...], as: UTF8.self)
    out.removeLast(out.count - start)
    try Escaper.write(written, mode, to: &out)
  }

  /// Compiles a text that a function has given, and runs it where it stands.
  private mutating func renderText(
    _ text: String, _ delimiters: MustacheDelimiters, in program: Int
  ) throws(TemplateError) {
    try descend()
    defer { depth -= 1 }
    guard text.utf8.count <= settings.limits.outputBytes else { throw outputExceeded }
    fuel &-= text.utf8.count / 64
    let source = TemplateSource(name: programs[program].source.name + " (function)", text: text)
    let code = try Compiler.compile(source, options: programs[program].options, delimiters: delimiters)
    let place = programs.count
    programs.append(code)
    hintBases.append(hints.count)
    hints.append(contentsOf: repeatElement(0, count: code.names.count))
    defer {
      programs.removeLast(programs.count - place)
      hints.removeLast(hints.count - hintBases[place])
      hintBases.removeLast(hintBases.count - place)
    }
    let height = frames.count
    let outerIndent = indent
    indent = []
    var frame = frame(.native, in: place)
    frame.parameters = -1
    frames.append(frame)
    defer {
      frames.removeLast(frames.count - height)
      indent = outerIndent
    }
    try run(from: 0, in: place)
  }
}
