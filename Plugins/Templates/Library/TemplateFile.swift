import MainstayTemplating

/// What the name of a file says: `mail/welcome@2.de.html.hbs` is version 2 of the template `mail/welcome`, in German, as
/// HTML, in Handlebars.
struct TemplateFile: Sendable, Hashable {
  /// The path without extensions.
  var name: String
  var version: Int?
  var locale: String?
  var format: TemplateFormat
  var dialect: TemplateDialect
  /// The path below the folder of the library.
  var path: String

  /// Nil if it is no file of a template.
  init?(path: String) {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let file = parts.popLast(), !file.hasPrefix("."), !parts.contains(where: { $0.hasPrefix(".") }) else {
      return nil
    }
    var pieces = file.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    switch pieces.popLast() {
    case "hbs", "handlebars": dialect = .handlebars
    case "mustache": dialect = .mustache
    case "ejs": dialect = .ejs
    default: return nil
    }
    format = .html
    if let last = pieces.last, pieces.count > 1, let known = TemplateFormat(fileExtension: last) {
      format = known
      pieces.removeLast()
    }
    if let last = pieces.last, pieces.count > 1, Self.isLocale(last) {
      locale = last
      pieces.removeLast()
    }
    var base = pieces.joined(separator: ".")
    if let at = base.lastIndex(of: "@"), let number = Int(base[base.index(after: at)...]), number > 0 {
      version = number
      base = String(base[..<at])
    }
    guard !base.isEmpty else { return nil }
    name = (parts + [base]).joined(separator: "/")
    self.path = path
  }

  /// Whether it is only included: everything below `partials` and `layouts`.
  var isPartial: Bool { name.hasPrefix("partials/") || name.hasPrefix("layouts/") }

  /// The name by which it is included: partials without their folder.
  var partialName: String { name.hasPrefix("partials/") ? String(name.dropFirst(9)) : name }

  /// `de`, `de-CH`.
  private static func isLocale(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard let language = parts.first, language.count == 2, language.allSatisfy({ $0.isASCII && $0.isLowercase }) else {
      return false
    }
    return parts.count == 1
      || parts.count == 2 && parts[1].count == 2 && parts[1].allSatisfy { $0.isASCII && $0.isUppercase }
  }
}

/// The kinds of output that a library knows.
enum TemplateFormat: String, Sendable, Hashable, CaseIterable {
  case html, text, markdown, csv

  init?(fileExtension: String) {
    switch fileExtension {
    case "html", "htm": self = .html
    case "txt", "text": self = .text
    case "md", "markdown": self = .markdown
    case "csv": self = .csv
    default: return nil
    }
  }

  var output: TemplateOutput {
    switch self {
    case .html: .html
    case .csv: .csv
    case .markdown: .markdown
    case .text: .text
    }
  }

  var contentType: String {
    switch self {
    case .html: "text/html; charset=utf-8"
    case .text: "text/plain; charset=utf-8"
    case .markdown: "text/markdown; charset=utf-8"
    case .csv: "text/csv; charset=utf-8"
    }
  }

  var fileExtension: String {
    switch self {
    case .html: "html"
    case .text: "txt"
    case .markdown: "md"
    case .csv: "csv"
    }
  }
}
