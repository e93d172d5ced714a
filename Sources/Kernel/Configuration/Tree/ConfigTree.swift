/// A value of the configuration as it was written: a scalar, a list or a map, with the place it comes from.
///
/// Immutable; an alias in YAML shares the storage of its anchor. What a scalar means is decided by the field that reads
/// it: `8080` is a number for an `Int` and text for a `String`.
public struct ConfigTree: Sendable {
  /// What a value holds.
  public enum Content: Sendable {
    /// Text whose meaning the field decides.
    case scalar(ConfigScalar)
    /// Values in order.
    case list([ConfigTree])
    /// Values by key, in the order of the file.
    case map([ConfigEntry])
  }

  /// What the value holds.
  public let content: Content
  /// Where it comes from.
  public let origin: ConfigOrigin

  /// A value with its origin.
  public init(_ content: Content, origin: ConfigOrigin) {
    self.content = content
    self.origin = origin
  }

  /// Its text, if it is a scalar.
  public var scalar: ConfigScalar? {
    if case .scalar(let scalar) = content { scalar } else { nil }
  }

  /// Its items, if it is a list.
  public var list: [ConfigTree]? {
    if case .list(let items) = content { items } else { nil }
  }

  /// Its entries, if it is a map.
  public var map: [ConfigEntry]? {
    if case .map(let entries) = content { entries } else { nil }
  }

  /// Whether it is `null`, `~` or nothing at all: the key counts as absent.
  public var isNull: Bool { scalar?.isNull ?? false }

  /// The entry of a key, if this is a map that has it.
  public func entry(_ key: String) -> ConfigEntry? { map?.first { $0.key == key } }

  /// The value of a key, if this is a map that has it.
  public subscript(_ key: String) -> ConfigTree? { entry(key)?.value }

  /// The value at the end of a path.
  public func value(at path: ConfigPath) -> ConfigTree? {
    var value = self
    for step in path.steps {
      switch step {
      case .key(let key):
        guard let next = value[key] else { return nil }
        value = next
      case .index(let index):
        guard let items = value.list, items.indices.contains(index) else { return nil }
        value = items[index]
      }
    }
    return value
  }

  /// `a map`, `a list`, `text`: what it is, for messages.
  var kind: String {
    switch content {
    case .scalar: isNull ? "nothing" : "a single value"
    case .list: "a list"
    case .map: "a map"
    }
  }

  /// The places of every scalar in it, for hiding them.
  var scalarMarks: [SourceMark] {
    switch content {
    case .scalar: origin.mark.map { [$0] } ?? []
    case .list(let items): items.flatMap(\.scalarMarks)
    case .map(let entries): entries.flatMap(\.value.scalarMarks)
    }
  }
}

/// A key of a map and its value.
public struct ConfigEntry: Sendable {
  /// The key.
  public let key: String
  /// Where the key stands.
  public let keyOrigin: ConfigOrigin
  /// The value.
  public let value: ConfigTree

  /// A key and its value.
  public init(key: String, keyOrigin: ConfigOrigin, value: ConfigTree) {
    self.key = key
    self.keyOrigin = keyOrigin
    self.value = value
  }
}

/// The text of a scalar, and how it was written.
public struct ConfigScalar: Sendable {
  /// How a scalar was written, which decides whether it can be a number, a Boolean or null.
  public enum Style: Sendable {
    /// `8080`
    case plain
    /// `"8080"`, `'8080'`, a block: text, whatever it looks like.
    case quoted
    /// Text that came from outside YAML (a substitution, an environment variable): the field decides what it is.
    case foreign
  }

  /// The text, after YAML's escapes and the substitution.
  public let text: String
  /// How it was written.
  public let style: Style
  /// Whether it must not be shown: it came from `${file:…}`.
  public let isSecret: Bool

  /// A scalar.
  public init(_ text: String, style: Style, isSecret: Bool = false) {
    self.text = text
    self.style = style
    self.isSecret = isSecret
  }

  /// Whether it is YAML's null.
  public var isNull: Bool {
    style == .plain && (text.isEmpty || isExplicitNull)
  }

  /// Whether somebody wrote `null` or `~`, rather than nothing.
  var isExplicitNull: Bool {
    style == .plain && ["~", "null", "Null", "NULL"].contains(text)
  }
}
