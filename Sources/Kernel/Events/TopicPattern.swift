/// Which topics a subscriber wants: `pool.exhausted` (that one), `pool.*` (one segment in place of the star),
/// `pool.**` (any rest, also none: `pool`, `pool.exhausted`, `pool.primary.exhausted`), `**` (everything).
public struct TopicPattern: Sendable, Hashable, CustomStringConvertible {
  /// The pattern as text.
  public let rawValue: String
  private let segments: [Segment]

  private enum Segment: Sendable {
    case name(Substring.UTF8View)
    case one
    case rest
  }

  /// Everything.
  public static let all = TopicPattern(unchecked: "**")

  /// A pattern from outside data. Throws if the text is not a pattern.
  public init(_ text: some StringProtocol) throws(TopicError) {
    if let problem = TopicSyntax.problem(in: text.utf8, wildcards: true) {
      throw TopicError(text: String(text), what: "topic pattern", problem: problem)
    }
    if TopicPattern.wildcardRuns(in: text) > TopicPattern.maximumRests {
      throw TopicError(
        text: String(text), what: "topic pattern",
        problem: "'**' may be used \(TopicPattern.maximumRests) times at most")
    }
    self.init(unchecked: String(text))
  }

  /// The pattern that matches one topic.
  public init(_ topic: Topic) { self.init(unchecked: topic.rawValue) }

  private static let maximumRests = 4

  private static func wildcardRuns(in text: some StringProtocol) -> Int {
    text.utf8.split(separator: UInt8(ascii: ".")).count { $0.count == 2 && $0.first == UInt8(ascii: "*") }
  }

  init(unchecked text: String) {
    rawValue = text
    segments = text[...].utf8.split(separator: UInt8(ascii: ".")).map { segment in
      guard segment.first == UInt8(ascii: "*") else { return .name(segment) }
      return segment.count == 1 ? .one : .rest
    }
  }

  /// Whether an event of that topic is wanted.
  public func matches(_ topic: Topic) -> Bool {
    if let isExact = exactMatch(topic) { return isExact }
    let names = topic.rawValue[...].utf8.split(separator: UInt8(ascii: "."))
    return TopicPattern.match(segments[...], names[...])
  }

  /// The answer for the two cheap cases, no wildcard and `**`.
  private func exactMatch(_ topic: Topic) -> Bool? {
    if rawValue == "**" { return true }
    return rawValue.utf8.contains(UInt8(ascii: "*")) ? nil : rawValue == topic.rawValue
  }

  private static func match(_ pattern: ArraySlice<Segment>, _ names: ArraySlice<Substring.UTF8View>) -> Bool {
    guard let first = pattern.first else { return names.isEmpty }
    let rest = pattern.dropFirst()
    switch first {
    case .rest:
      return rest.isEmpty || (names.startIndex...names.endIndex).contains { match(rest, names[$0...]) }
    case .one:
      return !names.isEmpty && match(rest, names.dropFirst())
    case .name(let expected):
      guard let name = names.first, name.elementsEqual(expected) else { return false }
      return match(rest, names.dropFirst())
    }
  }

  /// Equal if the texts are.
  public static func == (left: TopicPattern, right: TopicPattern) -> Bool { left.rawValue == right.rawValue }

  /// By the text.
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  /// The pattern as text.
  public var description: String { rawValue }
}

extension TopicPattern: ExpressibleByStringLiteral {
  /// A pattern written in source. A misspelt one does not stop the program: it matches nothing but its repaired name.
  public init(stringLiteral text: String) {
    self = (try? TopicPattern(text)) ?? TopicPattern(unchecked: TopicSyntax.repaired(text))
  }
}

extension TopicPattern: Codable {
  /// Reads a pattern from a string.
  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the pattern as a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}
