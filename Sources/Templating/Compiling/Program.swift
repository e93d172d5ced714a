/// A compiled template: instructions over an arena of bytes and tables. Immutable.
final class Program: Sendable {
  let source: TemplateSource
  let dialect: TemplateDialect
  let output: TemplateOutput
  let options: TemplateOptions
  let instructions: [Instruction]
  /// Where in the source each instruction comes from.
  let positions: [UInt32]
  let text: [UInt8]
  let names: [String]
  let paths: [Path]
  /// The paths as they stand in the source, for messages.
  let pathTexts: [String]
  let literals: [TemplateValue]
  let operands: [Operand]
  let hash: [(name: String, value: Operand)]
  let calls: [Call]
  let operations: [Operation]
  let sections: [Section]
  let partials: [PartialUse]
  let slots: [Slot]
  let isStrict: Bool
  /// What the host does about names that mean nothing.
  let helperMissing: Helper?
  let blockHelperMissing: Helper?
  let helpersUsed: Set<String>

  init(_ parts: ProgramParts, source: TemplateSource, options: TemplateOptions) {
    self.source = source
    self.options = options
    dialect = options.dialect
    output = options.output
    helperMissing = options.helpers["helperMissing"]
    blockHelperMissing = options.helpers["blockHelperMissing"]
    isStrict = options.missing == .strict
    instructions = parts.instructions
    positions = parts.positions
    text = parts.text
    names = parts.names
    paths = parts.paths
    pathTexts = parts.pathTexts
    literals = parts.literals
    operands = parts.operands
    hash = parts.hash
    calls = parts.calls
    operations = parts.operations
    sections = parts.sections
    partials = parts.partials
    slots = parts.slots
    helpersUsed = parts.helpersUsed
  }
}

/// A program while it is written.
struct ProgramParts {
  var instructions: [Instruction] = []
  var positions: [UInt32] = []
  var text: [UInt8] = []
  var names: [String] = []
  var paths: [Path] = []
  var pathTexts: [String] = []
  var literals: [TemplateValue] = []
  var operands: [Operand] = []
  var hash: [(name: String, value: Operand)] = []
  var calls: [Call] = []
  var operations: [Operation] = []
  var sections: [Section] = []
  var partials: [PartialUse] = []
  var slots: [Slot] = []
  var helpersUsed: Set<String> = []
}
