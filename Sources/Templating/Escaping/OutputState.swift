/// Where in the output the text of a template has come, for every kind of output.
struct OutputState: Equatable {
  private enum State: Equatable {
    case html(HTMLState)
    case uniformHTML
    case text
    case markdown
    /// Whether a quoted field is open.
    case csv(isQuoted: Bool)
    case mailHeader
  }

  private var state: State

  init(_ output: TemplateOutput, start: StartContext) {
    state =
      switch output {
      case .html: .html(HTMLState(start))
      case .uniformHTML: .uniformHTML
      case .text: .text
      case .markdown: .markdown
      case .csv: .csv(isQuoted: false)
      case .mailHeader: .mailHeader
      }
  }

  /// Passes literal text. An error, and where in the text, if the text cannot stand here.
  mutating func advance(_ bytes: ArraySlice<UInt8>) -> (message: String, offset: Int)? {
    switch state {
    case .html(var html):
      guard let first = bytes.first else { return nil }
      if let message = html.objection(to: first) { return (message, bytes.startIndex) }
      html.advance(bytes)
      if let mistake = html.mistake { return (mistake, bytes.startIndex) }
      state = .html(html)
    case .csv(var isQuoted):
      for byte in bytes where byte == ASCII.quote { isQuoted.toggle() }
      state = .csv(isQuoted: isQuoted)
    case .mailHeader:
      guard let index = bytes.firstIndex(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else { return nil }
      return ("a mail header is one line; remove the line end", index)
    case .uniformHTML, .text, .markdown: break
    }
    return nil
  }

  /// How a value is escaped that stands here.
  mutating func interpolate(isJSON: Bool, isRaw: Bool) throws(TemplateError) -> EscapeMode {
    switch state {
    case .html(var html):
      defer { state = .html(html) }
      return try html.interpolate(isJSON: isJSON, isRaw: isRaw)
    case .uniformHTML: return isRaw ? .raw : .uniformHTML
    case .text: return .raw
    case .markdown: return isRaw ? .raw : .markdown
    case .csv(let isQuoted): return isQuoted ? .csvQuoted : .csv
    case .mailHeader: return .mailHeader
    }
  }

  /// Where a partial that stands here begins; nil if none can.
  var start: StartContext? {
    switch state {
    case .html(let html): html.start
    case .csv(let isQuoted): isQuoted ? nil : .text
    case .uniformHTML, .text, .markdown, .mailHeader: .text
    }
  }

  static func join(_ left: OutputState, _ right: OutputState) -> OutputState? {
    if left == right { return left }
    guard case .html(let one) = left.state, case .html(let other) = right.state else { return nil }
    guard let joined = HTMLState.join(one, other) else { return nil }
    var result = left
    result.state = .html(joined)
    return result
  }

  /// The place in words, for messages.
  var description: String {
    switch state {
    case .html(let html): html.description
    case .csv(let isQuoted): isQuoted ? "a quoted field" : "a field"
    case .uniformHTML, .text, .markdown, .mailHeader: "text"
    }
  }
}
