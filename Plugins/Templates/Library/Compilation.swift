import MainstayTemplating

/// One attempt to compile all files of a library.
///
/// A partial may exist for several languages and formats, so the templates of each language and format are compiled
/// together, with the partials that fit them.
struct Compilation {
  typealias Variant = TemplateGeneration.Variant
  typealias Fault = TemplateGeneration.Fault

  /// A file that was read.
  private struct Entry {
    let file: TemplateFile
    let matter: FrontMatter
    let body: String
    let firstLine: Int
    var version: Int { matter.version ?? file.version ?? 1 }
  }

  /// Which templates share their partials.
  private struct Group: Hashable {
    let locale: String?
    let format: TemplateFormat
  }

  private(set) var variants: [String: [Variant]] = [:]
  private(set) var faults: [Fault] = []
  /// What is wrong with a template, by its name.
  private(set) var unusable: [String: String] = [:]
  private var entries: [String: Entry] = [:]
  private var seen: Set<String> = []
  private let settings: LibrarySettings

  init(_ texts: [String: String], _ settings: LibrarySettings) {
    self.settings = settings
    for (path, text) in texts.sorted(by: { $0.key < $1.key }) {
      guard let file = TemplateFile(path: path) else { continue }
      do throws(FrontMatter.Mistake) {
        entries[path] = try Self.entry(file, text)
      } catch {
        add(Fault(path: path, message: "\(path):\(error.line): \(error.message)", usesLastGood: false), of: file)
      }
    }
    refuseTwins()
    let all = entries.values.sorted { $0.file.path < $1.file.path }
    let includable = Dictionary(grouping: all) { $0.file.isPartial ? $0.file.partialName : $0.file.name }
    let groups = Dictionary(grouping: all.filter { !$0.file.isPartial }) {
      Group(locale: $0.file.locale, format: $0.file.format)
    }
    for (group, members) in groups.sorted(by: { $0.value[0].file.path < $1.value[0].file.path }) {
      compile(members, group, includable)
    }
  }

  private static func entry(_ file: TemplateFile, _ text: String) throws(FrontMatter.Mistake) -> Entry {
    let (matter, body, firstLine) = try FrontMatter.read(text)
    var file = file
    if let engine = matter.engine {
      guard let dialect = TemplateDialect(rawValue: engine) else {
        throw FrontMatter.Mistake(message: "the engine is handlebars, mustache or ejs", line: 1)
      }
      file.dialect = dialect
    }
    file.locale = matter.locale ?? file.locale
    return Entry(file: file, matter: matter, body: body, firstLine: firstLine)
  }

  /// Of two files that are the same template, neither could be asked for by name.
  private mutating func refuseTwins() {
    var known: [String: String] = [:]
    for (path, entry) in entries.sorted(by: { $0.key < $1.key }) {
      let file = entry.file
      let identity = "\(file.name)\n\(entry.version)\n\(file.locale ?? "")\n\(file.format)"
      guard let other = known[identity] else {
        known[identity] = path
        continue
      }
      entries[path] = nil
      let message = "\(path): this is the same template as \(other); rename or remove one of them"
      faults.append(Fault(path: path, message: message, usesLastGood: false))
    }
  }

  // MARK: A group

  private mutating func compile(_ members: [Entry], _ group: Group, _ includable: [String: [Entry]]) {
    var sources: [TemplateSet.Source] = []
    for entry in members {
      sources.append(source(entry, named: entry.file.path, isPartial: false))
      for (kind, text) in [("subject", entry.matter.subject), ("preheader", entry.matter.preheader)] {
        guard let text else { continue }
        var header = options(entry)
        header.output = .mailHeader
        let path = entry.file.path
        sources.append(.init(name: "\(path)#\(kind)", text: text, options: header, origin: "\(path) (\(kind))"))
      }
    }
    for (name, candidates) in includable.sorted(by: { $0.key < $1.key }) {
      guard let entry = best(candidates, group) else { continue }
      sources.append(source(entry, named: name, isPartial: true))
    }
    let (set, errors) = TemplateSet.compile(sources)
    for (name, error) in errors { collect(name, error) }
    for entry in members { collect(entry, set) }
  }

  /// What is included by a name: a partial before a template, the format before the language, the newest version.
  private func best(_ candidates: [Entry], _ group: Group) -> Entry? {
    let partials = candidates.filter(\.file.isPartial)
    let all = partials.isEmpty ? candidates : partials
    let tags = LocaleFallback.tags(group.locale, settings.defaultLocale)
    return all.min { left, right in
      rank(left, group, tags).lexicographicallyPrecedes(rank(right, group, tags))
    }
  }

  private func rank(_ entry: Entry, _ group: Group, _ tags: [String?]) -> [Int] {
    [
      entry.file.format == group.format ? -1 : entry.file.format.rank,
      tags.firstIndex(of: entry.file.locale) ?? tags.count, -entry.version,
    ]
  }

  private func source(_ entry: Entry, named name: String, isPartial: Bool) -> TemplateSet.Source {
    var source = TemplateSet.Source(
      name: name, text: entry.body, options: options(entry), origin: entry.file.path, isPartial: isPartial,
      layout: isPartial && !entry.file.isPartial ? nil : entry.matter.layout)
    source.firstLine = entry.firstLine
    return source
  }

  private func options(_ entry: Entry) -> TemplateOptions {
    let missing = entry.matter.strict.map { $0 ? MissingValues.strict : .lenient } ?? settings.missing
    return TemplateOptions(
      dialect: entry.file.dialect, output: entry.file.format.output, missing: missing, helpers: settings.helpers)
  }

  // MARK: What came of it

  private mutating func add(_ fault: Fault, of file: TemplateFile?) {
    if let file, !file.isPartial, unusable[file.name] == nil { unusable[file.name] = fault.message }
    if seen.insert("\(fault.path)\n\(fault.message)").inserted { faults.append(fault) }
  }

  /// A fault belongs to the file in which it is, not only to those that include it.
  private mutating func collect(_ name: String, _ error: TemplateError) {
    let path = Self.without([" (subject)", " (preheader)"], error.locations.first?.template ?? name)
    let template = Self.without(["#subject", "#preheader"], name)
    let fault = Fault(
      path: entries[path] == nil ? template : path, message: error.description, usesLastGood: false,
      isUnknownHelper: error.code == .unknownHelper)
    // One message about a partial is enough, whoever includes it.
    let isKnown = !seen.insert("\(path)\n\(error.message)").inserted
    if isKnown { seen.insert("\(fault.path)\n\(fault.message)") }
    add(fault, of: entries[template]?.file)
  }

  private static func without(_ suffixes: [String], _ text: String) -> String {
    suffixes.first { text.hasSuffix($0) }.map { String(text.dropLast($0.count)) } ?? text
  }

  private mutating func collect(_ entry: Entry, _ set: TemplateSet) {
    let path = entry.file.path
    guard let template = try? set.template(path) else { return }
    let subject = try? set.template(path + "#subject")
    let preheader = try? set.template(path + "#preheader")
    // A mail without its subject would be something else than what was meant.
    if entry.matter.subject != nil && subject == nil || entry.matter.preheader != nil && preheader == nil { return }
    variants[entry.file.name, default: []].append(
      Variant(
        file: entry.file, matter: entry.matter, template: template, subject: subject, preheader: preheader,
        isTimeless: Self.timeless.isSuperset(of: template.helpers)))
  }

  /// Helpers that always give the same for the same. What a plugin's give is not known.
  private static let timeless = Set(HelperTable.standard.names + ["if", "unless", "each", "with", "lookup"])
    .subtracting(["now", "patientAge"])
}
