/// What a call has besides the renderer that makes it.
struct HelperCallParts {
  let name: String
  var arguments: [TemplateValue] = []
  var hash = HashArguments()
  var block: BlockTarget?
}

extension Renderer {
  /// Calls a helper, a function of the data, or gives the value that a name without arguments means.
  mutating func invoke(_ index: Int, _ block: BlockTarget?, in program: Int) throws(TemplateError) -> TemplateValue {
    let code = programs[program]
    let target = code.calls[index]
    var parts = HelperCallParts(name: target.name, block: block)
    if let helper = target.helper {
      parts.arguments = try arguments(target.arguments, in: program)
      parts.hash = try hash(target.hash, in: program)
      return try call(helper.body, parts)
    }
    let value = try target.path.map { path throws(TemplateError) in try evaluate(path, in: program) } ?? .undefined
    if target.isBare, !value.isUndefined, block == nil {
      guard case .lambda = value else { return value }
    }
    parts.arguments = try arguments(target.arguments, in: program)
    parts.hash = try hash(target.hash, in: program)
    if case .lambda(let lambda) = value { return try call(lambda.body, parts) }
    if let missing = code.helperMissing { return try call(missing.body, parts) }
    if target.isBare && block == nil { return .undefined }
    throw TemplateError(.unknownHelper, "Missing helper: \"\(target.name)\"; register it before templates are compiled")
  }

  private mutating func arguments(_ range: Range<Int>, in program: Int) throws(TemplateError) -> [TemplateValue] {
    guard !range.isEmpty else { return [] }
    var values: [TemplateValue] = []
    values.reserveCapacity(range.count)
    for index in range { values.append(try evaluate(programs[program].operands[index], in: program)) }
    return values
  }

  func hashIsEmpty(_ range: Range<Int>) -> Bool { range.isEmpty }

  mutating func hash(_ range: Range<Int>, in program: Int) throws(TemplateError) -> HashArguments {
    var values = HashArguments()
    for index in range {
      let pair = programs[program].hash[index]
      values.pairs.append((pair.name, try evaluate(pair.value, in: program)))
    }
    return values
  }

  mutating func call(_ body: Helper.Body, _ parts: HelperCallParts) throws(TemplateError) -> TemplateValue {
    let result: TemplateValue
    do {
      result = try withUnsafeMutablePointer(to: &self) { renderer in
        try body(
          HelperCall(
            name: parts.name, arguments: parts.arguments, hash: parts.hash, block: parts.block, renderer: renderer))
      }
    } catch let error as TemplateError {
      throw error
    } catch {
      // The text of a foreign error may hold data, so only its type is told.
      throw TemplateError(.helperFailed, "\(parts.name) failed with \(type(of: error))")
    }
    try checkText(result)
    return result
  }

  /// Texts that helpers make are part of what a rendering may use.
  private mutating func checkText(_ value: TemplateValue) throws(TemplateError) {
    guard let text = value.stringValue, text.utf8.count > 1024 else { return }
    if text.utf8.count > settings.limits.outputBytes { throw outputExceeded }
    fuel &-= text.utf8.count / 1024
  }

  // MARK: Blocks

  mutating func callBlock(_ index: Int, _ mode: EscapeMode, in program: Int) throws(TemplateError) {
    let target = programs[program].calls[index]
    let block = BlockTarget(
      program: program, body: Int(target.body), inverse: Int(target.inverse), parameters: target.parameters)
    let value = try invoke(index, block, in: program)
    if case .undefined = value { return }
    try write(value, mode == .uniformHTML ? .raw : mode)
    try checkOutput()
  }

  /// Renders a block of a helper to the end of the output.
  mutating func runBlock(
    _ begin: Int, of block: BlockTarget, _ context: TemplateValue?, _ parameters: [TemplateValue],
    _ data: [(String, TemplateValue)]
  ) throws(TemplateError) {
    try descend()
    let height = frames.count
    let (outerIndent, outerSkip) = (indent, skipsIndent)
    var frame = frame(.native, in: block.program)
    if let context { enter(context, &frame, above: next - 1) }
    if block.parameters > 0 && begin == block.body {
      takeParameters(&frame)
      extras(&frame).parameters = parameters
    }
    if !data.isEmpty {
      frame.outerData = frame.data
      frame.data = next
      extras(&frame).data = data
    }
    frames.append(frame)
    defer {
      // A helper may go on after an error in its block.
      frames.removeLast(frames.count - height)
      (indent, skipsIndent) = (outerIndent, outerSkip)
      depth -= 1
    }
    try run(from: begin, in: block.program)
  }

  /// Renders a block of a helper and takes what was written.
  mutating func capture(
    _ begin: Int, of block: BlockTarget, _ context: TemplateValue?, _ parameters: [TemplateValue],
    _ data: [(String, TemplateValue)]
  ) throws(TemplateError) -> String {
    let start = out.count
    defer { out.removeLast(out.count - start) }
    try runBlock(begin, of: block, context, parameters, data)
    return String(decoding: out[start...], as: UTF8.self)
  }

  func sectionText(of block: BlockTarget) -> String? {
    let code = programs[block.program]
    guard let section = code.sections.first(where: { Int($0.body) == block.body && $0.inner.lowerBound > 0 }) else {
      return nil
    }
    return code.source.text(section.inner)
  }
}
