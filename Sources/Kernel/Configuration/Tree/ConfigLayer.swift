/// One file's share of the configuration, taken apart: what it includes, its profiles, and the rest.
struct ConfigLayer {
  /// The top-level keys that layers may set.
  static let settableKeys = ["host", "logging", "plugins", "rules"]
  private static let fileKeys = ["include", "profiles"]

  /// The rest.
  let tree: ConfigTree
  /// The files it includes, as written.
  let includes: [ConfigTree]
  /// Its profiles by name.
  let profiles: [ConfigEntry]
  let issues: [ConfigIssue]
  let hiddenMarks: [SourceMark]

  init(_ tree: ConfigTree) {
    var issues: [ConfigIssue] = []
    let entries = Self.entries(of: tree, &issues)
    self.tree = ConfigTree(
      .map(entries.filter { Self.settableKeys.contains($0.key) }), origin: tree.origin)
    includes = Self.includes(entries.first { $0.key == "include" }?.value, &issues)
    profiles = Self.profiles(entries.first { $0.key == "profiles" }?.value, &issues)
    hiddenMarks = entries.filter { !(Self.settableKeys + Self.fileKeys).contains($0.key) }.flatMap(\.value.scalarMarks)
    Self.check(entries, known: Self.settableKeys + Self.fileKeys, at: ConfigPath(), &issues)
    for profile in profiles {
      let path = ConfigPath([.key("profiles"), .key(profile.key)])
      Self.check(profile.value.map ?? [], known: Self.settableKeys, at: path, &issues)
    }
    self.issues = issues
  }

  private static func entries(of tree: ConfigTree, _ issues: inout [ConfigIssue]) -> [ConfigEntry] {
    if tree.isNull { return [] }
    if let entries = tree.map { return entries }
    issues.append(
      ConfigIssue(
        .type, at: tree.origin,
        "the file must be a map with the keys \(settableKeys.joined(separator: ", ")), is "
          + tree.kind, remedy: "begin with plugins:"))
    return []
  }

  private static func includes(_ tree: ConfigTree?, _ issues: inout [ConfigIssue]) -> [ConfigTree] {
    guard let tree, !tree.isNull else { return [] }
    let items = tree.list ?? [tree]
    for item in items where item.scalar == nil || item.isNull {
      issues.append(
        ConfigIssue(
          .type, at: item.origin, path: "include", "must be a file's path, is \(item.kind)",
          remedy: "write include: [other.yaml]"))
    }
    return items.filter { $0.scalar != nil && !$0.isNull }
  }

  private static func profiles(_ tree: ConfigTree?, _ issues: inout [ConfigIssue]) -> [ConfigEntry] {
    guard let tree, !tree.isNull else { return [] }
    guard let entries = tree.map else {
      issues.append(
        ConfigIssue(
          .type, at: tree.origin, path: "profiles", "must be a map, is \(tree.kind)",
          remedy: "write profiles: { production: { plugins: … } }"))
      return []
    }
    for entry in entries where entry.value.map == nil && !entry.value.isNull {
      issues.append(
        ConfigIssue(
          .type, at: entry.value.origin, path: ConfigPath([.key("profiles"), .key(entry.key)]),
          "must be a map, is \(entry.value.kind)"))
    }
    return entries
  }

  private static func check(
    _ entries: [ConfigEntry], known: [String], at path: ConfigPath, _ issues: inout [ConfigIssue]
  ) {
    for entry in entries where !known.contains(entry.key) {
      issues.append(
        ConfigIssue(
          .unknownKey, at: entry.keyOrigin, path: path.key(entry.key), "unknown key",
          remedy: UnknownName.remedy(for: entry.key, known: known, plural: "keys")))
    }
    for entry in entries {
      let wanted = entry.key == "rules" ? "a list" : "a map"
      let fits = entry.key == "rules" ? entry.value.list != nil : entry.value.map != nil
      if settableKeys.contains(entry.key), !fits, !entry.value.isNull {
        issues.append(
          ConfigIssue(
            .type, at: entry.value.origin, path: path.key(entry.key), "must be \(wanted), is \(entry.value.kind)"))
      }
    }
  }
}
