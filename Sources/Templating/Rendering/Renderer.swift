import MainstayKernel

/// Runs programs. One renderer is one rendering: it has the stack, the output and what is left of the limits.
///
/// Partials and blocks are frames on a stack of its own; only blocks that a helper renders nest on the native stack, and
/// no deeper than the limit.
struct Renderer {
  var programs: [Program]
  /// For each program, where its part of `hints` begins.
  var hintBases: [Int]
  /// For each name in each path, at which place of an object it was found last.
  var hints: [Int32]
  let library: TemplateSet.Storage?
  let settings: RenderSettings

  var out: [UInt8] = []
  var frames: [Frame] = []
  /// Mustache: what precedes each line.
  var indent: [UInt8] = []
  /// Mustache: whether the next line has its indentation already.
  var skipsIndent = false
  var fuel: Int
  /// How much fuel is left when the limits are looked at again.
  private var nextCheck = 0
  var outputEnd: Int
  var depth = 0

  init(storage: TemplateSet.Storage, settings: RenderSettings) {
    programs = storage.programs
    hintBases = storage.hintBases
    hints = [Int32](repeating: 0, count: storage.hintCount)
    library = storage
    self.settings = settings
    fuel = max(settings.limits.fuel, 1)
    nextCheck = max(fuel - 1024, 0)
    outputEnd = max(settings.limits.outputBytes, 0)
    frames.reserveCapacity(16)
  }

  /// Renders a program to the end of `out`.
  mutating func render(_ program: Int, _ data: TemplateValue, into buffer: inout [UInt8]) throws(TemplateError) {
    swap(&out, &buffer)
    defer { swap(&out, &buffer) }
    outputEnd += out.count
    frames.append(Frame(kind: .root, context: data, owner: 0, program: Int32(program)))
    try checkDeadline()
    try run(from: 0, in: program)
  }

  var context: TemplateValue { frames.last?.context ?? .undefined }

  // MARK: The loop

  /// Runs until the frame that is innermost at the start has been left.
  mutating func run(from begin: Int, in first: Int) throws(TemplateError) {
    var pc = begin
    var current = first
    var program = programs[first]
    var hintBase = hintBases[first]
    do {
      while true {
        fuel &-= 1
        if fuel <= nextCheck { try checkBudget() }
        switch program.instructions[pc] {
        case .text(let offset, let count):
          try write(program, offset, count)
        case .field(let name, let path, let mode):
          let value = member(frames[frames.count - 1].context, program.names[Int(name)], hint: hintBase + Int(name))
          try emit(value, mode, path: Int(path), in: current)
        case .emit(let operand, let mode):
          try emit(operand, mode, in: current)
        case .each(let operand, let otherwise, let parameters):
          if try !beginLoop(try condition(operand, in: current), parameters, in: current) {
            pc = Int(otherwise)
            continue
          }
        case .leave(let loop):
          switch try leave() {
          case .again:
            pc = Int(loop)
            continue
          case .onward: break
          case .finished: return
          case .back(let place, let caller):
            current = caller
            program = programs[caller]
            hintBase = hintBases[caller]
            pc = place
            continue
          }
        case .branch(let operand, let otherwise, let kind):
          if try !isTrue(operand, kind, in: current) {
            pc = Int(otherwise)
            continue
          }
        case .jump(let target):
          pc = Int(target)
          continue
        case .call(let index, let mode):
          try emit(try invoke(Int(index), nil, in: current), mode, path: nil, in: current)
        case .block(let index, let mode):
          try callBlock(Int(index), mode, in: current)
          pc = Int(program.calls[Int(index)].end)
          continue
        case .with(let operand, let otherwise, let parameters):
          let value = try condition(operand, in: current)
          if value.isEmpty {
            pc = Int(otherwise)
            continue
          }
          pushOnce(value, parameters, in: current)
        case .section(let index):
          pc = try enterSection(Int(index), in: current)
          continue
        case .scope:
          pushOnce(nil, 0, in: current)
        case .define(let name, let body):
          define(program.names[Int(name)], at: body, in: current)
        case .partial(let index):
          if let (place, target) = try enterPartial(Int(index), in: current, at: pc) {
            current = target
            program = programs[target]
            hintBase = hintBases[target]
            pc = place
            continue
          }
        case .slot(let index):
          if let (place, target) = try enterSlot(Int(index), in: current) {
            current = target
            program = programs[target]
            hintBase = hintBases[target]
            pc = place
            continue
          }
        case .lines(let offset, let count):
          try writeLines(program, offset, count)
        case .lineStart:
          try startLine()
        }
        pc += 1
      }
    } catch {
      throw error.located(in: program.source, at: Int(program.positions[pc]), includedBy: includeStack())
    }
  }

  /// Where the partials that are running were used, from the innermost outwards.
  private func includeStack() -> [TemplateError.Location] {
    frames.reversed().prefix(64).compactMap { frame in
      guard frame.kind == .partial else { return nil }
      let program = programs[Int(frame.returnProgram)]
      return program.source.location(of: Int(program.positions[max(Int(frame.returnTo) - 1, 0)]))
    }
  }

  // MARK: Limits

  private mutating func checkBudget() throws(TemplateError) {
    guard fuel > 0 else {
      throw TemplateError(
        .fuelExhausted,
        "the template takes more than \(settings.limits.fuel) steps; give it less data, or raise the limit")
    }
    nextCheck = max(fuel - 1024, 0)
    try checkDeadline()
  }

  private func checkDeadline() throws(TemplateError) {
    guard let deadline = settings.limits.deadline, let clock = settings.clock else { return }
    if clock.now >= deadline {
      throw TemplateError(.deadlineExceeded, "the template is not done in time; give it less data, or more time")
    }
  }

  @inline(__always)
  func checkOutput() throws(TemplateError) {
    if out.count > outputEnd { throw outputExceeded }
  }

  var outputExceeded: TemplateError {
    TemplateError(
      .outputExceeded,
      "the output is longer than \(settings.limits.outputBytes) bytes; give it less data, or raise the limit")
  }

  mutating func descend() throws(TemplateError) {
    guard depth < settings.limits.depth else {
      throw TemplateError(
        .depthExceeded,
        "partials and block helpers nest deeper than \(settings.limits.depth); does a partial include itself without end?"
      )
    }
    depth += 1
  }

  // MARK: Text

  @inline(__always)
  private mutating func write(_ program: Program, _ offset: UInt32, _ count: UInt32) throws(TemplateError) {
    program.text.withUnsafeBufferPointer { text in
      out.append(contentsOf: UnsafeBufferPointer(rebasing: text[Int(offset)..<Int(offset + count)]))
    }
    try checkOutput()
  }

  private mutating func writeLines(_ program: Program, _ offset: UInt32, _ count: UInt32) throws(TemplateError) {
    if indent.isEmpty { return try write(program, offset, count) }
    let end = Int(offset + count)
    for index in Int(offset)..<end {
      let byte = program.text[index]
      out.append(byte)
      if byte == ASCII.lineFeed && index + 1 < end { out.append(contentsOf: indent) }
    }
    try checkOutput()
  }

  private mutating func startLine() throws(TemplateError) {
    if skipsIndent {
      skipsIndent = false
    } else if !indent.isEmpty {
      out.append(contentsOf: indent)
      try checkOutput()
    }
  }
}
