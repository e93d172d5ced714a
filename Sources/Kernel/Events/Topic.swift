/// The name under which an event is published: segments of `a-z`, `0-9`, `-` and `_`, joined by dots: `pool.exhausted`.
public struct Topic: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The longest topic, in bytes.
  public static let maximumLength = 200

  /// The topic as text.
  public let rawValue: String

  /// A topic from outside data. Throws if the text is not a topic.
  public init(_ text: some StringProtocol) throws(TopicError) {
    if let problem = TopicSyntax.problem(in: text.utf8, wildcards: false) {
      throw TopicError(text: String(text), what: "topic", problem: problem)
    }
    rawValue = String(text)
  }

  init(unchecked text: String) { rawValue = text }

  /// By spelling.
  public static func < (left: Topic, right: Topic) -> Bool { left.rawValue < right.rawValue }

  /// The topic as text.
  public var description: String { rawValue }
}

extension Topic: ExpressibleByStringLiteral {
  /// A topic written in source. A misspelt one does not stop the program: it becomes `invalid-topic.` and what can be
  /// kept of the text, so that it shows in every list of topics.
  public init(stringLiteral text: String) {
    rawValue = (try? Topic(text))?.rawValue ?? TopicSyntax.repaired(text)
  }
}

extension Topic: Codable {
  /// Reads a topic from a string.
  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the topic as a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

/// Why a text is not a topic or not a pattern.
public struct TopicError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text that was refused, cut to a hundred characters.
  public let text: String
  /// What is wrong with it, and what would be right.
  public let description: String

  init(text: String, what: String, problem: String) {
    let shown = text.count > 100 ? String(text.prefix(100)) + "…" : text
    self.text = shown
    description = "'\(shown)' is not a \(what): \(problem)"
  }
}

/// What topics and patterns look like.
enum TopicSyntax {
  static let rule = "segments of a-z, 0-9, '-' and '_', joined by dots, as in pool.exhausted"

  /// What is wrong, or nil.
  static func problem(in text: some Collection<UInt8>, wildcards: Bool) -> String? {
    if text.isEmpty { return "it is empty; write \(rule)" }
    if text.count > Topic.maximumLength { return "it is longer than \(Topic.maximumLength) bytes" }
    for segment in text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      if segment.isEmpty { return "a segment is empty; write \(rule)" }
      if wildcards, isWildcard(segment) { continue }
      if let byte = segment.first(where: { !isAllowed($0) }) { return problem(with: byte, wildcards: wildcards) }
    }
    return nil
  }

  private static func isWildcard(_ segment: some Collection<UInt8>) -> Bool {
    segment.count <= 2 && segment.allSatisfy { $0 == UInt8(ascii: "*") }
  }

  static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "-"), UInt8(ascii: "_"): true
    default: false
    }
  }

  private static func problem(with byte: UInt8, wildcards: Bool) -> String {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): "upper-case letters are not allowed; write \(rule)"
    case UInt8(ascii: "*") where wildcards: "'*' and '**' stand for whole segments, as in pool.* or **"
    case UInt8(ascii: "*"): "'*' is for patterns; a topic names one kind of event"
    case 0x21...0x7E: "'\(Character(Unicode.Scalar(byte)))' is not allowed; write \(rule)"
    default: "a space, control or non-ASCII character is not allowed; write \(rule)"
    }
  }

  /// A topic made of what is allowed in the text.
  static func repaired(_ text: String) -> String {
    let kept = text.lowercased().utf8.prefix(80).map { isAllowed($0) ? $0 : UInt8(ascii: "-") }
    return "invalid-topic." + (kept.isEmpty ? "empty" : String(decoding: kept, as: UTF8.self))
  }
}
