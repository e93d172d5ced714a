/// What a label's value must be: `200`, `5*`, `GET|HEAD`, `!5*`.
///
/// `|` separates alternatives, `*` stands for any text, `!` in front turns the whole around. `\` takes the next character as it is.
struct LabelPattern: Sendable, Hashable, Codable {
  let text: String
  private let isNegated: Bool
  /// For each alternative, the texts between the asterisks.
  private let alternatives: [[String]]

  init(_ text: String) {
    self.text = text
    isNegated = text.hasPrefix("!")
    var alternatives: [[String]] = []
    var pieces: [String] = []
    var piece = ""
    var isEscaped = false
    for character in isNegated ? text.dropFirst() : text[...] {
      switch character {
      case _ where isEscaped:
        piece.append(character)
        isEscaped = false
      case "\\": isEscaped = true
      case "*":
        pieces.append(piece)
        piece = ""
      case "|":
        alternatives.append(pieces + [piece])
        (pieces, piece) = ([], "")
      default: piece.append(character)
      }
    }
    self.alternatives = alternatives + [pieces + [piece]]
  }

  init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  func matches(_ value: String) -> Bool { alternatives.contains { LabelPattern.fits(value, $0) } != isNegated }

  private static func fits(_ value: String, _ pieces: [String]) -> Bool {
    guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else { return value == pieces.first }
    guard value.hasPrefix(first) else { return false }
    var rest = value.dropFirst(first.count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let found = LabelPattern.range(of: piece, in: rest) else { return false }
      rest = rest[found...]
    }
    return rest.count >= last.count && rest.hasSuffix(last)
  }

  /// The index after the first occurrence.
  private static func range(of piece: String, in text: Substring) -> Substring.Index? {
    var start = text.startIndex
    while start < text.endIndex {
      if text[start...].hasPrefix(piece) { return text.index(start, offsetBy: piece.count) }
      start = text.index(after: start)
    }
    return nil
  }

  /// `="200"`, `=~"5.*"`, `!~"5.*"`: the same in PromQL.
  var promQL: String {
    if alternatives.count == 1, alternatives[0].count == 1 {
      return (isNegated ? "!=" : "=") + PromQL.quoted(alternatives[0][0])
    }
    let expression = alternatives.map { $0.map(PromQL.escapedExpression).joined(separator: ".*") }.joined(
      separator: "|")
    return (isNegated ? "!~" : "=~") + PromQL.quoted(expression)
  }
}
