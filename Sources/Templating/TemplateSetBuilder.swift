/// Compiles the templates of a set, and each partial for every place that uses it.
struct TemplateSetBuilder {
  private(set) var programs: [Program] = []
  private(set) var index: [TemplateSet.Key: Int] = [:]
  /// Which programs can be rendered.
  private(set) var entries: [String: Int] = [:]
  private(set) var errors: [(name: String, error: TemplateError)] = []

  private let sources: [String: TemplateSet.Source]
  private let order: [TemplateSet.Source]

  init(_ sources: [TemplateSet.Source]) {
    order = sources
    var named = Dictionary(sources.map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
    for source in sources where source.layout != nil { named[Self.entry(source)] = source }
    for source in sources { named[source.name]?.layout = nil }
    self.sources = named
  }

  /// The name under which a template is compiled to be rendered, not included.
  private static func entry(_ source: TemplateSet.Source) -> String {
    source.layout == nil ? source.name : "\u{1}" + source.name
  }

  mutating func build() {
    let queue = Queue(names: sources)
    for source in order where !source.isPartial {
      _ = queue.program(named: Self.entry(source), output: source.options.output, start: .text)
    }
    var slots: [Result<Program, TemplateError>] = []
    while slots.count < queue.keys.count { slots.append(compile(queue.keys[slots.count], queue)) }
    finish(slots, queue)
  }

  private func compile(_ key: TemplateSet.Key, _ queue: Queue) -> Result<Program, TemplateError> {
    guard let source = sources[key.name] else { return .failure(TemplateError(.unknownTemplate, key.name)) }
    var options = source.options
    options.output = key.output
    let text = TemplateSource(name: source.origin ?? source.name, text: source.text, firstLine: source.firstLine)
    do throws(TemplateError) {
      let program = try Compiler.compile(
        text, options: options, start: key.start, layout: source.layout, resolver: queue)
      return .success(program)
    } catch {
      return .failure(error)
    }
  }

  /// Programs keep their places; a faulty one, and whatever includes it, leaves an empty program and an error.
  private mutating func finish(_ compiled: [Result<Program, TemplateError>], _ queue: Queue) {
    var failures: [Int: TemplateError] = [:]
    let inlines = Set(compiled.flatMap { (try? $0.get())?.inlineNames ?? [] })
    for (place, result) in compiled.enumerated() {
      switch result {
      case .failure(let error): failures[place] = error
      case .success(let program):
        if let error = unknownPartial(in: program, inlines) { failures[place] = error }
      }
    }
    spread(&failures, compiled)
    for (place, result) in compiled.enumerated() {
      let key = queue.keys[place]
      if failures[place] == nil { index[key] = place }
      programs.append((try? result.get()) ?? Self.empty)
    }
    report(failures, queue)
  }

  private mutating func report(_ failures: [Int: TemplateError], _ queue: Queue) {
    for source in order where !source.isPartial {
      let key = TemplateSet.Key(name: Self.entry(source), output: source.options.output, start: .text)
      guard let place = queue.places[key] else { continue }
      if let error = failures[place] {
        errors.append((source.name, error))
      } else {
        entries[source.name] = place
      }
    }
  }

  private func unknownPartial(in program: Program, _ inlines: Set<String>) -> TemplateError? {
    let isLenient = program.dialect == .mustache && !program.isStrict
    for use in program.partials {
      guard case .fixed(let name, nil) = use.target else { continue }
      guard use.isLayout || use.body == 0 && !isLenient && !inlines.contains(name) else { continue }
      let near = sources.keys.min { Spelling.distance($0, name) < Spelling.distance($1, name) }
      let hint =
        near.map { Spelling.distance($0, name) <= max(1, name.count / 3) ? "; did you mean '\($0)'?" : "" } ?? ""
      return TemplateError(
        .unknownPartial, "there is no \(use.isLayout ? "layout" : "partial") '\(name)'\(hint)", in: program.source,
        at: Int(use.position))
    }
    return nil
  }

  /// What uses a faulty partial is faulty as well.
  private func spread(_ failures: inout [Int: TemplateError], _ compiled: [Result<Program, TemplateError>]) {
    var users: [Int: [(Int, TemplateError.Location)]] = [:]
    for (place, result) in compiled.enumerated() {
      guard let program = try? result.get() else { continue }
      for use in program.partials {
        guard case .fixed(_, let target?) = use.target else { continue }
        users[target, default: []].append((place, program.source.location(of: Int(use.position))))
      }
    }
    var pending = failures.keys.sorted()
    while let faulty = pending.popLast(), let error = failures[faulty] {
      for (user, location) in users[faulty] ?? [] where failures[user] == nil {
        failures[user] = TemplateError(
          error.code, error.message, locations: error.locations + [location], excerpt: error.excerpt)
        pending.append(user)
      }
    }
  }

  private static let empty = Program(
    ProgramParts(instructions: [.leave(loop: 0)], positions: [0]), source: TemplateSource(name: "", text: ""),
    options: TemplateOptions(helpers: HelperTable()))

  /// The compiled forms that were asked for, each with a place among the programs.
  private final class Queue: PartialResolver {
    let names: [String: TemplateSet.Source]
    var keys: [TemplateSet.Key] = []
    var places: [TemplateSet.Key: Int] = [:]

    init(names: [String: TemplateSet.Source]) { self.names = names }

    func program(named name: String, output: TemplateOutput, start: StartContext) -> Int? {
      guard names[name] != nil else { return nil }
      let key = TemplateSet.Key(name: name, output: output, start: start)
      if let place = places[key] { return place }
      places[key] = keys.count
      keys.append(key)
      return keys.count - 1
    }

    func needsAll(output: TemplateOutput, start: StartContext) {
      for name in names.keys.sorted() where name.utf8.first != 1 {
        _ = program(named: name, output: output, start: start)
      }
    }
  }
}

extension Program {
  /// The names of the inline partials it defines.
  var inlineNames: [String] {
    instructions.compactMap { if case .define(let name, _) = $0 { names[Int(name)] } else { nil } }
  }
}
