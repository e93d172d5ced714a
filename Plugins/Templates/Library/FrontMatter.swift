import MainstayKernel

/// What a template says of itself, between two lines `---` at its start.
///
/// A small part of YAML: `key: value`, and below a key without a value indented `name: value` or `- value`.
struct FrontMatter: Sendable, Equatable {
  /// What a member of the data must be.
  enum Kind: String, Sendable, CaseIterable {
    case any, string, number, integer, boolean, list, object, date
  }

  var engine: String?
  var subject: String?
  var locale: String?
  var version: Int?
  var layout: String?
  var preheader: String?
  var description: String?
  /// Data that must be there, by path; optional ones end with `?` in the source.
  var requires: [(path: String, kind: Kind, isOptional: Bool)] = []
  var attachments: [String] = []
  /// A file of data for previews, beside the template.
  var sample: String?
  /// Whether renderings may be given again; nil leaves it to the configuration.
  var cache: Bool?
  /// Whether missing values are errors; nil leaves it to the configuration.
  var strict: Bool?

  static func == (left: FrontMatter, right: FrontMatter) -> Bool {
    left.engine == right.engine && left.subject == right.subject && left.locale == right.locale
      && left.version == right.version && left.layout == right.layout && left.preheader == right.preheader
      && left.sample == right.sample && left.attachments == right.attachments && left.cache == right.cache
      && left.requires.map(\.path) == right.requires.map(\.path)
  }

  /// What is wrong with front matter, and in which line.
  struct Mistake: Error, Sendable, Equatable {
    let message: String
    let line: Int
  }

  /// Reads the front matter of a text, and where the template begins after it.
  static func read(_ text: String) throws(Mistake) -> (matter: FrontMatter, body: String, firstLine: Int) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, trimmed(first) == "---" else { return (FrontMatter(), text, 1) }
    guard let end = lines.dropFirst().firstIndex(where: { trimmed($0) == "---" }) else {
      throw Mistake(message: "the front matter does not end; close it with a line ---", line: 1)
    }
    var matter = FrontMatter()
    var key = ""
    for number in 1..<end {
      let line = lines[number]
      let content = trimmed(line)
      if content.isEmpty || content.hasPrefix("#") { continue }
      if line.first == " " || line.first == "\t" {
        try matter.add(content, to: key, line: number + 1)
      } else {
        guard let (name, value) = pair(content) else {
          throw Mistake(message: "write key: value", line: number + 1)
        }
        key = name
        try matter.set(name, value, line: number + 1)
      }
    }
    return (matter, lines[(end + 1)...].joined(separator: "\n"), end + 2)
  }

  private static let keys = [
    "engine", "subject", "locale", "version", "layout", "preheader", "description", "requires", "attachments", "sample",
    "cache", "strict",
  ]

  private mutating func set(_ key: String, _ value: String, line: Int) throws(Mistake) {
    let text: String? = value.isEmpty ? nil : value
    switch key {
    case "engine": engine = text
    case "subject": subject = text
    case "locale": locale = text
    case "layout": layout = text
    case "preheader": preheader = text
    case "description": description = text
    case "sample": sample = text
    case "version":
      guard let number = Int(value), number > 0 else {
        throw Mistake(message: "version is a whole number from 1", line: line)
      }
      version = number
    case "cache": cache = try Self.truth(value, key, line)
    case "strict": strict = try Self.truth(value, key, line)
    case "requires", "attachments":
      guard value.isEmpty else {
        throw Mistake(message: "put what belongs to '\(key)' on indented lines below it", line: line)
      }
    default:
      throw Mistake(message: "'\(key)' is not known; there are \(Self.keys.joined(separator: ", "))", line: line)
    }
  }

  private mutating func add(_ content: String, to key: String, line: Int) throws(Mistake) {
    switch key {
    case "attachments":
      guard content.hasPrefix("- ") else { throw Mistake(message: "write - name", line: line) }
      attachments.append(Self.unquoted(Self.trimmed(content.dropFirst(2))))
    case "requires":
      guard let (name, value) = Self.pair(content) else { throw Mistake(message: "write path: kind", line: line) }
      let isOptional = name.hasSuffix("?")
      guard let kind = Kind(rawValue: value) else {
        let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw Mistake(message: "the kind is one of \(kinds)", line: line)
      }
      requires.append((isOptional ? String(name.dropLast()) : name, kind, isOptional))
    default: throw Mistake(message: "nothing can stand below '\(key)'", line: line)
    }
  }

  private static func truth(_ value: String, _ key: String, _ line: Int) throws(Mistake) -> Bool {
    guard let truth = Bool(value) else { throw Mistake(message: "\(key) is true or false", line: line) }
    return truth
  }

  private static func pair(_ text: String) -> (String, String)? {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let name = unquoted(trimmed(text[..<colon]))
    return name.isEmpty ? nil : (name, unquoted(trimmed(text[text.index(after: colon)...])))
  }

  static func trimmed(_ text: some StringProtocol) -> String {
    var rest = Substring(text)
    while rest.first?.isWhitespace ?? false { rest.removeFirst() }
    while rest.last?.isWhitespace ?? false { rest.removeLast() }
    return String(rest)
  }

  private static func unquoted(_ text: String) -> String {
    guard text.count > 1, let first = text.first, first == text.last, first == "\"" || first == "'" else { return text }
    return String(text.dropFirst().dropLast())
  }
}

// MARK: Required data

extension FrontMatter {
  /// What the data lacks, in words; empty if it has everything.
  func objections(to data: JSONValue) -> [String] {
    requires.compactMap { requirement in
      let value = requirement.path.split(separator: ".").reduce(JSONValue?.some(data)) { value, key in
        value?[String(key)]
      }
      guard let value, value != .null else {
        return requirement.isOptional ? nil : "'\(requirement.path)' is missing"
      }
      return requirement.kind.accepts(value) ? nil : "'\(requirement.path)' must be \(requirement.kind.words)"
    }
  }
}

extension FrontMatter.Kind {
  func accepts(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.any, _), (.string, .string), (.number, .integer), (.number, .number), (.integer, .integer),
      (.boolean, .bool),
      (.list, .array), (.object, .object), (.date, .integer), (.date, .number):
      true
    case (.date, .string(let text)):
      text.utf8.count >= 10 && text.utf8.prefix(4).allSatisfy { (0x30...0x39).contains($0) }
    default: false
    }
  }

  var words: String {
    switch self {
    case .any: "anything"
    case .string: "a text"
    case .number: "a number"
    case .integer: "a whole number"
    case .boolean: "true or false"
    case .list: "a list"
    case .object: "an object"
    case .date: "a date"
    }
  }
}
