/// A compiled template. Immutable, cheap to copy, and safe to render from many tasks at once.
///
/// ```swift
/// let template = try Template("<h1>{{title}}</h1>{{#each rows}}<p>{{name}}</p>{{/each}}")
/// let html = try template.render(["title": "Visits", "rows": [["name": "Ada"]]])
/// ```
public struct Template: Sendable {
  /// The name by which it was compiled.
  public let name: String
  let program: Int
  let storage: TemplateSet.Storage

  init(name: String, program: Int, storage: TemplateSet.Storage) {
    self.name = name
    self.program = program
    self.storage = storage
  }

  /// Compiles a template that includes no others. Throws what is wrong with it, and where.
  public init(
    _ source: String, name: String = "template", options: TemplateOptions = TemplateOptions()
  ) throws(TemplateError) {
    self = try TemplateSet([TemplateSet.Source(name: name, text: source, options: options)]).template(name)
  }

  /// Renders at the end of a buffer. If it throws, the buffer is as it was before.
  public func render(
    _ data: TemplateValue, settings: RenderSettings = RenderSettings(), into buffer: inout [UInt8]
  ) throws(TemplateError) {
    let count = buffer.count
    var renderer = Renderer(storage: storage, settings: settings)
    do throws(TemplateError) {
      try renderer.render(program, data, into: &buffer)
    } catch {
      buffer.removeLast(buffer.count - count)
      throw error
    }
  }

  /// Renders to a text.
  public func render(
    _ data: TemplateValue, settings: RenderSettings = RenderSettings()
  ) throws(TemplateError) -> String {
    var buffer: [UInt8] = []
    try render(data, settings: settings, into: &buffer)
    return String(decoding: buffer, as: UTF8.self)
  }

  /// The names of the partials it includes, directly and through others, sorted.
  public var partials: [String] {
    var names: Set<String> = []
    for place in reachable {
      for use in storage.programs[place].partials {
        if case .fixed(let name, _?) = use.target { names.insert(name) }
      }
    }
    return names.sorted()
  }

  /// The programs that it may run, but for those that only data names.
  private var reachable: Set<Int> {
    var pending = [program]
    var seen: Set<Int> = [program]
    while let place = pending.popLast() {
      for use in storage.programs[place].partials {
        if case .fixed(_, let target?) = use.target, seen.insert(target).inserted { pending.append(target) }
      }
    }
    return seen
  }

  /// The names of the helpers it calls, directly and in its partials, sorted.
  public var helpers: [String] {
    Set(reachable.flatMap { storage.programs[$0].helpersUsed }).sorted()
  }

  /// What it produces.
  public var output: TemplateOutput { storage.programs[program].output }
}
