/// What a YAML text holds, and what is wrong with it.
struct YAMLDocument {
  /// The tree; nil if the text is not YAML. An empty text is an empty map.
  private(set) var tree: ConfigTree?
  private(set) var issues: [ConfigIssue] = []
  private(set) var hiddenMarks: [SourceMark] = []
  private(set) var text = ""

  /// Reads a file's bytes. Nothing is thrown: what is wrong is in `issues`.
  init(_ bytes: [UInt8], file: String, limits: ConfigLimits) {
    do {
      text = try YAMLInput(bytes).text
    } catch {
      let mark = SourceMark(file: file, line: error.line, column: error.column)
      text = String(decoding: bytes, as: UTF8.self)
      issues = [ConfigIssue(.syntax, at: .file(mark), error.message, remedy: error.remedy)]
      return
    }
    let widths = ConfigSources.lines(of: text).map(\.unicodeScalars.count)
    parse(limits: limits, empty: .file(SourceMark(file: file, line: 1, column: 1))) { start, end in
      .file(Self.mark(file, start, end, widths))
    }
  }

  /// Reads the value of a `--set`.
  init(override value: String, limits: ConfigLimits, origin: ConfigOrigin) {
    do {
      text = try YAMLInput(Array(value.utf8)).text
      parse(limits: limits, empty: origin) { _, _ in origin }
    } catch {
      issues = [ConfigIssue(.syntax, at: origin, "the value " + error.message, remedy: error.remedy)]
    }
  }

  private mutating func parse(
    limits: ConfigLimits, empty: ConfigOrigin, origin: @escaping (YAMLPosition, YAMLPosition) -> ConfigOrigin
  ) {
    var builder = YAMLTreeBuilder(limits: limits, origin: origin)
    do {
      try Self.run(text, into: &builder, origin: origin)
      tree = builder.root ?? ConfigTree(.map([]), origin: empty)
      issues = builder.issues
    } catch {
      issues = builder.issues + [error]
    }
    hiddenMarks = builder.hiddenMarks
  }

  private static func run(
    _ text: String, into builder: inout YAMLTreeBuilder, origin: (YAMLPosition, YAMLPosition) -> ConfigOrigin
  ) throws(ConfigIssue) {
    guard var events = YAMLEvents(text) else { return }
    while true {
      let step: YAMLStep
      do {
        step = try events.next()
      } catch {
        throw YAMLComplaint(error, in: text).issue(at: origin(error.position, error.position))
      }
      if case .streamEnd = step.event { return }
      try builder.feed(step)
    }
  }

  /// A place that is inside the file, also where libyaml points behind its end.
  private static func mark(
    _ file: String, _ start: YAMLPosition, _ end: YAMLPosition, _ widths: [Int]
  ) -> SourceMark {
    var line = min(max(start.line, 1), max(widths.count, 1))
    var column = line == start.line ? start.column : Int.max
    // Behind the last line break there is nothing to point at.
    while line > 1, line == start.line || column == .max, widths[line - 1] == 0,
      widths[(line - 1)...].allSatisfy({ $0 == 0 })
    {
      line -= 1
      column = Int.max
    }
    column = min(column, (widths.indices.contains(line - 1) ? widths[line - 1] : 0) + 1)
    let isForward = end.line > line || (end.line == line && end.column > column)
    return SourceMark(
      file: file, line: line, column: column, endLine: isForward ? min(end.line, widths.count) : line,
      endColumn: isForward ? end.column : column + 1)
  }
}

/// libyaml's complaint, in words that help.
private struct YAMLComplaint {
  private let error: YAMLSyntaxError
  private let text: String

  init(_ error: YAMLSyntaxError, in text: String) {
    self.error = error
    self.text = text
  }

  func issue(at place: ConfigOrigin) -> ConfigIssue {
    let (message, remedy) = words
    return ConfigIssue(.syntax, at: place, message, remedy: remedy)
  }

  private var words: (message: String, remedy: String) {
    let from = error.context == nil ? "" : " (\(context), which begins on line \(error.contextPosition.line))"
    switch error.problem {
    case _ where isAtTab:
      return ("a tab cannot indent YAML", "indent with spaces")
    case "found unexpected end of stream":
      return ("the quote that begins on line \(error.contextPosition.line) is never closed", "close the quote")
    case "mapping values are not allowed in this context":
      return ("a ': ' makes no sense here", "quote the text, or check the indentation of this line and the one before")
    case "found character that cannot start any token":
      return ("this character cannot begin a value", "put the value in quotes")
    case "could not find expected ':'":
      return ("a ':' is missing\(from)", "write key: value, and check the indentation")
    case "did not find expected key", "did not find expected '-' indicator":
      return ("this line does not fit what surrounds it\(from)", "check the indentation and the quotes")
    case "did not find expected ',' or ']'", "did not find expected ',' or '}'":
      return ("\(error.problem)\(from)", "close the bracket, or put a comma between the values")
    default: return ("is not valid YAML: \(error.problem)\(from)", "check the indentation, brackets and quotes")
    }
  }

  private var context: String {
    let context = error.context ?? ""
    let name = ["while scanning ", "while parsing "].first { context.hasPrefix($0) }.map { context.dropFirst($0.count) }
    return String(name ?? Substring(context))
  }

  private var isAtTab: Bool {
    let lines = ConfigSources.lines(of: text)
    guard lines.indices.contains(error.position.line - 1) else { return false }
    let before = lines[error.position.line - 1].unicodeScalars.prefix(error.position.column)
    return before.last == "\t"
      || (!before.isEmpty && before.contains("\t") && before.allSatisfy { $0 == " " || $0 == "\t" })
  }
}
