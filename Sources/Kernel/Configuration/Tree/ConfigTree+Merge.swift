/// Lays one layer over another: maps merge, everything else is replaced.
struct ConfigMerge {
  /// Lists that replaced others.
  private(set) var warnings: [ConfigIssue] = []
  /// What has been replaced: no field will say whether it is secret, so that excerpts must not show it.
  private(set) var hiddenMarks: [SourceMark] = []

  /// The base with the overlay on top. An explicit null takes the base's value away; nothing at all (`health:`) leaves
  /// a map as it is.
  mutating func merge(_ base: ConfigTree, with overlay: ConfigTree, at path: ConfigPath = ConfigPath()) -> ConfigTree {
    switch (base.content, overlay.content) {
    case (.map(let below), .map(let above)):
      return ConfigTree(.map(merge(below, above, path)), origin: overlay.origin)
    case (.map, .scalar(let scalar)) where scalar.isNull && !scalar.isExplicitNull:
      return base
    case (.list, .list) where !overlay.origin.isCommandLine && base.origin != overlay.origin:
      warnings.append(
        ConfigIssue(
          .warning, .replacedList, at: overlay.origin, path: path, "replaces the list at \(base.origin)",
          remedy: "lists do not merge: repeat here what should stay"))
      hiddenMarks += base.scalarMarks
      return overlay
    default:
      hiddenMarks += base.scalarMarks
      return overlay
    }
  }

  private mutating func merge(_ base: [ConfigEntry], _ overlay: [ConfigEntry], _ path: ConfigPath) -> [ConfigEntry] {
    var entries = base
    let places = Dictionary(base.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
    for entry in overlay {
      guard let place = places[entry.key] else {
        entries.append(entry)
        continue
      }
      entries[place] = ConfigEntry(
        key: entry.key, keyOrigin: entry.keyOrigin,
        value: merge(base[place].value, with: entry.value, at: path.key(entry.key)))
    }
    return entries
  }
}
