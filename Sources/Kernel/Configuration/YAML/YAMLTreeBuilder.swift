/// Builds a tree out of YAML events: a pure machine, fed one event at a time.
///
/// What can be passed over (a duplicate key, a custom tag) is collected; what cannot (a limit, an alias to nothing) is
/// thrown.
struct YAMLTreeBuilder {
  /// What has come of a map or list so far.
  private struct Frame {
    var isMap: Bool
    let origin: ConfigOrigin
    let anchor: String?
    var items: [ConfigTree] = []
    var entries: [ConfigEntry] = []
    var keys: [String: ConfigOrigin] = [:]
    var key: PendingKey?
    var merges: [ConfigTree] = []
    /// How many values it holds, aliases expanded.
    var size = 1
    /// How many maps and lists are inside one another in it.
    var height = 1
  }

  private struct PendingKey {
    let text: String
    let origin: ConfigOrigin
    let isDuplicate: Bool
    let isMerge: Bool
  }

  private struct Anchored {
    let tree: ConfigTree
    let size: Int
    let height: Int
  }

  private(set) var root: ConfigTree?
  private(set) var issues: [ConfigIssue] = []
  /// What must not appear in excerpts because no field says what it is.
  private(set) var hiddenMarks: [SourceMark] = []
  private let limits: ConfigLimits
  private let origin: (YAMLPosition, YAMLPosition) -> ConfigOrigin
  private var stack: [Frame] = []
  private var anchors: [String: Anchored] = [:]
  private var openAnchors: Set<String> = []
  private var documents = 0
  private var total = 0

  init(limits: ConfigLimits, origin: @escaping (YAMLPosition, YAMLPosition) -> ConfigOrigin) {
    self.limits = limits
    self.origin = origin
  }

  mutating func feed(_ step: YAMLStep) throws(ConfigIssue) {
    let place = origin(step.start, step.end)
    switch step.event {
    case .documentStart:
      documents += 1
      if documents > 1 {
        throw ConfigIssue(
          .syntax, at: place, "a second document begins here", remedy: "remove the --- or use one file for each")
      }
    case .documentEnd, .streamEnd: break
    case .scalar(let text, let isPlain): try scalar(text, isPlain: isPlain, step, place)
    case .listStart, .mapStart: try open(step, place)
    case .end: try close()
    case .alias(let name): try alias(name, place)
    }
  }

  // MARK: scalars

  private mutating func scalar(
    _ text: String, isPlain: Bool, _ step: YAMLStep, _ place: ConfigOrigin
  ) throws(ConfigIssue) {
    if text.unicodeScalars.contains("\0") {
      throw ConfigIssue(.syntax, at: place, "has a NUL character", remedy: "remove the escape \\0")
    }
    let style = style(isPlain: isPlain, step.tag, place)
    if expectsKey {
      try key(text, isMerge: isPlain && text == "<<", place)
      if let anchor = step.anchor {
        let tree = ConfigTree(.scalar(ConfigScalar(text, style: style)), origin: place)
        anchors[anchor] = Anchored(tree: tree, size: 1, height: 0)
      }
      return
    }
    let tree = ConfigTree(.scalar(ConfigScalar(text, style: style)), origin: place)
    if let anchor = step.anchor { anchors[anchor] = Anchored(tree: tree, size: 1, height: 0) }
    try add(tree, size: 1, height: 0)
  }

  private mutating func style(isPlain: Bool, _ tag: String?, _ place: ConfigOrigin) -> ConfigScalar.Style {
    switch tag {
    case nil: return isPlain ? .plain : .quoted
    case "!", "tag:yaml.org,2002:str": return .quoted
    case "tag:yaml.org,2002:int", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float", "tag:yaml.org,2002:null":
      return .plain
    case let tag?:
      refuse(tag, place)
      return .quoted
    }
  }

  private mutating func refuse(_ tag: String, _ place: ConfigOrigin) {
    issues.append(
      ConfigIssue(
        .syntax, at: place, "the tag \(YAMLTreeBuilder.short(tag)) is not supported",
        remedy: "remove the tag; the field decides what the value is"))
  }

  private static func short(_ tag: String) -> String {
    let prefix = "tag:yaml.org,2002:"
    return tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : String(tag.prefix(60))
  }

  // MARK: maps and lists

  private var expectsKey: Bool { stack.last.map { $0.isMap && $0.key == nil } ?? false }

  private mutating func open(_ step: YAMLStep, _ place: ConfigOrigin) throws(ConfigIssue) {
    if expectsKey { throw Self.noKey(place) }
    guard stack.count < limits.depth else { throw tooDeep(place) }
    var isMap = false
    if case .mapStart = step.event { isMap = true }
    if let tag = step.tag, tag != "!", tag != "tag:yaml.org,2002:" + (isMap ? "map" : "seq") { refuse(tag, place) }
    if let anchor = step.anchor { openAnchors.insert(anchor) }
    stack.append(Frame(isMap: isMap, origin: place, anchor: step.anchor))
  }

