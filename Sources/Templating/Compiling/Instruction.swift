/// One step of a compiled template. Small and trivial: a program is a flat array of them.
enum Instruction {
  /// Writes bytes of the arena.
  case text(offset: UInt32, count: UInt32)
  /// Mustache: writes bytes of the arena that may hold line ends; each new line is indented.
  case lines(offset: UInt32, count: UInt32)
  /// Mustache: a line begins here.
  case lineStart
  /// Writes a member of `this`; the frequent case of `emit`.
  case field(name: UInt32, path: UInt32, EscapeMode)
  /// Writes a value.
  case emit(Operand, EscapeMode)
  /// Calls a helper and writes what it gives.
  case call(UInt32, EscapeMode)
  /// Calls a helper with a block, which follows; afterwards goes on at `end`.
  case block(UInt32, EscapeMode)
  /// Goes on at `otherwise` if the value is false.
  case branch(Operand, otherwise: UInt32, BranchKind)
  /// Begins a loop or goes on at `otherwise`.
  case each(Operand, otherwise: UInt32, parameters: UInt8)
  /// Makes the value `this`, or goes on at `otherwise`.
  case with(Operand, otherwise: UInt32, parameters: UInt8)
  /// A section: loops, enters once or goes on at `otherwise`, as the value asks for. Index of a `Section`.
  case section(UInt32)
  /// Ends what the innermost frame is for: the next round at `loop`, or the way back.
  case leave(loop: UInt32)
  case jump(UInt32)
  /// Enters a partial.
  case partial(UInt32)
  /// Opens a frame in which inline partials can be defined.
  case scope
  /// Defines an inline partial whose content begins at `body`.
  case define(name: UInt32, body: UInt32)
  /// Mustache: an overridable part. Index of a `Slot`; its default content follows.
  case slot(UInt32)
}

/// How a condition is judged.
enum BranchKind: UInt8 {
  case truthy, falsy
  /// With `includeZero=true`.
  case truthyOrZero, falsyNotZero
}

/// Where a value comes from.
enum Operand {
  case path(UInt32)
  case literal(UInt32)
  case call(UInt32)
  case operation(UInt32)
}

/// A compiled operator.
struct Operation {
  let kind: Operator
  let operands: Range<Int>
}

/// A compiled path: a start, and names to follow from there. Trivial, like instructions.
struct Path {
  enum Start {
    /// `this`, so many levels up.
    case this(up: Int)
    /// Mustache: the innermost context that has the first name.
    case outward
    /// `@root`
    case root
    /// `@index`, `@key`, `@first`, `@last` and what the host adds; `hops` counts `../`.
    case variable(name: UInt32, hops: Int)
    /// A block parameter.
    case parameter(scope: Int, index: Int)
  }

  let start: Start
  /// Which names of the program follow.
  let names: Range<Int>
}

/// A compiled call.
struct Call {
  let name: String
  /// The helper, if one was registered when the template was compiled.
  let helper: Helper?
  /// Otherwise where the data may have a function, or, without arguments, a value.
  let path: Operand?
  let arguments: Range<Int>
  let hash: Range<Int>
  /// Whether a block with the value of `path` is meant where that is no function.
  let isBare: Bool
  var body: UInt32 = 0
  var inverse: UInt32 = 0
  var end: UInt32 = 0
  var parameters: UInt8 = 0
  let position: UInt32
}

/// A compiled section.
struct Section {
  let value: Operand
  let name: String
  var body: UInt32 = 0
  var inverse: UInt32 = 0
  var end: UInt32 = 0
  var parameters: UInt8 = 0
  /// Mustache: the source between the tags and the delimiters there, for lambdas.
  let inner: Range<Int>
  let delimiters: MustacheDelimiters
}

/// A compiled use of a partial.
struct PartialUse {
  enum Target {
    /// A template of the set, by its place in it; nil if the set has none of that name.
    case fixed(name: String, program: Int?)
    case dynamic(Operand)
    /// The block that the enclosing partial was given.
    case block
  }

  let target: Target
  /// Where in the output it stands.
  let start: StartContext
  let context: Operand?
  let hash: Range<Int>
  let indent: [UInt8]
  /// Whether it stands alone on its line.
  let standsAlone: Bool
  /// The block given to it; 0 if there is none.
  var body: UInt32 = 0
  /// Mustache inheritance: which parts are overridden.
  var overrides: [(name: String, body: UInt32, startsLine: Bool)] = []
  let isParent: Bool
  let position: UInt32
}

/// A compiled overridable part.
struct Slot {
  let name: String
  let indent: [UInt8]
  /// Whether the white space before it is gone, so that its first line needs the indentation as well.
  let standsAlone: Bool
  let start: StartContext
  var end: UInt32 = 0
}
