/// Why a template could not be compiled or rendered: what, where in the source, through which partials.
/// It shows template source, never data.
public struct TemplateError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Base: String, Sendable {
      case syntax, context, unknownHelper, unknownPartial, unknownTemplate, missingValue, helperFailed, unsafeValue
      case depthExceeded, outputExceeded, fuelExhausted, deadlineExceeded
    }

    private let base: Base
    private init(_ base: Base) { self.base = base }

    /// The source is not a template.
    public static let syntax = Code(.syntax)
    /// A value would be written where no escaping makes it safe, or a part ends in another place than it began.
    public static let context = Code(.context)
    /// A helper is used that nobody has registered.
    public static let unknownHelper = Code(.unknownHelper)
    /// A partial is used that does not exist.
    public static let unknownPartial = Code(.unknownPartial)
    /// No template has that name.
    public static let unknownTemplate = Code(.unknownTemplate)
    /// A value that a strict template needs is not in the data.
    public static let missingValue = Code(.missingValue)
    /// A helper refused what it was given.
    public static let helperFailed = Code(.helperFailed)
    /// A value must not be written here, such as a line break in a mail header.
    public static let unsafeValue = Code(.unsafeValue)
    /// Blocks or partials nest deeper than allowed.
    public static let depthExceeded = Code(.depthExceeded)
    /// The output is longer than allowed.
    public static let outputExceeded = Code(.outputExceeded)
    /// The template takes more steps than allowed.
    public static let fuelExhausted = Code(.fuelExhausted)
    /// The template takes more time than allowed.
    public static let deadlineExceeded = Code(.deadlineExceeded)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// A place in the source of a template.
  public struct Location: Sendable, Hashable, CustomStringConvertible {
    /// The template's name.
    public let template: String
    /// The line, from 1.
    public let line: Int
    /// The column in characters, from 1.
    public let column: Int

    /// `name:line:column`
    public var description: String { "\(template):\(line):\(column)" }
  }

  /// What kind of failure it is.
  public let code: Code
  /// What is wrong, and what to do about it.
  public let message: String
  /// Where: the place itself, then what included it, outwards.
  public let locations: [Location]
  /// The line of source, and a caret under the place; empty if there is no source.
  public let excerpt: String

  /// An error without a place, for helpers and for hosts that answer for a template.
  public init(_ code: Code, _ message: String) {
    self.init(code, message, locations: [], excerpt: "")
  }

  init(_ code: Code, _ message: String, locations: [Location], excerpt: String) {
    self.code = code
    self.message = message
    self.locations = locations
    self.excerpt = excerpt
  }

  init(_ code: Code, _ message: String, in source: TemplateSource, at offset: Int) {
    self.init(code, message, locations: [source.location(of: offset)], excerpt: source.excerpt(at: offset))
  }

  /// This error, at a place if it has none, with what included it added.
  func located(in source: TemplateSource, at offset: Int, includedBy outer: [Location]) -> TemplateError {
    guard locations.isEmpty else {
      return TemplateError(code, message, locations: locations + outer, excerpt: excerpt)
    }
    return TemplateError(
      code, message, locations: [source.location(of: offset)] + outer, excerpt: source.excerpt(at: offset))
  }

  /// Place and message, the excerpt, and the include stack.
  public var description: String {
    var text = locations.first.map { "\($0): \(message)" } ?? message
    if !excerpt.isEmpty { text += "\n" + excerpt }
    for location in locations.dropFirst() { text += "\n  included from \(location)" }
    return text
  }
}
