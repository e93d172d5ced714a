/// A function that templates may call by name.
public struct Helper: Sendable {
  /// What a helper does: takes a call, gives a value, which is escaped where it is written.
  public typealias Body = @Sendable (borrowing HelperCall) throws -> TemplateValue

  let arguments: ClosedRange<Int>?
  let body: Body

  /// A helper. A call with another number of arguments is an error when the template is compiled; nil allows any.
  public init(arguments: ClosedRange<Int>? = nil, _ body: @escaping Body) {
    self.arguments = arguments
    self.body = body
  }
}

/// Helpers by name. A value: what is compiled keeps the helpers it was compiled with.
public struct HelperTable: Sendable {
  private var helpers: [String: Helper] = [:]

  /// A table without helpers. `if`, `unless`, `each`, `with`, `lookup` and `log` are part of the language.
  public init() {}

  /// The helper of that name. Setting one replaces what is there, also what is part of the language.
  public subscript(name: String) -> Helper? {
    get { helpers[name] }
    set { helpers[name] = newValue }
  }

  /// The names, sorted.
  public var names: [String] { helpers.keys.sorted() }

  /// This table with the helpers of another, which win.
  public func merging(_ other: HelperTable) -> HelperTable {
    var table = self
    table.helpers.merge(other.helpers) { _, new in new }
    return table
  }
}

extension HelperTable: ExpressibleByDictionaryLiteral {
  /// A table of these helpers.
  public init(dictionaryLiteral elements: (String, Helper)...) {
    for (name, helper) in elements { helpers[name] = helper }
  }
}
