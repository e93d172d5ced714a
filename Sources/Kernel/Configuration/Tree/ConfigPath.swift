/// The way from the root of the configuration to a value: `plugins.pool.postgres.max`, `rules[0].notify`.
public struct ConfigPath: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// A step on the way.
  public enum Step: Sendable, Hashable {
    /// Into a map.
    case key(String)
    /// Into a list, counted from 0.
    case index(Int)
  }

  /// The steps from the root.
  public let steps: [Step]

  /// A path of steps; none is the root.
  public init(_ steps: [Step] = []) { self.steps = steps }

  /// Reads `a.b[0].c`; a key with other characters is quoted: `levels."a.b"`. Nil if it cannot be read.
  public init?(parsing text: String) {
    var reader = ConfigPathReader(text)
    guard let steps = reader.steps() else { return nil }
    self.steps = steps
  }

  /// A path in a program. What cannot be read as a path is taken as one key.
  public init(stringLiteral text: String) {
    self = ConfigPath(parsing: text) ?? ConfigPath([.key(text)])
  }

  /// The path of a key below this one.
  public func key(_ key: String) -> ConfigPath { ConfigPath(steps + [.key(key)]) }

  /// The path of a list's item.
  public func index(_ index: Int) -> ConfigPath { ConfigPath(steps + [.index(index)]) }

  /// The path that continues with another.
  public func appending(_ path: ConfigPath) -> ConfigPath { ConfigPath(steps + path.steps) }

  /// `plugins.pool.postgres[0].max`
  public var description: String {
    var text = ""
    for step in steps {
      switch step {
      case .index(let index): text += "[\(index)]"
      case .key(let key):
        if !text.isEmpty { text += "." }
        text += Self.isPlain(key) ? key : "\"\(key)\""
      }
    }
    return text
  }

  /// Whether a key can be written into a path without quotes.
  static func isPlain(_ key: String) -> Bool {
    !key.isEmpty && !key.unicodeScalars.contains { ".[]\"=".unicodeScalars.contains($0) || $0.value <= 0x20 }
  }
}

/// Reads the text of a path, step by step.
private struct ConfigPathReader {
  private var rest: Substring

  init(_ text: String) { rest = Substring(text) }

  mutating func steps() -> [ConfigPath.Step]? {
    var steps: [ConfigPath.Step] = []
    while !rest.isEmpty {
      if rest.first == "[" {
        guard !steps.isEmpty, let index = index() else { return nil }
        steps.append(.index(index))
      } else {
        if !steps.isEmpty {
          guard rest.first == "." else { return nil }
          rest.removeFirst()
        }
        guard let key = rest.first == "\"" ? quotedKey() : plainKey() else { return nil }
        steps.append(.key(key))
      }
    }
    return steps.isEmpty ? nil : steps
  }

  private mutating func index() -> Int? {
    guard let end = rest.firstIndex(of: "]") else { return nil }
    let index = Int(rest[rest.index(after: rest.startIndex)..<end])
    rest = rest[rest.index(after: end)...]
    return index.flatMap { $0 >= 0 ? $0 : nil }
  }

  private mutating func quotedKey() -> String? {
    rest.removeFirst()
    guard let end = rest.firstIndex(of: "\"") else { return nil }
    let key = String(rest[..<end])
    rest = rest[rest.index(after: end)...]
    return key
  }

  private mutating func plainKey() -> String? {
    let key = String(rest.prefix { $0 != "." && $0 != "[" })
    rest = rest.dropFirst(key.count)
    return ConfigPath.isPlain(key) ? key : nil
  }
}
