import MainstayTemplating

/// All templates of a library as they were at one time, compiled together. Immutable.
struct TemplateGeneration: Sendable {
  /// One file that can be rendered.
  struct Variant: Sendable {
    let file: TemplateFile
    let matter: FrontMatter
    let template: Template
    let subject: Template?
    let preheader: Template?
    /// Whether the same data always gives the same output.
    let isTimeless: Bool
  }

  /// What is wrong with a file.
  struct Fault: Sendable, Equatable {
    let path: String
    let message: String
    /// Whether an earlier version of the file is used instead.
    let usesLastGood: Bool
  }

  let number: Int
  private(set) var variants: [String: [Variant]] = [:]
  private(set) var faults: [Fault] = []
  /// Files by path, of which the good ones are kept for the case that they become faulty.
  private(set) var sources: [String: String] = [:]

  static let empty = TemplateGeneration(number: 0)

  private init(number: Int) { self.number = number }

  /// Compiles files. Of a file that is faulty, the text of `previous` counts, if that was good.
  init(
    number: Int, files: [String: String], previous: TemplateGeneration?, settings: LibrarySettings
  ) {
    self.number = number
    var texts = files
    let first = Compilation(texts, settings)
    for fault in first.faults {
      guard let good = previous?.sources[fault.path], good != texts[fault.path] else { continue }
      texts[fault.path] = good
    }
    let final = first.faults.isEmpty ? first : Compilation(texts, settings)
    faults = first.faults.map { fault in
      Fault(
        path: fault.path, message: fault.message,
        usesLastGood: texts[fault.path] != files[fault.path] && !final.faults.contains { $0.path == fault.path })
    }
    variants = final.variants
    let broken = Set(final.faults.map(\.path))
    sources = texts.filter { !broken.contains($0.key) }
  }

  var names: [String] { variants.keys.sorted() }

  /// The variant that fits best: the version wanted or the latest, the locale wanted, its language, the default, none.
  func variant(
    _ name: String, locale: String?, format: TemplateFormat?, version: Int?, defaultLocale: String
  ) -> Variant? {
    guard let all = variants[name] else { return nil }
    let versions = all.map { $0.matter.version ?? $0.file.version ?? 1 }
    guard let newest = versions.max() else { return nil }
    let candidates = zip(all, versions).filter { $0.1 == version ?? newest }.map(\.0)
    var wanted: [String?] = []
    for tag in [locale, defaultLocale] {
      guard let tag else { continue }
      wanted.append(tag)
      if let language = tag.split(separator: "-").first, language != tag { wanted.append(String(language)) }
    }
    wanted.append(nil)
    for tag in wanted {
      let fitting = candidates.filter { $0.file.locale == tag && (format == nil || $0.file.format == format) }
      if let best = fitting.min(by: { $0.file.format.rank < $1.file.format.rank }) { return best }
    }
    return candidates.first { format == nil || $0.file.format == format }
  }
}

extension TemplateFormat {
  /// Which of several formats is meant where none is named.
  var rank: Int { TemplateFormat.allCases.firstIndex(of: self) ?? 0 }
}

/// How the templates of a library are compiled.
struct LibrarySettings: Sendable {
  var helpers: HelperTable
  var missing: MissingValues
}

/// One attempt to compile all files.
private struct Compilation {
  typealias Variant = TemplateGeneration.Variant
  typealias Fault = TemplateGeneration.Fault

  private(set) var variants: [String: [Variant]] = [:]
  private(set) var faults: [Fault] = []
  private var matters: [String: FrontMatter] = [:]
  private var files: [String: TemplateFile] = [:]
  private let settings: LibrarySettings

  init(_ texts: [String: String], _ settings: LibrarySettings) {
    self.settings = settings
    var sources: [TemplateSet.Source] = []
    for (path, text) in texts.sorted(by: { $0.key < $1.key }) {
      guard let file = TemplateFile(path: path) else { continue }
      do throws(FrontMatter.Mistake) {
        try add(file, text, to: &sources)
      } catch {
        faults.append(Fault(path: path, message: "\(path):\(error.line): \(error.message)", usesLastGood: false))
      }
    }
    let (set, errors) = TemplateSet.compile(sources)
    collect(set, errors)
  }

  private mutating func add(
    _ file: TemplateFile, _ text: String, to sources: inout [TemplateSet.Source]
  ) throws(FrontMatter.Mistake) {
    let (matter, body, firstLine) = try FrontMatter.read(text)
    var file = file
    if let engine = matter.engine {
      guard let dialect = TemplateDialect(rawValue: engine) else {
        throw FrontMatter.Mistake(message: "the engine is handlebars, mustache or ejs", line: 1)
      }
      file.dialect = dialect
    }
    file.locale = matter.locale ?? file.locale
    files[file.path] = file
    matters[file.path] = matter
    let options = options(file, matter)
    var source = TemplateSet.Source(
      name: file.isPartial ? file.partialName : file.path, text: body, options: options, origin: file.path,
      isPartial: file.isPartial, layout: matter.layout)
    source.firstLine = firstLine
    sources.append(source)
    guard !file.isPartial else { return }
    // A template is also a partial of others, by its name.
    source.name = file.name
    source.isPartial = true
    source.layout = nil
    if !sources.contains(where: { $0.name == file.name }) { sources.append(source) }
    for (kind, text) in [("subject", matter.subject), ("preheader", matter.preheader)] {
      guard let text else { continue }
      var header = options
      header.output = .mailHeader
      sources.append(
        .init(name: "\(file.path)#\(kind)", text: text, options: header, origin: "\(file.path) (\(kind))"))
    }
  }

  private func options(_ file: TemplateFile, _ matter: FrontMatter) -> TemplateOptions {
    let missing = matter.strict.map { $0 ? MissingValues.strict : .lenient } ?? settings.missing
    return TemplateOptions(
      dialect: file.dialect, output: file.format.output, missing: missing, helpers: settings.helpers)
  }

  private mutating func collect(_ set: TemplateSet, _ errors: [(name: String, error: TemplateError)]) {
    var seen: Set<String> = []
    for (name, error) in errors {
      // A fault belongs to the file in which it is, not only to those that include it.
      let origin = error.locations.first?.template ?? name
      let path = origin.split(separator: " ").first.map(String.init) ?? origin
      if seen.insert("\(path)\(error.message)").inserted {
        faults.append(Fault(path: files[path] == nil ? name : path, message: error.description, usesLastGood: false))
      }
    }
    for file in files.values.sorted(by: { $0.path < $1.path }) where !file.isPartial {
      guard let template = try? set.template(file.path), let matter = matters[file.path] else { continue }
      let used = Set(template.helpers)
      variants[file.name, default: []].append(
        Variant(
          file: file, matter: matter, template: template, subject: try? set.template(file.path + "#subject"),
          preheader: try? set.template(file.path + "#preheader"),
          isTimeless: used.isDisjoint(with: ["now", "patientAge", "log"])))
    }
  }
}
