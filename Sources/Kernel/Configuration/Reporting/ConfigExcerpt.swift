/// Cuts the line an issue is about out of its file, with every secret in it masked.
struct ConfigExcerpt {
  /// A line of a file, and what points at its offending part.
  struct Lines {
    let number: String
    let line: String
    let indent: String
    let carets: String
  }

  /// The longest excerpt of a line.
  private static let width = 100
  private static let mask = Array("********".unicodeScalars)

  private let sources: ConfigSources
  private let secrets: [String: [SourceMark]]

  init(_ sources: ConfigSources) {
    self.sources = sources
    secrets = Dictionary(grouping: sources.secretMarks, by: \.file)
  }

  /// The excerpt for an origin, if it is in a file whose text is known.
  /// Where the syntax is wrong nobody knows which key a line belongs to: one without a key of its own, which may go on
  /// with a secret, is masked.
  func of(_ origin: ConfigOrigin, isSyntax: Bool = false) -> Lines? {
    guard let mark = origin.mark, let lines = sources.texts[mark.file], lines.indices.contains(mark.line - 1)
    else { return nil }
    let cells = masked(
      Array(lines[mark.line - 1].unicodeScalars), line: mark.line, file: mark.file, isSyntax: isSyntax)
    let start = mark.column - 1
    let end = mark.endLine == mark.line ? mark.endColumn - 1 : .max
    let inside = cells.indices.filter { cells[$0].column >= start && cells[$0].column < max(end, start + 1) }
    let caret = inside.first ?? cells.count
    return window(cells.map(\.scalar), number: mark.line, caret: caret, length: max(inside.count, 1))
  }

  /// The line's scalars with the column each stands for; what must not be shown is one mask.
  private func masked(
    _ line: [Unicode.Scalar], line number: Int, file: String, isSyntax: Bool
  ) -> [(column: Int, scalar: Unicode.Scalar)] {
    var hidden = [Bool](repeating: false, count: line.count)
    for mark in secrets[file] ?? [] where mark.line <= number && number <= mark.endLine {
      let from = mark.line == number ? mark.column - 1 : 0
      let to = mark.endLine == number ? mark.endColumn - 1 : line.count
      for column in max(from, 0)..<max(min(to, line.count), max(from, 0)) where column < line.count {
        hidden[column] = true
      }
    }
    if isSyntax, !line.contains(":") {
      for (column, scalar) in line.enumerated() {
        hidden[column] = scalar.properties.isAlphabetic || scalar.isASCIIDigit
      }
    }
    for range in SuspiciousText.ranges(in: line) { for column in range { hidden[column] = true } }
    var cells: [(column: Int, scalar: Unicode.Scalar)] = []
    for (column, scalar) in line.enumerated() {
      if !hidden[column] {
        cells.append((column, scalar == "\t" ? " " : scalar))
      } else if column == 0 || !hidden[column - 1] {
        cells += Self.mask.map { (column, $0) }
      }
    }
    return cells
  }

  private func window(_ line: [Unicode.Scalar], number: Int, caret: Int, length: Int) -> Lines {
    // A long line is cut so that the offending part is in sight.
    let start = caret > Self.width - 20 ? caret - 40 : 0
    let end = min(line.count, start + Self.width)
    let shown = (start > 0 ? "…" : "") + Self.text(line[min(start, end)..<end]) + (end < line.count ? "…" : "")
    let indent = caret - start + (start > 0 ? 1 : 0)
    let carets = max(1, min(length, Self.width - (caret - start)))
    return Lines(
      number: "\(number)", line: Self.visible(shown), indent: String(repeating: " ", count: indent),
      carets: String(repeating: "^", count: carets))
  }

  private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }

  /// Text without characters that a terminal would obey.
  static func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    result.append(
      contentsOf: text.unicodeScalars.map { scalar in
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "\u{FFFD}" : scalar
      })
    return String(result)
  }
}

/// Finds what looks like a secret in a line that no field has explained, such as one that is not even YAML.
enum SuspiciousText {
  private static let words = [
    "password", "passwd", "secret", "token", "credential", "api_key", "apikey", "private_key",
  ]

  /// The columns to hide: what follows a key that sounds secret, and the credentials in a URL.
  static func ranges(in line: [Unicode.Scalar]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for colon in line.indices where line[colon] == ":" {
      let key = line[..<colon].reversed().prefix { $0 == "_" || $0 == "-" || $0.properties.isAlphabetic }.reversed()
      let name = String(String.UnicodeScalarView(key)).lowercased()
      if words.contains(where: { name.replacing("-", with: "_").contains($0) }) {
        let start = line[(colon + 1)...].firstIndex { $0 != " " } ?? line.count
        ranges.append(start..<line.count)
      }
      if let credentials = credentials(in: line, after: colon) { ranges.append(credentials) }
    }
    return ranges
  }

  /// `user:password` in `scheme://user:password@host`.
  private static func credentials(in line: [Unicode.Scalar], after colon: Int) -> Range<Int>? {
    guard line[colon...].starts(with: "://".unicodeScalars) else { return nil }
    let start = colon + 3
    let end = line[start...].firstIndex { " \"',}]/".unicodeScalars.contains($0) } ?? line.count
    return line[start..<end].lastIndex(of: "@").map { start..<$0 }
  }
}

extension Unicode.Scalar {
  fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
