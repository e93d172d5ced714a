/// What a host does by itself when something happens: an entry under `rules:` in the manifest.
///
/// ```yaml
/// rules:
///   - { on: plugin.state-changed, where: { to: failed }, log: { level: critical, message: "a plugin is down" } }
///   - { on: pool.exhausted, publish: { topic: clinic.overloaded } }
/// ```
/// Each rule has one action. `log` and `publish` are the kernel's; others are offered by plugins.
public struct Rule: Sendable, Hashable {
  /// Which events it is about.
  public let on: TopicPattern
  /// What fields of the event must be: a value, or one of a list.
  public let conditions: [Condition]
  /// What is done.
  public let action: String
  /// How it is done.
  public let arguments: JSONValue

  /// A field of an event and the values it may have.
  public struct Condition: Sendable, Hashable {
    /// The field, with dots for fields within fields.
    public let field: String
    /// The values, as text or numbers.
    public let values: [JSONValue]
  }

  /// The topic that the rule's `publish` action publishes.
  var publishedTopic: Topic? {
    guard action == "publish", let text = arguments["topic"]?.stringValue else { return nil }
    return try? Topic(text)
  }

  /// Whether an event is what the rule is about.
  func matches(_ event: AnyEvent) -> Bool {
    conditions.allSatisfy { condition in
      var value: JSONValue? = event.json
      for key in condition.field.split(separator: ".") { value = value?[String(key)] }
      guard let value else { return false }
      return condition.values.contains { Self.isEqual($0, value) }
    }
  }

  /// YAML does not say whether `5` is a number or a text, so they are compared as they are written.
  private static func isEqual(_ wanted: JSONValue, _ found: JSONValue) -> Bool {
    wanted == found || text(wanted) == text(found)
  }

  private static func text(_ value: JSONValue) -> String { value.stringValue ?? value.compact }
}

/// Something that rules can do, offered by a plugin.
public struct RuleAction: Sendable {
  /// The key of the action in a rule, as listed in the plugin's manifest.
  public let name: String
  let perform: @Sendable (JSONValue, AnyEvent) async throws -> Void

  /// An action: `perform` gets what the manifest says under its name, and the event.
  public init(_ name: String, perform: @escaping @Sendable (JSONValue, AnyEvent) async throws -> Void) {
    self.name = name
    self.perform = perform
  }
}

extension ContributionPoint where Value == RuleAction {
  /// What rules can do. Collected by the kernel.
  public static var ruleActions: Self { Self("rule_actions") }
}
