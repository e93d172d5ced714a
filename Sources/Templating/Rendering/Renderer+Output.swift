extension Renderer {
  mutating func emit(_ operand: Operand, _ mode: EscapeMode, in program: Int) throws(TemplateError) {
    let value = try evaluate(operand, in: program)
    let path: Int? = if case .path(let index) = operand { Int(index) } else { nil }
    if case .operation = operand, value.isUndefined, programs[program].isStrict { throw Self.nothing }
    try emit(value, mode, path: path, in: program)
  }

  /// Writes a value; `path` is where it came from, for the message if there is none.
  @inline(__always)
  mutating func emit(_ value: TemplateValue, _ mode: EscapeMode, path: Int?, in program: Int) throws(TemplateError) {
    if case .string(let text) = value, mode == .html {
      Escaper.writeHTML(text, low: Escaper.htmlMask, tick: false, to: &out)
      return try checkOutput()
    }
    try emitOther(value, mode, path: path, in: program)
  }

  @inline(never)
  private mutating func emitOther(
    _ value: TemplateValue, _ mode: EscapeMode, path: Int?, in program: Int
  ) throws(TemplateError) {
    switch value {
    case .undefined:
      if programs[program].isStrict, let path { throw missing(path, in: program) }
    case .lambda(let lambda):
      try emitResult(of: lambda, mode, in: program)
    case .object where programs[program].isStrict:
      throw TemplateError(.unsafeValue, "an object cannot be written; name one of its members, or use {{json …}}")
    default:
      try write(value, mode)
    }
    try checkOutput()
  }

  private static let nothing = TemplateError(
    .missingValue, "what this expression names is not in the data; correct the name, or end it with ?? ''")

  private func missing(_ path: Int, in program: Int) -> TemplateError {
    TemplateError(
      .missingValue,
      "'\(programs[program].pathTexts[path])' is not in the data; correct the name, or allow for it with {{#if}} or default"
    )
  }

  /// Writes a value as it is escaped for its place.
  mutating func write(_ value: TemplateValue, _ mode: EscapeMode) throws(TemplateError) {
    switch value {
    case .undefined, .null, .lambda: break
    case .string(let text): try Escaper.write(text, mode, to: &out)
    case .markup(let text):
      try Escaper.write(text, mode == .html || mode == .uniformHTML ? .raw : mode, to: &out)
    case .json(let text): try Escaper.write(text, mode == .script ? .raw : mode, to: &out)
    case .bool(let value): try Escaper.write(value ? "true" : "false", mode, to: &out)
    case .integer(let value): try writeNumber(String(value), mode)
    case .number(let value): try writeNumber(NumberText.text(of: value), mode)
    case .array(let elements): try writeList(elements, mode)
    case .object: try Escaper.write("[object Object]", mode, to: &out)
    }
  }

  /// Digits need no escaping, but nothing that is not JSON goes into a script.
  private mutating func writeNumber(_ text: String, _ mode: EscapeMode) throws(TemplateError) {
    if mode == .script { return try Escaper.write(text, mode, to: &out) }
    Escaper.append(text, to: &out)
  }

  private mutating func writeList(_ elements: [TemplateValue], _ mode: EscapeMode) throws(TemplateError) {
    var first = true
    for element in elements {
      if !first { out.append(UInt8(ascii: ",")) }
      first = false
      if case .array(let inner) = element, inner.contains(where: { if case .array = $0 { true } else { false } }) {
        throw TemplateError(.unsafeValue, "a list of lists of lists cannot be written; loop over it with {{#each}}")
      }
      try write(element, mode)
      try checkOutput()
    }
  }
}

/// Numbers as templates write them.
enum NumberText {
  /// The shortest text that gives the number back, without a fraction where there is none (ECMA-262, Number::toString).
  static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    if value == 0 { return "0" }
    if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return String(whole) }
    return positional(value)
  }

  private static func positional(_ value: Double) -> String {
    let sign = value < 0 ? "-" : ""
    let (digits, point) = decimal(value.magnitude)
    if point > 21 || point < -5 {
      let fraction = digits.dropFirst()
      let exponent = point - 1
      return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e" + (exponent < 0 ? "-" : "+")
        + String(exponent.magnitude)
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }

  /// The digits of the shortest text, and how many of them stand before the decimal point.
  private static func decimal(_ value: Double) -> (digits: String, point: Int) {
    let parts = value.description.split(separator: "e")
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = String(mantissa[0])
    let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
    let all = whole + fraction
    let leading = all.prefix { $0 == "0" }.count
    var digits = String(all.dropFirst(leading))
    while digits.hasSuffix("0") { digits.removeLast() }
    return (digits, whole.count - leading + exponent)
  }
}
