/// A `--set` argument: a path and a value, as in `http.port=18080`.
///
/// The path starts at the root; if its first step is no top-level key it starts under `plugins`, so that `http.port`
/// means `plugins.http.port`. The value is YAML.
struct ConfigOverride {
  let path: ConfigPath
  let value: ConfigTree

  init(_ argument: String, plugins: [String], limits: ConfigLimits) throws(ConfigIssue) {
    let (name, text) = Self.halves(argument)
    let origin = ConfigOrigin.commandLine(name)
    guard let text, let written = ConfigPath(parsing: name) else {
      throw ConfigIssue(
        .override, at: origin, "is not of the form path=value", remedy: "write --set http.port=18080")
    }
    path = try Self.resolved(written, plugins: plugins, origin)
    let document = YAMLDocument(override: text, limits: limits, origin: origin)
    if let issue = document.issues.first {
      throw ConfigIssue(
        issue.code, at: origin, path: path, "the value cannot be read: \(issue.message)", remedy: issue.remedy)
    }
    let isEmpty = document.tree?.map?.isEmpty ?? false
    let nothing = ConfigTree(.scalar(ConfigScalar("~", style: .plain)), origin: origin)
    value = isEmpty && !text.contains("{") ? nothing : document.tree ?? nothing
  }

  /// The text before and behind the first `=` that is not inside quotes.
  private static func halves(_ argument: String) -> (String, String?) {
    var isQuoted = false
    for index in argument.indices {
      if argument[index] == "\"" { isQuoted.toggle() }
      if argument[index] == "=", !isQuoted {
        return (String(argument[..<index]), String(argument[argument.index(after: index)...]))
      }
    }
    return (argument, nil)
  }

  private static func resolved(
    _ path: ConfigPath, plugins: [String], _ origin: ConfigOrigin
  ) throws(ConfigIssue) -> ConfigPath {
    guard case .key(let first)? = path.steps.first else { return path }
    if ConfigLayer.settableKeys.contains(first) { return path }
    if !plugins.contains(first),
      let similar = Spelling.closest(to: first, among: ConfigLayer.settableKeys + plugins)
    {
      throw ConfigIssue(
        .override, at: origin, path: path, "unknown path: there is no '\(first)'", remedy: "did you mean '\(similar)'?")
    }
    return ConfigPath([.key("plugins")] + path.steps)
  }

  /// The tree with the value at its path.
  func apply(to tree: ConfigTree) throws(ConfigIssue) -> ConfigTree {
    try replaced(tree, path.steps[...])
  }

  private func replaced(_ tree: ConfigTree?, _ steps: ArraySlice<ConfigPath.Step>) throws(ConfigIssue) -> ConfigTree {
    guard let step = steps.first else {
      var merge = ConfigMerge()
      return tree.map { merge.merge($0, with: value) } ?? value
    }
    switch (step, tree?.content) {
    case (.key(let key), .map(var entries)?):
      let index = entries.firstIndex { $0.key == key }
      let inner = try replaced(index.map { entries[$0].value }, steps.dropFirst())
      let entry = ConfigEntry(
        key: key, keyOrigin: index.map { entries[$0].keyOrigin } ?? value.origin, value: inner)
      if let index { entries[index] = entry } else { entries.append(entry) }
      return ConfigTree(.map(entries), origin: tree?.origin ?? value.origin)
    case (.key(let key), let content) where content == nil || tree?.isNull == true:
      let inner = try replaced(nil, steps.dropFirst())
      return ConfigTree(
        .map([ConfigEntry(key: key, keyOrigin: value.origin, value: inner)]), origin: value.origin)
    case (.index(let index), .list(var items)?) where items.indices.contains(index):
      items[index] = try replaced(items[index], steps.dropFirst())
      return ConfigTree(.list(items), origin: tree?.origin ?? value.origin)
    default:
      throw misfit(tree, at: path.steps.count - steps.count)
    }
  }

  private func misfit(_ tree: ConfigTree?, at depth: Int) -> ConfigIssue {
    let parent = ConfigPath(Array(path.steps.prefix(depth)))
    let what = tree.map { "\($0.kind) (\($0.origin))" } ?? "absent"
    return ConfigIssue(
      .override, at: value.origin, path: path, "unknown path: \(parent) is \(what)",
      remedy: "name a key of a map, or an item that a list has")
  }
}
