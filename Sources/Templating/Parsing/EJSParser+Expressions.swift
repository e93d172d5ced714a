extension EJSParser {
  /// How high the tree of one expression may be.
  private static let expressionHeight = 64
  /// How deep brackets may nest in an expression.
  private static let expressionDepth = 32

  /// Words that name neither values nor items.
  static let reserved: Set<String> = [
    "async", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do",
    "else", "enum", "export", "extends", "false", "finally", "for", "function", "if", "import", "in", "include",
    "instanceof", "let", "locals", "new", "null", "of", "return", "static", "super", "switch", "this", "throw", "true",
    "try", "typeof", "undefined", "var", "void", "while", "with", "yield",
  ]

  mutating func parseExpression() throws(TemplateError) -> Expression {
    skipSpace()
    let start = position
    let expression = try parseChoice(level: 0)
    guard expression.height <= Self.expressionHeight else { throw tooDeep(at: start) }
    return expression
  }

  private func tooDeep(at start: Int) -> TemplateError {
    TemplateError(
      .depthExceeded, "this expression is too long; compute parts of it in the host or with a helper", in: source,
      at: start)
  }

  // MARK: Operators

  private mutating func parseChoice(level: Int) throws(TemplateError) -> Expression {
    skipSpace()
    let start = position
    guard level < Self.expressionDepth else { throw tooDeep(at: start) }
    let condition = try parseBinary(strength: 0, level: level)
    skipSpace()
    guard peek == UInt8(ascii: "?"), !starts(with: "??"), !starts(with: "?.") else { return condition }
    position += 1
    let first = try parseChoice(level: level + 1)
    try expect(":", "a choice is written condition ? one : other")
    let second = try parseChoice(level: level + 1)
    return .operation(OperationExpression(.choose, [condition, first, second], position: start))
  }

  /// Operators that bind more strongly than `strength`, from left to right.
  private mutating func parseBinary(strength: Int, level: Int) throws(TemplateError) -> Expression {
    skipSpace()
    let start = position
    var left = try parseUnary(level: level)
    while let (kind, own) = readOperator(above: strength) {
      let right = try parseBinary(strength: own, level: level + 1)
      let operation = OperationExpression(kind, [left, right], position: start)
      guard operation.height <= Self.expressionHeight else { throw tooDeep(at: start) }
      left = .operation(operation)
    }
    return left
  }

  private mutating func readOperator(above strength: Int) -> (Operator, Int)? {
    skipSpace()
    if startsClose || starts(with: "=>") { return nil }
    for (text, kind, own) in Operator.binary where starts(with: text) {
      guard own > strength else { return nil }
      position += text.utf8CodeUnitCount
      return (kind, own)
    }
    return nil
  }

  private mutating func parseUnary(level: Int) throws(TemplateError) -> Expression {
    skipSpace()
    let start = position
    guard level < Self.expressionDepth else { throw tooDeep(at: start) }
    if starts(with: "++") || starts(with: "--") { throw unexpected() }
    let kind: Operator? =
      if accept("!") {
        .not
      } else if !startsClose && accept("-") {
        .negate
      } else if accept("+") {
        .number
      } else if acceptWord("typeof") {
        .kind
      } else {
        nil
      }
    guard let kind else { return try parseMembers(level: level) }
    return .operation(OperationExpression(kind, [try parseUnary(level: level + 1)], position: start))
  }

  // MARK: Members

  /// A value, and what is taken from it: `.name`, `?.name`, `[index]`.
  private mutating func parseMembers(level: Int) throws(TemplateError) -> Expression {
    var value = try parseValue(level: level)
    while true {
      let start = position
      skipSpace()
      let at = position
      if startsForEach {
        position = start
        return value
      } else if accept("?.[") || accept("[") {
        let index = try parseChoice(level: level + 1)
        try expect("]", "the index needs a closing ']'")
        value = Self.member(index, of: value, at: at)
      } else if accept("?.") || accept(".") {
        skipSpace()
        guard let name = readWord() else { throw error("a name should follow here") }
        if acceptToken("(") { throw error(Self.methodMessage(name), at: at + 1) }
        value = Self.member(.literal(.string(name), text: name, position: at), of: value, at: at)
      } else {
        position = start
        return value
      }
      guard value.height <= Self.expressionHeight else { throw tooDeep(at: at) }
    }
  }

  private var startsForEach: Bool {
    guard starts(with: ".forEach") else { return false }
    var copy = self
    copy.position += 8
    return copy.acceptToken("(")
  }

  /// Constant members lengthen a path; others are looked up when the template is rendered.
  private static func member(_ index: Expression, of value: Expression, at position: Int) -> Expression {
    if case .path(var path) = value, case .literal(let constant, let text, _) = index {
      switch constant {
      case .string, .integer:
        path.segments.append(text)
        path.original += path.original.isEmpty ? text : "." + text
        return .path(path)
      default: break
      }
    }
    return .operation(OperationExpression(.element, [value, index], position: position))
  }

  private static func methodMessage(_ name: String) -> String {
    let helpers = [
      "toUpperCase": "uppercase(value)", "toLowerCase": "lowercase(value)",
      "toFixed": "formatNumber(value, {decimals: 2})",
      "toLocaleString": "formatNumber(value)", "toLocaleDateString": "formatDate(value)", "join": "join(list, ', ')",
      "includes": "contains(list, value)", "filter": "where(list, 'member', value)", "map": "pluck(list, 'member')",
      "trim": "trim(value)", "stringify": "json(value)", "replace": "replace(value, 'a', 'b')",
    ]
    let instead = helpers[name].map { "; write \($0)" } ?? ""
    return "methods of values cannot be called, only helpers\(instead)"
  }

  // MARK: Values

  private mutating func parseValue(level: Int) throws(TemplateError) -> Expression {
    let start = position
    switch peek {
    case UInt8(ascii: "("):
      position += 1
      let inner = try parseChoice(level: level + 1)
      try expect(")", "the bracket that was opened needs a closing ')'")
      return inner
    case UInt8(ascii: "["): return try parseList(level: level)
    case ASCII.quote, ASCII.apostrophe: return try parseString()
    case let byte? where byte.isDigit: return try parseNumber()
    default: break
    }
    guard let word = readWord() else {
      throw startsClose || position >= bytes.count ? error("a value should stand here") : unexpected()
    }
    switch word {
    case "true", "false": return .literal(.bool(word == "true"), text: word, position: start)
    case "null": return .literal(.null, text: word, position: start)
    case "undefined": return .literal(.undefined, text: word, position: start)
    case "locals": return .path(data(at: start))
    case "include": throw error("include stands alone, in <%- include('name') %>", at: start)
    default: break
    }
    guard !Self.reserved.contains(word) else {
      position = start
      throw error("'\(word)' is not known here; templates know expressions, if, for, forEach and include")
    }
    if acceptToken("(") { return .call(try parseCall(of: word, at: start, level: level)) }
    if word == "Object", let call = try parseObjectFunction(at: start, level: level) { return .call(call) }
    return .path(path(word, at: start))
  }

  /// `Object.keys(…)` and `Object.values(…)` are helpers here.
  private mutating func parseObjectFunction(at start: Int, level: Int) throws(TemplateError) -> CallExpression? {
    let begin = position
    if acceptToken("."), let name = readWord(), name == "keys" || name == "values", acceptToken("(") {
      return try parseCall(of: name, at: start, level: level)
    }
    position = begin
    return nil
  }

  /// Arguments up to `)`; an object at the end is what Handlebars calls the hash.
  private mutating func parseCall(of name: String, at start: Int, level: Int) throws(TemplateError) -> CallExpression {
    var arguments: [Expression] = []
    var hash: [HashPair] = []
    while !acceptToken(")") {
      if !arguments.isEmpty { try expect(",", "a ',' or ')' should stand here") }
      skipSpace()
      if peek == ASCII.open {
        hash = try parseObject(level: level + 1)
        try expect(")", "an object can only be the last argument")
        break
      }
      arguments.append(try parseChoice(level: level + 1))
    }
    let callee = Expression.path(PathExpression(original: name, segments: [name], position: start))
    return CallExpression(callee: callee, arguments: arguments, hash: hash, position: start, isExplicit: true)
  }

  /// `[a, b]`, which is what the helper `list` gives.
  private mutating func parseList(level: Int) throws(TemplateError) -> Expression {
    let start = position
    position += 1
    var elements: [Expression] = []
    while !acceptToken("]") {
      if !elements.isEmpty { try expect(",", "a ',' or ']' should stand here") }
      elements.append(try parseChoice(level: level + 1))
    }
    if elements.isEmpty { return .literal(.array([]), text: "[]", position: start) }
    let callee = Expression.path(PathExpression(original: "list", segments: ["list"], position: start))
    return .call(CallExpression(callee: callee, arguments: elements, position: start, isExplicit: true))
  }

  /// `{ name: value, 'name': value, name }`
  mutating func parseObject(level: Int = 0) throws(TemplateError) -> [HashPair] {
    var pairs: [HashPair] = []
    try expect("{", "an object is written { name: value }")
    while !acceptToken("}") {
      if !pairs.isEmpty {
        try expect(",", "a ',' or '}' should stand here")
        if acceptToken("}") { break }
      }
      skipSpace()
      let start = position
      let name: String
      if peek == ASCII.quote || peek == ASCII.apostrophe, case .literal(_, let text, _) = try parseString() {
        name = text
      } else if let word = readWord() {
        name = word
      } else {
        throw error("an object is written { name: value }")
      }
      if acceptToken(":") {
        pairs.append(HashPair(name: name, value: try parseChoice(level: level + 1)))
      } else {
        pairs.append(HashPair(name: name, value: .path(path(name, at: start))))
      }
    }
    return pairs
  }

  // MARK: Names

  /// How many loops are around this place.
  var loops: Int { open.count { $0.names != nil } }

  /// The data as a whole, past the items of loops.
  func data(at start: Int) -> PathExpression {
    PathExpression(original: "", depth: loops, isScoped: true, position: start)
  }

  /// A name means the item of a loop, or a member of the data.
  private func path(_ name: String, at start: Int) -> PathExpression {
    for (depth, names) in open.reversed().compactMap(\.names).enumerated() {
      // The item is what Handlebars calls `this`, so many loops out.
      if names.first == name { return PathExpression(original: name, depth: depth, isScoped: true, position: start) }
      if names.contains(name) { return PathExpression(original: name, segments: [name], position: start) }
    }
    return PathExpression(original: name, depth: loops, segments: [name], isScoped: true, position: start)
  }

  // MARK: Literals

  private mutating func parseNumber() throws(TemplateError) -> Expression {
    let start = position
    while let byte = peek, byte.isDigit { position += 1 }
    if peek == UInt8(ascii: "."), position + 1 < bytes.count, bytes[position + 1].isDigit {
      position += 1
      while let byte = peek, byte.isDigit { position += 1 }
    }
    if let byte = peek, byte.startsWord, !startsClose { throw error("a number is written in digits, such as 12.5") }
    let text = source.text(start..<position)
    let value = Int64(text).map { TemplateValue.integer($0) } ?? Double(text).map { .number($0) } ?? .undefined
    return .literal(value, text: text, position: start)
  }

  private mutating func parseString() throws(TemplateError) -> Expression {
    let start = position
    let quote = bytes[start]
    position += 1
    var content: [UInt8] = []
    while let byte = peek, byte != quote, byte != ASCII.lineFeed {
      position += 1
      if byte != ASCII.backslash {
        content.append(byte)
      } else {
        try readEscape(into: &content)
      }
    }
    guard peek == quote else { throw error("the text that begins here does not end", at: start) }
    position += 1
    let text = String(decoding: content, as: UTF8.self)
    return .literal(.string(text), text: text, position: start)
  }

  private mutating func readEscape(into content: inout [UInt8]) throws(TemplateError) {
    guard let byte = peek else { return }
    let start = position - 1
    position += 1
    switch byte {
    case UInt8(ascii: "n"): content.append(ASCII.lineFeed)
    case UInt8(ascii: "r"): content.append(ASCII.carriageReturn)
    case UInt8(ascii: "t"): content.append(ASCII.tab)
    case UInt8(ascii: "u"):
      let end = min(position + 4, bytes.count)
      guard let code = UInt32(source.text(position..<end), radix: 16), end == position + 4,
        let scalar = Unicode.Scalar(code)
      else { throw error("a character is written \\u and four hexadecimal digits", at: start) }
      position = end
      content.append(contentsOf: String(Character(scalar)).utf8)
    default: content.append(byte)
    }
  }
}

extension Expression {
  /// How many expressions lie one inside the other.
  var height: Int {
    switch self {
    case .path, .literal: 0
    case .call(let call): call.height
    case .operation(let operation): operation.height
    }
  }
}
