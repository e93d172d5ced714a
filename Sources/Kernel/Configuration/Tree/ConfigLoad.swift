/// A loaded configuration: the tree of all layers, and what was wrong with the files.
public struct ConfigLoad: Sendable {
  /// All layers laid over one another, substitutions made. Empty if the manifest cannot be read.
  public let tree: ConfigTree
  /// What is wrong with the files, the overrides and the substitutions.
  public let issues: [ConfigIssue]
  /// The absolute paths of every file that was read or looked for, so that a change of any can be seen.
  public let watchedFiles: [String]
  /// The same files, as they looked just before they were read.
  let snapshot: ConfigSnapshot
  /// The texts of the files, for excerpts.
  public let sources: ConfigSources
  /// The environment variables that fields may be bound to.
  public let environment: [String: String]

  /// The entries under `plugins:` in the order of the manifest. One that is set to `null` or `~` is taken away;
  /// one with nothing behind it (`health:`) is an empty section.
  public var plugins: [ConfigEntry] {
    (tree["plugins"]?.map ?? []).filter { !($0.value.scalar?.isExplicitNull ?? false) }
  }
}

/// The texts of the files a configuration was read from, and what in them must not be shown.
public struct ConfigSources: Sendable {
  private(set) var texts: [String: [Substring]] = [:]
  var secretMarks: [SourceMark] = []

  mutating func add(_ text: String, of file: String) {
    texts[file] = Self.lines(of: text)
  }

  /// The lines of a text, as YAML counts them.
  static func lines(of text: String) -> [Substring] {
    // "\r\n" is one character.
    text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
  }
}
