import MainstayKernel

/// One call of a helper: its arguments, and the block it was given. Valid while the helper runs.
public struct HelperCall: ~Copyable {
  /// The name by which it was called.
  public let name: String
  /// The values without a name, in order.
  public let arguments: [TemplateValue]
  /// The values with a name.
  public let hash: HashArguments
  let block: BlockTarget?
  // A renderer outlives the calls it makes, and a call cannot be copied out of the helper.
  private let renderer: UnsafeMutablePointer<Renderer>

  init(
    name: String, arguments: [TemplateValue], hash: HashArguments, block: BlockTarget?,
    renderer: UnsafeMutablePointer<Renderer>
  ) {
    self.name = name
    self.arguments = arguments
    self.hash = hash
    self.block = block
    self.renderer = renderer
  }

  /// The argument at that place, or `undefined`.
  public subscript(index: Int) -> TemplateValue {
    arguments.indices.contains(index) ? arguments[index] : .undefined
  }

  /// The value that `this` has where the helper is called.
  public var context: TemplateValue { renderer.pointee.context }

  /// The value of `@name` where the helper is called.
  public func data(_ name: String) -> TemplateValue { renderer.pointee.variable(name, hops: 0) }

  /// Whether it was called as a block: `{{#name}}…{{/name}}`.
  public var isBlock: Bool { block != nil }

  /// How many names `as |a b|` gives.
  public var blockParameterCount: Int { block.map { Int($0.parameters) } ?? 0 }

  /// The source between the tags, in Mustache.
  public var sectionText: String? { block.flatMap { renderer.pointee.sectionText(of: $0) } }

  /// Renders the block. The text is what the template would have written: already escaped.
  /// - Parameters:
  ///   - context: what `this` is inside; nil leaves it as it is.
  ///   - parameters: the values of `as |a b|`.
  ///   - data: the values of `@name` inside.
  public func body(
    _ context: TemplateValue? = nil, parameters: [TemplateValue] = [], data: [(String, TemplateValue)] = []
  ) throws(TemplateError) -> String {
    guard let block, block.body > 0 else { return "" }
    return try renderer.pointee.capture(block.body, of: block, context, parameters, data)
  }

  /// Renders what stands after `{{else}}`.
  public func inverse(_ context: TemplateValue? = nil) throws(TemplateError) -> String {
    guard let block, block.inverse > 0 else { return "" }
    return try renderer.pointee.capture(block.inverse, of: block, context, [], [])
  }

  /// Renders the block straight into the output, without making a text of it. Give back `undefined` afterwards.
  public func writeBody(
    _ context: TemplateValue? = nil, parameters: [TemplateValue] = [], data: [(String, TemplateValue)] = []
  ) throws(TemplateError) {
    guard let block, block.body > 0 else { return }
    try renderer.pointee.runBlock(block.body, of: block, context, parameters, data)
  }

  /// Renders what stands after `{{else}}` straight into the output.
  public func writeInverse(_ context: TemplateValue? = nil) throws(TemplateError) {
    guard let block, block.inverse > 0 else { return }
    try renderer.pointee.runBlock(block.inverse, of: block, context, [], [])
  }

  /// What the rendering knows of the world.
  public var settings: RenderSettings { renderer.pointee.settings }

  /// The present time since 1970-01-01T00:00:00Z, or nil if the rendering has no clock.
  public var timeSinceEpoch: Duration? { renderer.pointee.settings.clock?.timeSinceEpoch }

  /// An error that names the helper. The message must not show data.
  public func error(_ message: String) -> TemplateError {
    TemplateError(.helperFailed, "\(name): \(message)")
  }
}

/// The values with a name in one call.
public struct HashArguments: Sendable {
  var pairs: [(String, TemplateValue)] = []

  /// The value of that name, or `undefined`.
  public subscript(name: String) -> TemplateValue {
    pairs.last { $0.0 == name }?.1 ?? .undefined
  }

  /// The names, in order.
  public var names: [String] { pairs.map(\.0) }

  /// All of them as an object.
  public var object: TemplateObject { TemplateObject(pairs) }
}

/// Where a block that was given to a helper is in its program.
struct BlockTarget {
  let program: Int
  /// Where the part before `{{else}}` begins; 0 if there is none.
  let body: Int
  let inverse: Int
  let parameters: UInt8
}