  private mutating func close() throws(ConfigIssue) {
    guard let frame = stack.popLast() else { return }
    let tree = ConfigTree(frame.isMap ? .map(merged(frame)) : .list(frame.items), origin: frame.origin)
    if let anchor = frame.anchor {
      openAnchors.remove(anchor)
      anchors[anchor] = Anchored(tree: tree, size: frame.size, height: frame.height)
    }
    try add(tree, size: frame.size, height: frame.height)
  }

  private mutating func key(_ text: String, isMerge: Bool, _ place: ConfigOrigin) throws(ConfigIssue) {
    guard !text.isEmpty else {
      throw ConfigIssue(.syntax, at: place, "a key is empty", remedy: "write a name before the colon")
    }
    guard let top = stack.indices.last else { return }
    let first = stack[top].keys[text]
    if let first {
      issues.append(
        ConfigIssue(
          .duplicateKey, at: place, "the key '\(text.prefix(60))' occurs twice; the first is at \(first)",
          remedy: "remove one of the two"))
    } else {
      stack[top].keys[text] = place
    }
    stack[top].key = PendingKey(text: text, origin: place, isDuplicate: first != nil, isMerge: isMerge)
  }

  private mutating func alias(_ name: String, _ place: ConfigOrigin) throws(ConfigIssue) {
    if openAnchors.contains(name) {
      throw ConfigIssue(
        .syntax, at: place, "the alias *\(name.prefix(60)) stands inside its own anchor", remedy: "remove the alias")
    }
    guard let anchored = anchors[name] else {
      throw ConfigIssue(
        .syntax, at: place, "the alias *\(name.prefix(60)) has no anchor before it",
        remedy: "write &\(name.prefix(60)) before the value it stands for, or quote the text")
    }
    if expectsKey {
      guard let scalar = anchored.tree.scalar else { throw Self.noKey(place) }
      return try key(scalar.text, isMerge: false, place)
    }
    guard stack.count + anchored.height <= limits.depth else { throw tooDeep(place) }
    guard total + anchored.size <= limits.nodes else { throw tooMany(place) }
    try add(anchored.tree, size: anchored.size, height: anchored.height, isAlias: true)
  }

  /// Puts a complete value where it belongs.
  private mutating func add(
    _ tree: ConfigTree, size: Int, height: Int, isAlias: Bool = false
  ) throws(ConfigIssue) {
    // A map or list has counted its parts already.
    total += isAlias ? size : 1
    guard total <= limits.nodes else { throw tooMany(tree.origin) }
    guard let top = stack.indices.last else {
      root = tree
      return
    }
    stack[top].size += size
    stack[top].height = max(stack[top].height, height + 1)
    guard stack[top].isMap else { return stack[top].items.append(tree) }
    guard let key = stack[top].key else { return }
    stack[top].key = nil
    if key.isDuplicate {
      hiddenMarks += tree.scalarMarks
    } else if key.isMerge {
      stack[top].merges += mergeable(tree)
    } else {
      stack[top].entries.append(ConfigEntry(key: key.text, keyOrigin: key.origin, value: tree))
    }
  }

  /// The maps a merge key (`<<`) names.
  private mutating func mergeable(_ tree: ConfigTree) -> [ConfigTree] {
    let maps = tree.list ?? [tree]
    for map in maps where map.map == nil {
      issues.append(
        ConfigIssue(
          .syntax, at: map.origin, "the merge key << takes a map or a list of maps, not \(map.kind)",
          remedy: "write <<: *anchor with the anchor of a map"))
    }
    return maps
  }

  /// The entries of a map, its own first, then those of its merge key that it has not itself.
  private func merged(_ frame: Frame) -> [ConfigEntry] {
    var entries = frame.entries
    var keys = Set(entries.map(\.key))
    for entry in frame.merges.flatMap({ $0.map ?? [] }) where keys.insert(entry.key).inserted {
      entries.append(entry)
    }
    return entries
  }

  // MARK: refusals

  private static func noKey(_ place: ConfigOrigin) -> ConfigIssue {
    ConfigIssue(
      .syntax, at: place, "a map or list cannot be a key",
      remedy: "if this is text, quote it; {{ }} of a template must be quoted too")
  }

  private func tooDeep(_ place: ConfigOrigin) -> ConfigIssue {
    ConfigIssue(
      .limit, at: place, "more than \(limits.depth) maps and lists are inside one another",
      remedy: "make the file flatter")
  }

  private func tooMany(_ place: ConfigOrigin) -> ConfigIssue {
    ConfigIssue(
      .limit, at: place, "the file has more than \(limits.nodes) values, aliases counted each time they are used",
      remedy: "make the file smaller, or use fewer aliases")
  }
}

extension ConfigIssue: Error {}
