/// Everything that is wrong with a configuration, in the order of files and lines, each once.
public struct ConfigReport: Sendable {
  /// How many issues are shown; the others are counted.
  public static let limit = 100

  private var sources: ConfigSources
  private var all: [ConfigIssue] = []
  private var seen: Set<ConfigIssue> = []

  /// A report of what loading has found.
  public init(_ load: ConfigLoad) {
    sources = load.sources
    add(load.issues)
  }

  /// A report of issues in these files.
  public init(_ issues: [ConfigIssue], sources: ConfigSources) {
    self.sources = sources
    add(issues)
  }

  /// Adds what decoding a section has found.
  public mutating func add<Value>(_ section: DecodedSection<Value>) {
    sources.secretMarks += section.secretMarks
    add(section.issues)
  }

  /// Adds issues.
  public mutating func add(_ issues: [ConfigIssue]) {
    all += issues.filter { seen.insert($0).inserted }
  }

  /// Hides a part of the configuration in excerpts, such as a section nobody decodes.
  public mutating func hide(_ tree: ConfigTree) { sources.secretMarks += tree.scalarMarks }

  /// Whether the configuration cannot be used.
  public var hasErrors: Bool { all.contains { $0.severity == .error } }

  /// Every issue: those of files by file and line, then the others as they were found.
  public var issues: [ConfigIssue] {
    let files = Dictionary(
      all.compactMap(\.origin.mark?.file).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let ranked = all.enumerated().map { index, issue in
      (
        rank: [
          issue.origin.mark.map { files[$0.file] ?? 0 } ?? Int.max, issue.origin.mark?.line ?? 0,
          issue.origin.mark?.column ?? 0, index,
        ], issue: issue
      )
    }
    return ranked.sorted { $0.rank.lexicographicallyPrecedes($1.rank) }.map(\.issue)
  }

  /// `5 errors, 1 warning`; empty if there is nothing.
  public var summary: String {
    let errors = all.count { $0.severity == .error }
    let counts = [(errors, "error"), (all.count - errors, "warning")]
    return counts.filter { $0.0 > 0 }.map { "\($0) \($1)\($0 == 1 ? "" : "s")" }.joined(separator: ", ")
  }

  /// Every issue with its excerpt and remedy, for people. Empty if there is nothing.
  public func text(colored: Bool = false) -> String {
    guard !all.isEmpty else { return "" }
    let issues = issues
    let excerpt = ConfigExcerpt(sources)
    var blocks = issues.prefix(Self.limit).map { issue in
      ConfigIssueText(issue, colored: colored).text(excerpt.of(issue.origin, isSyntax: issue.code == .syntax))
    }
    if issues.count > Self.limit { blocks.append("… and \(issues.count - Self.limit) more\n") }
    return blocks.joined(separator: "\n") + "\n" + summary + "\n"
  }

  /// Every issue, for programs: an array of objects with severity, code, origin, file, line, column, path, message,
  /// remedy; what an issue has not is left out.
  public var json: JSONValue { .array(issues.prefix(Self.limit).map(\.json)) }
}

extension ConfigIssue {
  /// The issue as an object.
  public var json: JSONValue {
    var object: JSONObject = [
      "severity": .string(severity.rawValue), "code": .string(code.rawValue), "origin": .string(origin.description),
    ]
    object["file"] = origin.mark.map { .string($0.file) }
    object["line"] = origin.mark.map { .integer(Int64($0.line)) }
    object["column"] = origin.mark.map { .integer(Int64($0.column)) }
    object["path"] = .string(path.description)
    object["message"] = .string(message)
    object["remedy"] = remedy.map { .string($0) }
    return .object(object)
  }
}

/// One issue in the shape compilers use.
private struct ConfigIssueText {
  private let issue: ConfigIssue
  private let colored: Bool

  init(_ issue: ConfigIssue, colored: Bool) {
    self.issue = issue
    self.colored = colored
  }

  func text(_ excerpt: ConfigExcerpt.Lines?) -> String {
    var text = heading + "\n"
    if let excerpt {
      let gutter = String(repeating: " ", count: excerpt.number.count)
      text += "  \(paint(excerpt.number, "2")) \(paint("|", "2")) \(excerpt.line)\n"
      text += "  \(gutter) \(paint("|", "2")) \(excerpt.indent)\(paint(excerpt.carets, severityColor))\n"
    }
    if let remedy = issue.remedy { text += "  \(paint("help:", "36")) \(ConfigExcerpt.visible(remedy))\n" }
    return text
  }

  private var heading: String {
    let subject = issue.path.steps.isEmpty ? "" : "\(issue.path): "
    let severity = paint("\(issue.severity.rawValue):", severityColor)
    let origin = paint(ConfigExcerpt.visible("\(issue.origin):"), "1")
    return "\(origin) \(severity) \(ConfigExcerpt.visible(subject + issue.message))"
  }

  private var severityColor: String { issue.severity == .error ? "1;31" : "1;33" }

  private func paint(_ text: String, _ code: String) -> String {
    colored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
