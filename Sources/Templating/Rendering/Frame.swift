/// What is in force while a part of a template runs. Frames lie on one stack; whatever a frame refers to lies below it.
///
/// Links are places in the stack, -1 for none.
struct Frame {
  enum Kind: UInt8 {
    /// The template itself.
    case root
    /// A partial, an inline partial or the block of a partial: goes back to where it was used.
    case partial
    /// A block that a helper renders: gives control back to the helper.
    case native
    /// Something entered once.
    case once
    /// A loop over `items`.
    case loop
  }

  var kind: Kind
  /// What `this` is.
  var context: TemplateValue
  /// The frame that brought the present `this`.
  var owner: Int32
  /// The frame whose `this` is `../`.
  var up: Int32 = -1
  /// The innermost frame with values for `@name`, and, if that is this one, the next outer.
  var data: Int32 = -1
  var outerData: Int32 = -1
  /// The innermost frame with block parameters, and, if that is this one, the next outer.
  var parameters: Int32 = -1
  var outerParameters: Int32 = -1
  /// The innermost frame with inline partials or overridden parts, and, if that is this one, the next outer.
  var scope: Int32 = -1
  var outerScope: Int32 = -1
  /// The frame of the partial whose block is `@partial-block`.
  var block: Int32 = -1

  var items = TemplateValue.undefined
  var index: Int32 = 0
  var count: Int32 = 0

  /// Which program runs here.
  var program: Int32
  /// Partials: where to go on afterwards, from which frame they were used, and where the block begins that they were
  /// given (0 for none), in the program of that frame.
  var returnTo: Int32 = 0
  var returnProgram: Int32 = 0
  var caller: Int32 = -1
  var blockBegin: Int32 = 0

  /// What few frames have.
  var extras: FrameExtras?
}

/// What few frames have.
final class FrameExtras {
  struct Inline {
    let name: String
    let program: Int32
    let begin: Int32
    let frame: Int32
  }

  struct Override {
    let name: String
    let program: Int32
    let begin: Int32
    let startsLine: Bool
  }

  var parameters: [TemplateValue] = []
  var data: [(String, TemplateValue)] = []
  var inlines: [Inline] = []
  var overrides: [Override] = []
  /// Handlebars: what precedes each line written since `outputStart`.
  var indent: [UInt8] = []
  var outputStart = 0
  /// Mustache: the indentation to go back to.
  var outerIndent: [UInt8]?
}
