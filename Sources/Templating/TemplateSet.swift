import Synchronization

/// Templates that were compiled together and may include each other. Immutable.
///
/// A partial is compiled for the place where it is used, so that its values are escaped for that place.
public struct TemplateSet: Sendable {
  /// One template before it is compiled.
  public struct Source: Sendable {
    /// The name by which it is rendered and included.
    public var name: String
    /// The source.
    public var text: String
    /// How it is compiled. As a partial it takes the output of the template that includes it.
    public var options: TemplateOptions
    /// The name shown in messages, such as a path; nil if it is `name`.
    public var origin: String?
    /// Whether it is only a partial: then it is compiled for the places that include it, and nowhere else.
    public var isPartial: Bool
    /// A partial that the template is put into: in Handlebars at `{{> @partial-block}}`, in Mustache as the part
    /// `{{$content}}`. It does not count where the template itself is included.
    public var layout: String?
    /// The number of the first line, for messages.
    public var firstLine = 1

    /// A template.
    public init(
      name: String, text: String, options: TemplateOptions = TemplateOptions(), origin: String? = nil,
      isPartial: Bool = false, layout: String? = nil
    ) {
      self.name = name
      self.text = text
      self.options = options
      self.origin = origin
      self.isPartial = isPartial
      self.layout = layout
    }
  }

  struct Key: Hashable {
    let name: String
    let output: TemplateOutput
    let start: StartContext
  }

  final class Storage: Sendable {
    let programs: [Program]
    let index: [Key: Int]
    let hintBases: [Int]
    let hintCount: Int

    init(programs: [Program], index: [Key: Int]) {
      self.programs = programs
      self.index = index
      var bases: [Int] = []
      var count = 0
      for program in programs {
        bases.append(count)
        count += program.names.count
      }
      hintBases = bases
      hintCount = count
    }
  }

  /// The templates that can be rendered, by name.
  private let templates: [String: Template]

  /// Compiles all of them. Throws the first error.
  public init(_ sources: [Source]) throws(TemplateError) {
    let (set, errors) = TemplateSet.compile(sources)
    if let error = errors.first?.error { throw error }
    self = set
  }

  private init(templates: [String: Template]) { self.templates = templates }

  /// Compiles what can be compiled; what cannot, and why. A template that uses a faulty partial is faulty too.
  public static func compile(_ sources: [Source]) -> (set: TemplateSet, errors: [(name: String, error: TemplateError)])
  {
    var builder = TemplateSetBuilder(sources)
    builder.build()
    let storage = Storage(programs: builder.programs, index: builder.index)
    var templates: [String: Template] = [:]
    for (name, place) in builder.entries { templates[name] = Template(name: name, program: place, storage: storage) }
    return (TemplateSet(templates: templates), builder.errors)
  }

  /// The names of the templates that can be rendered, sorted.
  public var names: [String] { templates.keys.sorted() }

  /// The template of that name.
  public func template(_ name: String) throws(TemplateError) -> Template {
    if let template = templates[name] { return template }
    throw TemplateError(.unknownTemplate, "there is no template '\(name)'")
  }
}
