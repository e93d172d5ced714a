extension EJSParser {
  /// What stands in `<% %>`: beginnings and ends of blocks.
  mutating func parseStatements() throws(TemplateError) {
    while true {
      skipSpace()
      if position >= bytes.count || startsClose { return }
      let start = position
      if accept("}") {
        try parseEnd(at: start)
      } else if accept(";") {
        continue
      } else if acceptWord("if") {
        try begin(
          OpenBlock(closer: "}", position: start, block: try parseCondition(at: start), body: Body()), at: start)
      } else if acceptWord("for") {
        try parseFor(at: start)
      } else if acceptWord("else") {
        throw error("'else' follows the '}' in the same tag: <% } else { %>", at: start)
      } else if startsInclude {
        throw error("write <%- include(…) %>; what is included is output")
      } else {
        try parseForEach(at: start)
      }
    }
  }

  /// Opens a block: its nodes go to its program from here on.
  private mutating func begin(_ block: OpenBlock, at start: Int) throws(TemplateError) {
    try checkNesting(at: start)
    body.nodes.append(.block(block.block))
    block.block.program = block.body
    open.append(block)
  }

  private func checkNesting(at start: Int) throws(TemplateError) {
    guard open.reduce(0, { $0 + $1.levels }) < nesting else {
      throw TemplateError(
        .depthExceeded, "blocks nest deeper than \(nesting); move the inner ones to a partial", in: source, at: start)
    }
  }

  // MARK: Conditions

  /// `(…) {`
  private mutating func parseCondition(at start: Int) throws(TemplateError) -> BlockNode {
    try expect("(", "a condition stands in brackets: if (…) {")
    let condition = try parseExpression()
    try expect(")", "the condition needs a closing ')'")
    try expect("{", "a block begins with '{' in the same tag")
    let callee = Expression.literal(.undefined, text: "if", position: start)
    return BlockNode(kind: .condition, call: CallExpression(callee: callee, arguments: [condition], position: start))
  }

  /// `}`, `});`, `} else {`, `} else if (…) {`
  private mutating func parseEnd(at start: Int) throws(TemplateError) {
    guard let block = open.last else {
      throw error("this closes a block that is not open; remove it or open the block", at: start)
    }
    guard acceptWord("else") else {
      if block.closer == "})" { try expect(")", "forEach( is closed with })") }
      open.removeLast()
      return
    }
    guard block.names == nil else { throw error("'else' belongs to 'if', but a loop is open here", at: start) }
    guard !block.hasElse else { throw error("an 'else' has come already; '}' should stand here", at: start) }
    if acceptWord("if") {
      try parseElseIf(at: start)
    } else {
      try expect("{", "a block begins with '{' in the same tag: } else {")
      let body = Body()
      block.block.inverse = body
      open[open.count - 1].body = body
      open[open.count - 1].hasElse = true
    }
  }

  private mutating func parseElseIf(at start: Int) throws(TemplateError) {
    try checkNesting(at: start)
    let last = open.count - 1
    let inner = try parseCondition(at: start)
    let body = Body()
    inner.program = body
    open[last].block.inverse = Body([.block(inner)])
    open[last].block = inner
    open[last].body = body
    open[last].levels += 1
  }

  // MARK: Loops

  /// `(const item of items) {`, `(const [key, value] of Object.entries(object)) {`, `(const key in object) {`
  private mutating func parseFor(at start: Int) throws(TemplateError) {
    let shape = "a loop is written for (const item of list) {; to count, for (const n of range(1, 10)) {"
    try expect("(", shape)
    _ = acceptWord("const") || acceptWord("let") || acceptWord("var")
    skipSpace()
    let isPair = accept("[")
    let names = try isPair ? parsePair() : [parseName(shape)]
    let isKey = !isPair && acceptWord("in")
    guard isKey || acceptWord("of") else {
      skipSpace()
      throw error(shape)
    }
    let items = try isPair ? parseEntries() : parseExpression()
    try expect(")", shape)
    try expect("{", "a block begins with '{' in the same tag")
    try beginLoop(items, isKey ? ["", names[0]] : names, closer: "}", at: start)
  }

  /// `items.forEach(function (item, index) {`, `items.forEach((item) => {`, `items.forEach(item => {`
  private mutating func parseForEach(at start: Int) throws(TemplateError) {
    let shape = "a loop is written list.forEach(function (item, index) {"
    let isEntries = startsEntries
    let items = isEntries ? try parseEntries() : try parseExpression()
    skipSpace()
    guard accept(".forEach") else {
      skipSpace()
      guard startsClose else { throw unexpected() }
      throw error("this has no effect; to write a value, use <%= … %>", at: start)
    }
    try expect("(", shape)
    let isFunction = acceptWord("function")
    if isFunction, !acceptToken("(") { throw error(shape) }
    var names: [String] = []
    if isFunction || acceptToken("(") {
      names = try parseParameters(isEntries: isEntries, shape)
    } else {
      names = [try parseName(shape)]
    }
    if !isFunction { try expect("=>", shape) }
    try expect("{", shape)
    if isEntries && names.count < 2 {
      throw error("entries come in pairs: Object.entries(object).forEach(([key, value]) => {", at: start)
    }
    try beginLoop(items, names, closer: "})", at: start)
  }

  /// Names up to `)`: the item and its index, or a pair in brackets.
  private mutating func parseParameters(isEntries: Bool, _ shape: String) throws(TemplateError) -> [String] {
    if acceptToken(")") { return ["", ""] }
    if isEntries {
      try expect("[", "entries come in pairs: Object.entries(object).forEach(([key, value]) => {")
      let names = try parsePair()
      try expect(")", shape)
      return names
    }
    var names = [try parseName(shape)]
    if acceptToken(",") { names.append(try parseName(shape)) }
    guard acceptToken(")") else {
      skipSpace()
      throw error("a loop gives the item and its index, nothing more")
    }
    return names
  }

  /// `key, value]`, as the loop gives them: the value first.
  private mutating func parsePair() throws(TemplateError) -> [String] {
    let shape = "a pair is written [key, value]"
    let key = try parseName(shape)
    try expect(",", shape)
    let value = try parseName(shape)
    try expect("]", shape)
    return [value, key]
  }

  private var startsEntries: Bool {
    var copy = self
    return copy.acceptWord("Object") && copy.acceptToken(".") && copy.acceptWord("entries")
  }

  /// `Object.entries(…)`: the object itself, since a loop over it gives keys and values.
  private mutating func parseEntries() throws(TemplateError) -> Expression {
    let shape = "pairs come from Object.entries(object)"
    guard startsEntries else {
      skipSpace()
      throw error(shape)
    }
    _ = (acceptWord("Object"), acceptToken("."), acceptWord("entries"))
    try expect("(", shape)
    let items = try parseExpression()
    try expect(")", shape)
    return items
  }

  private mutating func parseName(_ shape: String) throws(TemplateError) -> String {
    skipSpace()
    let start = position
    guard let name = readWord() else { throw error(shape) }
    guard !Self.reserved.contains(name) else { throw error("'\(name)' cannot be the name of an item", at: start) }
    return name
  }

  private mutating func beginLoop(
    _ items: Expression, _ names: [String], closer: String, at start: Int
  ) throws(TemplateError) {
    let callee = Expression.literal(.undefined, text: "each", position: start)
    let node = BlockNode(kind: .loop, call: CallExpression(callee: callee, arguments: [items], position: start))
    let body = Body()
    body.parameters = names
    try begin(OpenBlock(closer: closer, position: start, block: node, body: body, names: names), at: start)
  }

  // MARK: Partials

  /// Whether `include(` stands here.
  var startsInclude: Bool {
    var copy = self
    return copy.acceptWord("include") && copy.acceptToken("(")
  }

  /// `include('name')`, `include('name', { … })`, `include('name', object)`
  mutating func parseInclude() throws(TemplateError) -> PartialNode {
    let start = position
    _ = (acceptWord("include"), acceptToken("("))
    let name = try parseExpression()
    let partial = PartialNode(name: Self.partialName(name), position: start)
    if acceptToken(",") {
      skipSpace()
      if peek == ASCII.open {
        partial.hash = try parseObject()
      } else {
        partial.context = try parseExpression()
      }
    }
    try expect(")", "include needs a closing ')'; it takes a name and an object of values")
    // A partial sees the data, not the items of loops around it.
    if partial.context == nil, loops > 0 { partial.context = .path(data(at: start)) }
    _ = acceptToken(";")
    return partial
  }

  /// Names may be written as EJS does, `./name.ejs`.
  private static func partialName(_ expression: Expression) -> PartialNode.Name {
    guard case .literal(.string(var name), _, _) = expression else { return .dynamic(expression) }
    if name.hasPrefix("./") { name.removeFirst(2) }
    if name.hasSuffix(".ejs") { name.removeLast(4) }
    return .fixed(name)
  }
}
