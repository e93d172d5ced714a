extension Renderer {
  /// The value of an operand, as arguments are passed: functions of the data are not called.
  mutating func evaluate(_ operand: Operand, in program: Int) throws(TemplateError) -> TemplateValue {
    switch operand {
    case .path(let index): follow(Int(index), in: program)
    case .literal(let index): programs[program].literals[Int(index)]
    case .call(let index): try invoke(Int(index), nil, in: program)
    case .operation(let index): try operate(Int(index), in: program)
    }
  }

  /// The value of an operand that a block asks for: functions of the data are called.
  mutating func condition(_ operand: Operand, in program: Int) throws(TemplateError) -> TemplateValue {
    let value = try evaluate(operand, in: program)
    guard case .lambda(let lambda) = value else { return value }
    return try call(lambda.body, HelperCallParts(name: "function"))
  }

  mutating func isTrue(_ operand: Operand, _ kind: BranchKind, in program: Int) throws(TemplateError) -> Bool {
    let value = try condition(operand, in: program)
    return switch kind {
    case .truthy: value.isTruthy
    case .falsy: !value.isTruthy
    case .truthyOrZero: !value.isEmpty
    case .falsyNotZero: value.isEmpty
    }
  }

  // MARK: Paths

  mutating func follow(_ index: Int, in program: Int) -> TemplateValue {
    let code = programs[program]
    let path = code.paths[index]
    var names = path.names
    var value: TemplateValue
    switch path.start {
    case .this(let up): value = this(up: up)
    case .outward:
      guard let first = names.popFirst() else { return .undefined }
      value = outward(code.names[first], hint: hintBases[program] + first)
    case .root: value = frames[0].context
    case .variable(let name, let hops): value = variable(code.names[Int(name)], hops: hops)
    case .parameter(let scope, let index): value = parameter(scope: scope, index: index)
    }
    for name in names { value = member(value, code.names[name], hint: hintBases[program] + name) }
    return value
  }

  private func this(up: Int) -> TemplateValue {
    var frame = frames.count - 1
    for _ in 0..<up {
      frame = Int(frames[frame].up)
      if frame < 0 { return .undefined }
    }
    return frames[frame].context
  }

  /// The member of the innermost context that has it.
  private mutating func outward(_ name: String, hint: Int) -> TemplateValue {
    var frame = frames.count - 1
    while frame >= 0 {
      let value = member(frames[frame].context, name, hint: hint)
      if !value.isUndefined { return value }
      frame = Int(frames[frame].up)
    }
    return .undefined
  }

  /// `value.name`. Objects have their members, lists and texts a length, lists their elements by number.
  @inline(__always)
  mutating func member(_ value: TemplateValue, _ name: String, hint: Int) -> TemplateValue {
    guard case .object(let object) = value else { return Self.element(of: value, name) }
    let storage = object.storage
    let place = Int(hints[hint])
    if place < storage.members.count && storage.members[place].key == name { return storage.members[place].value }
    guard let position = object.position(of: name) else { return .undefined }
    hints[hint] = Int32(truncatingIfNeeded: position)
    return storage.members[position].value
  }

  static func element(of value: TemplateValue, _ name: String) -> TemplateValue {
    switch value {
    case .array(let elements):
      if name == "length" { return .integer(Int64(elements.count)) }
      guard let index = Int(name), elements.indices.contains(index) else { return .undefined }
      return elements[index]
    case .string(let text), .markup(let text), .json(let text):
      return name == "length" ? .integer(Int64(text.utf16.count)) : .undefined
    case .object(let object): return object[name] ?? .undefined
    default: return .undefined
    }
  }

  private func parameter(scope: Int, index: Int) -> TemplateValue {
    var place = Int(frames[frames.count - 1].parameters)
    for _ in 0..<scope where place >= 0 { place = Int(frames[place].outerParameters) }
    guard place >= 0 else { return .undefined }
    let frame = frames[place]
    if let extras = frame.extras, frame.kind == .native {
      return extras.parameters.indices.contains(index) ? extras.parameters[index] : .undefined
    }
    switch index {
    case 0: return frame.context
    case 1: return loopKey(of: frame)
    default: return .undefined
    }
  }

  // MARK: Variables

  /// `@name`, so many data frames up; what one does not have is looked for further up.
  func variable(_ name: String, hops: Int) -> TemplateValue {
    let top = frames[frames.count - 1]
    if name == "root" { return frames[0].context }
    if name == "partial-block" { return .bool(top.block >= 0) }
    var place = Int(top.data)
    for _ in 0..<hops where place >= 0 { place = Int(frames[place].outerData) }
    while place >= 0 {
      if let value = ownVariable(name, of: frames[place]) { return value }
      place = Int(frames[place].outerData)
    }
    return settings.variables.last { $0.0 == name }?.1 ?? .undefined
  }

  private func ownVariable(_ name: String, of frame: Frame) -> TemplateValue? {
    if let value = frame.extras?.data.last(where: { $0.0 == name })?.1 { return value }
    guard frame.kind == .loop else { return nil }
    switch name {
    case "index": return .integer(Int64(frame.index))
    case "key": return loopKey(of: frame)
    case "first": return .bool(frame.index == 0)
    case "last": return .bool(frame.index == frame.count - 1)
    default: return nil
    }
  }

  private func loopKey(of frame: Frame) -> TemplateValue {
    guard frame.kind == .loop else { return .undefined }
    if case .object(let object) = frame.items { return .string(object[Int(frame.index)].key) }
    return .integer(Int64(frame.index))
  }
}
