/// A value of the effective configuration: what it is, where it comes from, what it is for.
public struct ConfigValueReport: Sendable {
  /// The key.
  public let path: ConfigPath
  /// The value as it would be written; `<redacted>` if it is a secret.
  public let rendered: String
  /// Where it comes from.
  public let origin: ConfigOrigin
  /// The field's line of help.
  public let help: String
  /// Whether it is the declared default.
  public let isDefault: Bool
  /// Whether it is redacted.
  public let isSecret: Bool

  /// The value itself, for comparing and checking. Never to be shown.
  public let content: Secret<JSONValue>

  /// The report as an object.
  public var json: JSONValue {
    [
      "path": .string(path.description), "value": isSecret ? .string(rendered) : content.reveal(),
      "origin": .string(origin.description), "default": .bool(isDefault), "secret": .bool(isSecret),
      "help": .string(help),
    ]
  }
}

/// A value that differs between two configurations.
public struct ConfigChange: Sendable, Hashable, CustomStringConvertible {
  /// The key.
  public let path: ConfigPath
  /// The old value as it was written, redacted if secret; nil if the key is new.
  public let old: String?
  /// The new value as it would be written, redacted if secret; nil if the key is gone.
  public let new: String?
  /// Where the new value comes from, or where the old one did if the key is gone.
  public let origin: ConfigOrigin

  /// `plugins.pool.max: 50 → 80 (host.yaml:7:10)`
  public var description: String { "\(path): \(old ?? "absent") → \(new ?? "absent") (\(origin))" }

  /// The change as an object.
  public var json: JSONValue {
    [
      "path": .string(path.description), "old": old.map { .string($0) } ?? nil, "new": new.map { .string($0) } ?? nil,
      "origin": .string(origin.description),
    ]
  }

  /// What differs between two effective configurations, in the order of the paths. Secrets are compared by content.
  public static func changes(
    from old: [ConfigValueReport], to new: [ConfigValueReport]
  ) -> [ConfigChange] {
    let before = Dictionary(old.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    let after = Dictionary(new.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    return Set(before.keys).union(after.keys)
      .filter { before[$0]?.content != after[$0]?.content }
      .map { path in
        ConfigChange(
          path: path, old: before[path]?.rendered, new: after[path]?.rendered,
          origin: after[path]?.origin ?? before[path]?.origin ?? .standard)
      }
      .sorted { $0.path.description < $1.path.description }
  }
}
