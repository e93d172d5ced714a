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
    /// Whether it is only that a plugin has not contributed a helper, or not yet.
    var isUnknownHelper = false
  }

  let number: Int
  private(set) var variants: [String: [Variant]] = [:]
  private(set) var faults: [Fault] = []
  /// What is wrong with templates that cannot be rendered at all, by name.
  private(set) var unusable: [String: String] = [:]
  /// Files by path, of which the good ones are kept for the case that they become faulty.
  private(set) var sources: [String: String] = [:]

  static let empty = TemplateGeneration(number: 0)

  private init(number: Int) { self.number = number }

  /// Compiles files. Of a file that is faulty or cannot be read, the text of `previous` counts, if that was good; and of
  /// partials that are gone, if something is faulty without them.
  init(
    number: Int, files: [String: String], unreadable: [String: String] = [:], previous: TemplateGeneration?,
    settings: LibrarySettings
  ) {
    self.number = number
    var texts = files
    for path in unreadable.keys { texts[path] = previous?.sources[path] }
    let first = Compilation(texts, settings)
    for fault in first.faults {
      guard let good = previous?.sources[fault.path], good != texts[fault.path] else { continue }
      texts[fault.path] = good
    }
    if !first.faults.isEmpty {
      for (path, text) in previous?.sources ?? [:] where texts[path] == nil {
        if TemplateFile(path: path)?.isPartial ?? false { texts[path] = text }
      }
    }
    let final = first.faults.isEmpty ? first : Compilation(texts, settings)
    let broken = Set(final.faults.map(\.path))
    faults = first.faults.map {
      Fault(
        path: $0.path, message: $0.message, usesLastGood: !broken.contains($0.path),
        isUnknownHelper: $0.isUnknownHelper)
    }
    for (path, message) in unreadable.sorted(by: { $0.key < $1.key }) where !faults.contains(where: { $0.path == path })
    {
      faults.append(Fault(path: path, message: message, usesLastGood: texts[path] != nil))
    }
    variants = final.variants
    unusable = final.unusable.filter { final.variants[$0.key] == nil }
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
    for tag in LocaleFallback.tags(locale, defaultLocale) {
      let fitting = candidates.filter { $0.file.locale == tag && (format == nil || $0.file.format == format) }
      if let best = fitting.min(by: { $0.file.format.rank < $1.file.format.rank }) { return best }
    }
    return candidates.first { format == nil || $0.file.format == format }
  }
}

/// Which languages count where one is asked for.
enum LocaleFallback {
  /// The tag, its language, the default, its language, none.
  static func tags(_ locale: String?, _ defaultLocale: String) -> [String?] {
    var tags: [String?] = []
    for tag in [locale, defaultLocale] {
      guard let tag else { continue }
      tags.append(tag)
      if let language = tag.split(separator: "-").first, language != tag { tags.append(String(language)) }
    }
    return tags + [nil]
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
  var defaultLocale: String
}
