/// Reads the `rules:` of a manifest, and says everything that is wrong with them.
struct RuleReader {
  /// The actions that the enabled plugins offer, beside the kernel's own.
  let offered: [String]
  private(set) var issues: [ConfigIssue] = []

  init(offered: [String]) { self.offered = offered }

  private static let own = ["log", "publish"]
  private static let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

  mutating func read(_ tree: ConfigTree) -> [Rule] {
    guard !tree.isNull else { return [] }
    guard let items = tree.list else {
      report(tree, "rules", "expected a list", "write `rules:` and below it `- { on: …, log: … }`")
      return []
    }
    let rules = items.enumerated().map { index, item in read(item, at: ConfigPath([.key("rules"), .index(index)])) }
    refuseCircles(rules, items)
    return rules.compactMap { $0 }
  }

  /// Rules that publish what others wait for, around in a circle, would never come to rest.
  private mutating func refuseCircles(_ rules: [Rule?], _ items: [ConfigTree]) {
    let topics = rules.map { rule in rule.flatMap { $0.publishedTopic } }
    func followers(of index: Int) -> [Int] {
      guard let topic = topics[index] else { return [] }
      return rules.indices.filter { rules[$0]?.on.matches(topic) ?? false }
    }
    for start in rules.indices where topics[start] != nil {
      var open = followers(of: start).filter { $0 != start }
      var seen = Set(open)
      while let next = open.popLast() {
        if followers(of: next).contains(start) {
          report(
            items[start], ConfigPath([.key("rules"), .index(start)]),
            "publishes what leads, through rule \(next + 1), to itself again", "break the circle")
          break
        }
        for follower in followers(of: next) where seen.insert(follower).inserted { open.append(follower) }
      }
    }
  }

  private mutating func read(_ item: ConfigTree, at path: ConfigPath) -> Rule? {
    guard let entries = item.map else {
      report(item, path, "expected a map", "write `{ on: topic, log: { message: … } }`")
      return nil
    }
    let on = pattern(item, at: path)
    let conditions = conditions(item["where"], at: path.key("where"))
    let actions = entries.filter { !["on", "where"].contains($0.key) }
    let known = Self.own + offered
    for entry in actions where !known.contains(entry.key) {
      issues.append(
        ConfigIssue(
          .error, .unknownKey, at: entry.keyOrigin, path: path.key(entry.key), "no enabled plugin offers this action",
          remedy: UnknownName.remedy(for: entry.key, known: known, plural: "actions")))
    }
    guard actions.count == 1, let action = actions.first else {
      report(
        item, path, actions.isEmpty ? "has no action" : "has \(actions.count) actions",
        "give it one of: \(known.sorted().joined(separator: ", "))")
      return nil
    }
    guard let on, known.contains(action.key) else { return nil }
    let arguments = JSONValue(action.value)
    check(action, arguments, on, at: path.key(action.key))
    return Rule(on: on, conditions: conditions, action: action.key, arguments: arguments)
  }

  private mutating func pattern(_ item: ConfigTree, at path: ConfigPath) -> TopicPattern? {
    guard let node = item["on"], let text = node.scalar?.text else {
      report(
        item, path, "has no topic", "say what it is about: `on: plugin.state-changed`, or `on: plugin.*`")
      return nil
    }
    do {
      return try TopicPattern(text)
    } catch {
      report(node, path.key("on"), "\(error)", "write a topic such as pool.exhausted, or a pattern such as pool.*")
      return nil
    }
  }

  private mutating func conditions(_ node: ConfigTree?, at path: ConfigPath) -> [Rule.Condition] {
    guard let node, !node.isNull else { return [] }
    guard let entries = node.map else {
      report(node, path, "expected a map of fields and values", "write `where: { severity: critical }`")
      return []
    }
    return entries.compactMap { entry in
      let values = entry.value.list?.map { JSONValue($0) } ?? [JSONValue(entry.value)]
      guard values.allSatisfy({ $0.objectValue == nil && $0.arrayValue == nil }) else {
        report(
          entry.value, path.key(entry.key), "expected a value or a list of values",
          "write fields within fields with dots")
        return nil
      }
      return Rule.Condition(field: entry.key, values: values)
    }
  }

  /// The kernel's own actions are checked here; those of plugins when they are performed.
  private mutating func check(_ action: ConfigEntry, _ arguments: JSONValue, _ on: TopicPattern, at path: ConfigPath) {
    switch action.key {
    case "log":
      guard arguments.stringValue != nil || arguments["message"]?.stringValue != nil else {
        return report(action.value, path, "has no message", "write `log: { level: warning, message: \"…\" }`")
      }
      if let level = arguments["level"]?.stringValue, !Self.levels.contains(level) {
        report(
          action.value, path.key("level"), "is no log level: '\(level)'",
          "use one of \(Self.levels.joined(separator: ", "))")
      }
    case "publish":
      guard let text = arguments["topic"]?.stringValue, let topic = try? Topic(text) else {
        return report(action.value, path, "has no valid topic", "write `publish: { topic: clinic.overloaded }`")
      }
      if on.matches(topic) {
        report(action.value, path, "publishes '\(topic)', which the rule itself is about", "publish another topic")
      }
    default:
      break
    }
  }

  private mutating func report(_ node: ConfigTree, _ path: ConfigPath, _ message: String, _ remedy: String) {
    issues.append(ConfigIssue(.error, .invalidValue, at: node.origin, path: path, message, remedy: remedy))
  }
}
