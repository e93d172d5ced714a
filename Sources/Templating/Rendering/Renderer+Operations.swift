extension Renderer {
  /// The value of an expression with an operator.
  mutating func operate(_ index: Int, in program: Int) throws(TemplateError) -> TemplateValue {
    let operation = programs[program].operations[index]
    fuel &-= 1
    let first = try operand(0, of: operation, in: program)
    switch operation.kind {
    case .and: return first.isTruthy ? try operand(1, of: operation, in: program) : first
    case .or: return first.isTruthy ? first : try operand(1, of: operation, in: program)
    case .coalesce: return first.isNothing ? try operand(1, of: operation, in: program) : first
    case .choose: return try operand(first.isTruthy ? 1 : 2, of: operation, in: program)
    case .not: return .bool(!first.isTruthy)
    case .kind: return .string(first.typeName)
    case .number: return try Arithmetic.number(first)
    case .negate: return try Arithmetic.difference(.integer(0), first)
    default: break
    }
    let second = try operand(1, of: operation, in: program)
    switch operation.kind {
    case .equal: return .bool(LogicHelpers.equal(first, second))
    case .unequal: return .bool(!LogicHelpers.equal(first, second))
    case .less: return .bool(try Arithmetic.order(first, second).map { $0 < 0 } ?? false)
    case .lessOrEqual: return .bool(try Arithmetic.order(first, second).map { $0 <= 0 } ?? false)
    case .greater: return .bool(try Arithmetic.order(first, second).map { $0 > 0 } ?? false)
    case .greaterOrEqual: return .bool(try Arithmetic.order(first, second).map { $0 >= 0 } ?? false)
    case .element: return Self.element(of: first, at: second)
    case .add: return try sum(first, second)
    case .subtract: return try Arithmetic.difference(first, second)
    case .multiply: return try Arithmetic.product(first, second)
    case .divide: return try Arithmetic.quotient(first, second)
    default: return try Arithmetic.remainder(first, second)
    }
  }

  private mutating func operand(
    _ index: Int, of operation: Operation, in program: Int
  ) throws(TemplateError) -> TemplateValue {
    try condition(programs[program].operands[operation.operands.lowerBound + index], in: program)
  }

  /// `value[key]`
  static func element(of value: TemplateValue, at key: TemplateValue) -> TemplateValue {
    if let name = key.stringValue { return element(of: value, name) }
    guard let index = key.integerValue else { return .undefined }
    if case .array(let elements) = value {
      return Int(exactly: index).flatMap { elements.indices.contains($0) ? elements[$0] : nil } ?? .undefined
    }
    return element(of: value, String(index))
  }

  /// Numbers are added; a text and something else are joined. What is joined is part of what a rendering may use.
  private mutating func sum(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> TemplateValue {
    guard left.stringValue != nil || right.stringValue != nil else { return try Arithmetic.sum(left, right) }
    for side in [left, right] where side.doubleValue == nil && side.stringValue == nil {
      if case .bool = side { continue }
      throw TemplateError(.helperFailed, "\(side.kind) cannot be joined to a text; end it with ?? ''")
    }
    let parts = [TemplateText.text(of: left), TemplateText.text(of: right)]
    let count = parts[0].utf8.count + parts[1].utf8.count
    guard count <= settings.limits.outputBytes else { throw outputExceeded }
    fuel &-= count / 1024
    return .string(parts[0] + parts[1])
  }
}

extension TemplateValue {
  /// What `typeof` says.
  fileprivate var typeName: String {
    switch self {
    case .undefined: "undefined"
    case .null, .array, .object: "object"
    case .bool: "boolean"
    case .integer, .number: "number"
    case .string, .markup, .json: "string"
    case .lambda: "function"
    }
  }
}

/// Arithmetic of the EJS dialect. Whole numbers stay whole as long as they fit; a text counts if it is a number.
private enum Arithmetic {
  static func number(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
    if value.integerValue != nil || value.doubleValue != nil { return value }
    if let text = value.stringValue {
      if let whole = Int64(text) { return .integer(whole) }
      if let number = Double(text), number.isFinite { return .number(number) }
    }
    throw TemplateError(.helperFailed, "\(value.kind) is not a number; end it with ?? 0 if it may be missing")
  }

  /// Less than, equal to or more than zero; nil where one side is nothing, of which every comparison is false.
  static func order(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Int? {
    if left.isNothing || right.isNothing { return nil }
    if let order = LogicHelpers.order(left, right) { return order }
    throw TemplateError(
      .helperFailed, "\(left.kind) and \(right.kind) cannot be compared; compare two numbers or two texts")
  }

  static func sum(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> TemplateValue {
    try result(left, right, { $0.addingReportingOverflow($1) }, { $0 + $1 })
  }

  static func difference(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> TemplateValue {
    try result(left, right, { $0.subtractingReportingOverflow($1) }, { $0 - $1 })
  }

  static func product(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> TemplateValue {
    try result(left, right, { $0.multipliedReportingOverflow(by: $1) }, { $0 * $1 })
  }

  static func quotient(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> TemplateValue {
    let (left, right) = try divisible(left, right)
    return NumberHelpers.value(left / right)
  }

  static func remainder(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> TemplateValue {
    let (left, right) = try divisible(left, right)
    return NumberHelpers.value(left.truncatingRemainder(dividingBy: right))
  }

  private static func divisible(
    _ left: TemplateValue, _ right: TemplateValue
  ) throws(TemplateError) -> (Double, Double) {
    let (left, right) = (try number(left).doubleValue ?? 0, try number(right).doubleValue ?? 0)
    guard right != 0 else { throw TemplateError(.helperFailed, "division by zero") }
    return (left, right)
  }

  private static func result(
    _ left: TemplateValue, _ right: TemplateValue,
    _ whole: (Int64, Int64) -> (partialValue: Int64, overflow: Bool), _ otherwise: (Double, Double) -> Double
  ) throws(TemplateError) -> TemplateValue {
    let (left, right) = (try number(left), try number(right))
    if let a = left.integerValue, let b = right.integerValue {
      let (value, overflow) = whole(a, b)
      if !overflow { return .integer(value) }
    }
    return NumberHelpers.value(otherwise(left.doubleValue ?? 0, right.doubleValue ?? 0))
  }
}
