extension Renderer {
  /// What `leave` decides.
  enum Departure {
    case again, onward, finished
    case back(place: Int, program: Int)
  }

  /// A frame above the innermost one, in which everything is as it is there.
  func frame(_ kind: Frame.Kind, in program: Int) -> Frame {
    let top = frames[frames.count - 1]
    var frame = Frame(kind: kind, context: top.context, owner: top.owner, program: Int32(program))
    frame.up = top.up
    frame.data = top.data
    frame.parameters = top.parameters
    frame.scope = top.scope
    frame.block = top.block
    return frame
  }

  /// The place of the next frame.
  var next: Int32 { Int32(frames.count) }

  /// Gives a frame another `this`. The same one again is no step for `../`.
  func enter(_ context: TemplateValue, _ frame: inout Frame, above place: Int32) {
    guard !context.isSame(as: frame.context) else { return }
    frame.context = context
    frame.owner = next
    frame.up = place
  }

  mutating func pushOnce(_ context: TemplateValue?, _ parameters: UInt8, in program: Int) {
    var frame = frame(.once, in: program)
    if let context { enter(context, &frame, above: next - 1) }
    if parameters > 0 { takeParameters(&frame) }
    frames.append(frame)
  }

  func takeParameters(_ frame: inout Frame) {
    frame.outerParameters = frame.parameters
    frame.parameters = next
  }

  /// Begins a loop over a list or an object; false if there is nothing in it.
  mutating func beginLoop(_ items: TemplateValue, _ parameters: UInt8, in program: Int) throws(TemplateError) -> Bool {
    var frame = frame(.loop, in: program)
    switch items {
    case .array(let elements):
      guard let first = elements.first, let count = Int32(exactly: elements.count) else { return false }
      frame.count = count
      frame.context = first
    case .object(let object):
      guard let first = object.first, let count = Int32(exactly: object.count) else { return false }
      frame.count = count
      frame.context = first.value
    default: return false
    }
    frame.items = items
    frame.owner = next
    frame.up = next - 1
    frame.outerData = frame.data
    frame.data = next
    if parameters > 0 { takeParameters(&frame) }
    frames.append(frame)
    return true
  }

  mutating func leave() throws(TemplateError) -> Departure {
    let top = frames.count - 1
    switch frames[top].kind {
    case .loop:
      let index = frames[top].index + 1
      guard index < frames[top].count else {
        frames.removeLast()
        return .onward
      }
      frames[top].index = index
      switch frames[top].items {
      case .array(let elements): frames[top].context = elements[Int(index)]
      case .object(let object): frames[top].context = object.storage.members[Int(index)].value
      default: break
      }
      return .again
    case .once:
      frames.removeLast()
      return .onward
    case .native:
      frames.removeLast()
      return .finished
    case .root: return .finished
    case .partial: return try leavePartial(frames.removeLast())
    }
  }

  private mutating func leavePartial(_ frame: Frame) throws(TemplateError) -> Departure {
    depth -= 1
    if let extras = frame.extras {
      if let outer = extras.outerIndent { indent = outer }
      if !extras.indent.isEmpty { try indentOutput(since: extras.outputStart, by: extras.indent) }
    }
    return .back(place: Int(frame.returnTo), program: Int(frame.returnProgram))
  }

  /// Handlebars indents every line that a partial has written, whatever it came from.
  private mutating func indentOutput(since start: Int, by indent: [UInt8]) throws(TemplateError) {
    guard out.count > start else { return }
    let written = Array(out[start...])
    let lines = written.dropLast().count { $0 == ASCII.lineFeed } + 1
    let (added, overflow) = lines.multipliedReportingOverflow(by: indent.count)
    guard !overflow, added <= outputEnd - out.count else { throw outputExceeded }
    out.removeLast(written.count)
    out.append(contentsOf: indent)
    for (index, byte) in written.enumerated() {
      out.append(byte)
      if byte == ASCII.lineFeed && index + 1 < written.count { out.append(contentsOf: indent) }
    }
  }

  func extras(_ frame: inout Frame) -> FrameExtras {
    if let extras = frame.extras { return extras }
    let extras = FrameExtras()
    frame.extras = extras
    return extras
  }
}
