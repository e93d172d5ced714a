extension Compiler {
  /// An expression in the place of an argument.
  mutating func compile(_ expression: Expression) throws(TemplateError) -> Operand {
    switch expression {
    case .literal(let value, _, _): literal(value)
    case .path(let path): .path(try compilePath(path))
    case .call(let call): try compileValue(call)
    case .operation(let operation): try compile(operation)
    }
  }

  private mutating func compile(_ operation: OperationExpression) throws(TemplateError) -> Operand {
    let operands = try compileArguments(operation.operands)
    parts.operations.append(Operation(kind: operation.kind, operands: operands))
    return .operation(UInt32(parts.operations.count - 1))
  }

  private mutating func literal(_ value: TemplateValue) -> Operand {
    parts.literals.append(value)
    return .literal(UInt32(parts.literals.count - 1))
  }

  /// A call, or the value that a callee without arguments means.
  mutating func compileValue(_ call: CallExpression) throws(TemplateError) -> Operand {
    if call.isBare, !meansHelper(call) { return try compileCallee(call.callee) }
    return .call(try compileCall(call))
  }

  /// Whether a callee without arguments is a helper, or may turn out to be one.
  func meansHelper(_ call: CallExpression) -> Bool {
    guard let name = helperName(of: call) else { return false }
    return helper(named: name, for: call) != nil || options.helpers["helperMissing"] != nil
  }

  /// The helper of that name. One that needs arguments is not meant where there are none: `{{count}}` is a value.
  func helper(named name: String, for call: CallExpression) -> Helper? {
    guard let helper = options.helpers[name] ?? Self.builtin(name) else { return nil }
    if call.isBare, let allowed = helper.arguments, allowed.lowerBound > 0 { return nil }
    return helper
  }

  /// The name under which a helper is looked for; nil where only a value can be meant.
  func helperName(of call: CallExpression) -> String? {
    switch call.callee {
    case .path(let path):
      guard options.dialect != .mustache, let name = path.simpleName, !isParameter(path) else { return nil }
      return name
    case .literal(_, let text, _): return options.dialect == .handlebars ? text : nil
    case .call, .operation: return nil
    }
  }

  /// The value of a callee: in Handlebars literals name members too, as in `{{"foo bar"}}`.
  mutating func compileCallee(_ callee: Expression) throws(TemplateError) -> Operand {
    switch callee {
    case .path, .operation: return try compile(callee)
    case .literal where options.dialect == .ejs: return try compile(callee)
    case .literal(_, let text, let position):
      return .path(try compilePath(PathExpression(original: text, segments: [text], position: position)))
    case .call(let call): return try compileValue(call)
    }
  }

  mutating func compileCall(_ call: CallExpression) throws(TemplateError) -> UInt32 {
    let simple = helperName(of: call)
    let helper = simple.flatMap { self.helper(named: $0, for: call) }
    if let helper, let simple {
      parts.helpersUsed.insert(simple)
      if let allowed = helper.arguments, !allowed.contains(call.arguments.count) {
        throw error(.syntax, "'\(simple)' takes \(Self.text(allowed)), not \(call.arguments.count)", call.position)
      }
    } else if options.checksHelpers && !call.isBare {
      throw error(
        .unknownHelper, "there is no helper '\(call.name)'\(Self.suggestion(for: call.name, in: options.helpers))",
        call.position)
    }
    let path = helper == nil ? try compileCallee(call.callee) : nil
    let arguments = try compileArguments(call.arguments)
    let hash = try compileHash(call.hash)
    parts.calls.append(
      Call(
        name: call.name, helper: helper, path: path, arguments: arguments, hash: hash, isBare: call.isBare,
        position: UInt32(call.position)))
    return UInt32(parts.calls.count - 1)
  }

  /// Arguments are compiled first and stored in a row afterwards, since they may hold calls themselves.
  private mutating func compileArguments(_ expressions: [Expression]) throws(TemplateError) -> Range<Int> {
    var operands: [Operand] = []
    for expression in expressions { operands.append(try compile(expression)) }
    let start = parts.operands.count
    parts.operands.append(contentsOf: operands)
    return start..<parts.operands.count
  }

  mutating func compileHash(_ pairs: [HashPair]) throws(TemplateError) -> Range<Int> {
    var compiled: [(name: String, value: Operand)] = []
    for pair in pairs { compiled.append((pair.name, try compile(pair.value))) }
    let start = parts.hash.count
    parts.hash.append(contentsOf: compiled)
    return start..<parts.hash.count
  }

  private static func builtin(_ name: String) -> Helper? {
    switch name {
    case "lookup": BuiltinHelpers.lookup
    case "log": BuiltinHelpers.log
    default: nil
    }
  }

  private static func text(_ range: ClosedRange<Int>) -> String {
    if range.upperBound == Int.max { return "at least \(range.lowerBound) argument\(range.lowerBound == 1 ? "" : "s")" }
    if range.count > 1 { return "\(range.lowerBound) to \(range.upperBound) arguments" }
    return range.lowerBound == 1 ? "exactly one argument" : "exactly \(range.lowerBound) arguments"
  }

  /// The helper whose name is nearest, if one is near.
  static func suggestion(for name: String, in helpers: HelperTable) -> String {
    let near = helpers.names.min { Spelling.distance($0, name) < Spelling.distance($1, name) }
    guard let near, Spelling.distance(near, name) <= max(1, name.count / 3) else { return "" }
    return "; did you mean '\(near)'?"
  }

  // MARK: Paths

  func isParameter(_ path: PathExpression) -> Bool {
    guard !path.isScoped, !path.isData, path.depth == 0, let first = path.segments.first else { return false }
    return scopes.contains { $0.contains(first) }
  }

  mutating func compilePath(_ path: PathExpression) throws(TemplateError) -> UInt32 {
    var segments = path.segments[...]
    let start: Path.Start
    if path.isData {
      guard let name = segments.popFirst() else {
        throw error(.syntax, "a name should follow '@'", path.position)
      }
      start = name == "root" && path.depth == 0 ? .root : .variable(name: self.name(name), hops: path.depth)
    } else if let (scope, index) = parameter(path) {
      segments.removeFirst()
      start = .parameter(scope: scope, index: index)
    } else if isOutward && !path.isScoped && !segments.isEmpty {
      start = .outward
    } else {
      start = .this(up: path.depth)
    }
    let first = parts.names.count
    // Names of one path stand in a row; each use has its own entry, and with it its own memory of where it was found.
    parts.names.append(contentsOf: segments)
    parts.paths.append(Path(start: start, names: first..<parts.names.count))
    parts.pathTexts.append(path.original)
    return UInt32(parts.paths.count - 1)
  }

  private func parameter(_ path: PathExpression) -> (scope: Int, index: Int)? {
    guard isParameter(path), let first = path.segments.first else { return nil }
    for (hops, names) in scopes.reversed().enumerated() {
      if let index = names.lastIndex(of: first) { return (hops, index) }
    }
    return nil
  }
}

/// How far apart two names are.
enum Spelling {
  /// The least number of insertions, deletions and replacements (Levenshtein). Long names are cut.
  static func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left.lowercased().utf8.prefix(32))
    let right = Array(right.lowercased().utf8.prefix(32))
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var corner = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let replaced = corner + (a == b ? 0 : 1)
        corner = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count]
  }
}
