/// A piece of a template, as the parsers of all dialects leave it.
enum Node {
  case text(TextNode)
  case output(OutputNode)
  case block(BlockNode)
  case partial(PartialNode)
  case comment(Strip)
  /// Mustache: here begins a line of the source that is not removed as standalone.
  case lineStart
  /// Mustache inheritance: a part that children may override.
  case slot(SlotNode)

  var text: TextNode? { if case .text(let node) = self { node } else { nil } }
}

/// Nodes in a row, with what holds for all of them.
final class Body {
  var nodes: [Node]
  var parameters: [String] = []
  /// Whether this is the `{{else if}}` part of a chain.
  var isChained = false

  init(_ nodes: [Node] = []) { self.nodes = nodes }
}

/// Which sides of a tag a `~` strips of white space.
struct Strip {
  var open = false
  var close = false
}

/// Literal text. White space control narrows `range`; `original` is what the source says.
final class TextNode {
  let original: Range<Int>
  var range: Range<Int>
  var leftStripped = false
  var rightStripped = false

  init(_ range: Range<Int>) {
    original = range
    self.range = range
  }
}

/// `{{path}}`, `{{helper a b=c}}`, `{{{raw}}}`.
struct OutputNode {
  let call: CallExpression
  let isRaw: Bool
  let strip: Strip
}

/// A partial, with or without a block: `{{> name}}`, `{{#> name}}…{{/name}}`, Mustache's `{{< parent}}…{{/parent}}`.
final class PartialNode {
  enum Name {
    case fixed(String)
    case dynamic(Expression)
  }

  let name: Name
  let position: Int
  var context: Expression?
  var hash: [HashPair] = []
  var strip = Strip()
  /// White space before it, if it stands alone on its line.
  var indent: Range<Int>?
  /// Whether it is Mustache's `{{< parent}}`, whose block holds nothing but overrides.
  var isParent = false

  init(name: Name, position: Int) {
    self.name = name
    self.position = position
  }
}

/// Anything with an end: blocks, inverted blocks, raw blocks, inline partials, partial blocks, Mustache's sections.
final class BlockNode {
  enum Kind {
    case block
    /// EJS: `if (…) {`, whatever helpers are called `if`.
    case condition
    /// EJS: `forEach` and `for (… of …) {`.
    case loop
    case inline(name: String)
    case partial(PartialNode)
  }

  let kind: Kind
  let call: CallExpression
  /// What `{{else}}` separates; nil where there is no such part. An inverted block has only `inverse`.
  var program: Body?
  var inverse: Body?
  var openStrip = Strip()
  var inverseStrip = Strip()
  var closeStrip = Strip()
  /// Mustache: the source between the tags, for lambdas, and the delimiters in force there.
  var inner: Range<Int> = 0..<0
  var delimiters = MustacheDelimiters.standard

  init(kind: Kind, call: CallExpression) {
    self.kind = kind
    self.call = call
  }
}

/// Mustache's `{{$ name}}…{{/ name}}`.
final class SlotNode {
  let name: String
  let position: Int
  let body: Body
  /// White space before the tag where it stands first on its line.
  var indent: Range<Int> = 0..<0
  /// Whether the line of the opening tag holds nothing else, so that its white space and its end are removed.
  var standsAlone = false
  /// Whether the content begins on a new line.
  var startsLine = false

  init(name: String, position: Int, body: Body) {
    self.name = name
    self.position = position
    self.body = body
  }
}

/// What a tag computes.
indirect enum Expression {
  case path(PathExpression)
  case literal(TemplateValue, text: String, position: Int)
  case call(CallExpression)
  case operation(OperationExpression)

  var position: Int {
    switch self {
    case .path(let path): path.position
    case .literal(_, _, let position): position
    case .call(let call): call.position
    case .operation(let operation): operation.position
    }
  }
}

/// EJS: an operator between its operands.
final class OperationExpression {
  let kind: Operator
  let operands: [Expression]
  let position: Int
  /// How many expressions lie one inside the other.
  let height: Int

  init(_ kind: Operator, _ operands: [Expression], position: Int) {
    height = 1 + (operands.map(\.height).max() ?? 0)
    self.kind = kind
    self.operands = operands
    self.position = position
  }
}

/// `a.b`, `../a`, `this`, `@index`, `@root.a`.
struct PathExpression {
  /// The path as it is named in messages and compared with closing tags.
  var original: String
  /// How many `../` precede it.
  var depth = 0
  var segments: [String] = []
  /// Whether it begins with `@`.
  var isData = false
  /// Whether it begins with `.`, `..` or `this`, and so never means a helper.
  var isScoped = false
  let position: Int

  /// The name that may also mean a helper.
  var simpleName: String? {
    segments.count == 1 && depth == 0 && !isScoped && !isData ? segments.first : nil
  }
}

/// A callee with arguments; without arguments it may as well be a value.
final class CallExpression {
  let callee: Expression
  let arguments: [Expression]
  let hash: [HashPair]
  let position: Int
  /// Whether it is written as a call, so that a helper is meant also without arguments.
  let isExplicit: Bool
  /// How many expressions lie one inside the other.
  let height: Int

  init(
    callee: Expression, arguments: [Expression] = [], hash: [HashPair] = [], position: Int, isExplicit: Bool = false
  ) {
    height = 1 + max(arguments.map(\.height).max() ?? 0, hash.map(\.value.height).max() ?? 0)
    self.callee = callee
    self.arguments = arguments
    self.hash = hash
    self.position = position
    self.isExplicit = isExplicit
  }

  var isBare: Bool { arguments.isEmpty && hash.isEmpty && !isExplicit }

  /// The callee as it is written.
  var name: String {
    switch callee {
    case .path(let path): path.original
    case .literal(_, let text, _): text
    case .call(let call): call.name
    case .operation: ""
    }
  }
}

/// `name=value` in a tag.
struct HashPair {
  let name: String
  let value: Expression
}
